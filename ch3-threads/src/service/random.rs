//! `random`: the random-bytes server. Whoever connects gets 81 bytes, sixteen of them random, and the end.
//!
//! ```text
//!   offset  0  "You requested some random bytes:"   32 bytes
//!          32  two newlines
//!          34  16 random bytes: four signed 32-bit integers, two points in the square [-1,1]²
//!          50  two spaces, two newlines
//!          54  "You want fries with that?"          25 bytes
//!          79  two newlines
//! ```
//!
//! The randomness is the system's own (getrandom(2)), asked anew each time. A generator in our memory would be copied
//! by `fork`, and all children would send the same "random" bytes.

use common::core::framing::Silent;
use common::core::service::{Answer, Peer, Protocol, RequestCodec, Service};
use rand::TryRng;
use rand::rngs::SysRng;

/// Length of the answer, bytes.
pub const LENGTH: usize = 81;

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
        let mut random = [0; 16];
        SysRng.try_fill_bytes(&mut random).expect("Linux always has random bytes");
        let mut bytes = Vec::with_capacity(LENGTH);
        bytes.extend_from_slice(b"You requested some random bytes:\n\n");
        bytes.extend_from_slice(&random);
        bytes.extend_from_slice(b"  \n\nYou want fries with that?\n\n");
        Some(Answer::last(bytes))
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
    fn has_its_random_bytes_at_offset_34() {
        let client = Peer::new("127.0.0.1:4711".parse().unwrap());
        let [one, two] = [0, 1].map(|_| Random.greet(&client).unwrap().body.into_bytes());
        assert_eq!((one.len(), two.len()), (LENGTH, LENGTH));
        assert_eq!((&one[..34], &one[50..]), (&two[..34], &two[50..]));
        assert_ne!(one[34..50], two[34..50]);
    }
}
