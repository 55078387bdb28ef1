//! `random`: the random-bytes server. Whoever connects gets 81 bytes, sixteen of them random, and the end.
//!
//! The format is in `common::protocol::random`.
//!
//! The randomness is the system's own (getrandom(2)), asked anew each time. A generator in our memory would be copied
//! by `fork`, and all children would send the same "random" bytes.

use common::core::framing::Silent;
use common::core::service::{Answer, Peer, Protocol, RequestCodec, Service};
use common::protocol::random;
use rand::TryRng;
use rand::rngs::SysRng;

/// Sends random bytes to whoever comes.
#[derive(Debug)]
pub struct Random;

impl Service for Random {
    type Request = Vec<u8>;

    fn name(&self) -> &'static str {
        "random"
    }

    fn protocol(&self) -> impl Protocol<Request = Vec<u8>> {
        Silent
    }

    fn greet(&self, _peer: &Peer) -> Option<Answer> {
        let mut bytes = [0; 16];
        SysRng.try_fill_bytes(&mut bytes).expect("Linux always has random bytes");
        Some(Answer::last(random::answer(bytes)))
    }

    fn codec(&self) -> Option<RequestCodec<Vec<u8>>> {
        Some(RequestCodec::serde())
    }

    fn handle(&self, _peer: &Peer, _request: Vec<u8>) -> Answer {
        Answer::nothing() // a silent client asks nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_are_others_each_time() {
        let client = Peer::new("127.0.0.1:4711".parse().unwrap());
        let [one, two] = [0, 1].map(|_| Random.greet(&client).unwrap().body.into_bytes());
        assert_eq!((one.len(), two.len()), (random::LENGTH, random::LENGTH));
        assert_eq!((&one[..34], &one[50..]), (&two[..34], &two[50..]));
        assert_ne!(one[34..50], two[34..50]);
    }
}
