//! `bytes`: the service of the csd examples. The client sends a number as decimal text, and gets that many bytes.
//!
//! The csd client sends `3000` without a newline and waits: nothing in the stream says that the number is whole, and
//! TCP may bring it as `30` and `00`. But every number begins with smaller ones, so what has come can be answered at
//! once, and the rest when more digits come:
//!
//! ```text
//!   in:   3 ──► 3 bytes       in:  30 ──►   30 bytes
//!         0 ──► 27 more           00\n ──► 2970 more
//!        00 ──► 2970 more            (after a newline the next number begins)
//! ```
//!
//! However the number was split, the client has in the end exactly the bytes it asked for.

use common::input::Input;
use common::service::{Answer, Client, Decoded, Protocol, Request, Service};

/// Most bytes that a client may ask for at once.
pub const LIMIT: u64 = 16 * 1024 * 1024;

/// Sends as many bytes as asked.
#[derive(Debug)]
pub struct Bytes;

impl Service for Bytes {
    fn name(&self) -> &'static str {
        "bytes"
    }

    fn protocol(&self) -> Box<dyn Protocol> {
        Box::new(Number { value: 0, answered: 0 })
    }

    /// The request is a count, eight bytes, most significant first: what is still owed.
    fn handle(&self, _client: &Client, request: Request) -> Answer {
        let owed = request.0.try_into().map_or(0, u64::from_be_bytes).min(LIMIT);
        Answer::new(vec![b'*'; owed as usize])
    }
}

/// The digits so far, and how many bytes they have been answered with.
struct Number {
    value: u64,
    answered: u64,
}

impl Protocol for Number {
    fn decode(&mut self, input: &mut Input) -> Decoded {
        let malformed = |why| Decoded::Malformed { answer: format!("ERROR {why}\n").into_bytes(), why };
        let (mut used, mut whole) = (0, false);
        for &byte in input.bytes() {
            used += 1;
            match byte {
                b'0'..=b'9' => self.value = self.value * 10 + u64::from(byte - b'0'),
                b'\r' => {}
                b'\n' => whole = true,
                _ => return malformed("not a decimal number"),
            }
            if self.value > LIMIT {
                return malformed("more than 16777216 bytes");
            }
            if whole {
                break;
            }
        }
        input.skip(used);
        let owed = self.value - self.answered;
        self.answered = self.value;
        if whole {
            *self = Number { value: 0, answered: 0 };
        }
        match used {
            0 => Decoded::Incomplete,
            _ => Decoded::Request(Request(owed.to_be_bytes().to_vec())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::conversation::Conversation;
    use std::sync::Arc;

    /// How many bytes are answered to these reads.
    fn answered(reads: &[&[u8]]) -> usize {
        let service: Arc<dyn Service> = Arc::new(Bytes);
        let client = Client { address: "127.0.0.1:4711".parse().unwrap() };
        let mut talk = Conversation::open(&service, client);
        for read in reads {
            talk.receive(read);
            while let Some(request) = talk.poll_request() {
                talk.answer(service.handle(&client, request));
            }
        }
        talk.transmit().len()
    }

    #[test]
    fn a_number_may_be_split_anywhere() {
        let stream = b"3000\n12\r\n0\n704";
        for first in 0..stream.len() {
            for second in first..stream.len() {
                let reads = [&stream[..first], &stream[first..second], &stream[second..]];
                assert_eq!(answered(&reads), 3000 + 12 + 704, "split at {first} and {second}");
            }
        }
    }
}
