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

use common::core::input::Input;
use common::core::service::{Answer, Decoded, Peer, Protocol, Request, Service};

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
    fn handle(&self, _client: &Peer, request: Request) -> Answer {
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
    use std::sync::Arc;

    use common::core::conversation::Conversation;
    use proptest::prelude::*;

    use super::*;

    /// What comes back for these pieces.
    fn answers(pieces: &[&[u8]]) -> Vec<u8> {
        let client = Peer::new("127.0.0.1:4711".parse().unwrap());
        let service: Arc<dyn Service> = Arc::new(Bytes);
        let mut conversation = Conversation::open(&service, client);
        let mut sent = Vec::new();
        for piece in pieces {
            conversation.receive(piece);
            loop {
                sent.extend_from_slice(conversation.transmit());
                conversation.transmitted(conversation.transmit().len());
                let Some(request) = conversation.poll_request() else { break };
                conversation.answer(service.handle(&client, request));
            }
            sent.extend_from_slice(conversation.transmit());
            conversation.transmitted(conversation.transmit().len());
        }
        sent
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_split_of_the_digits_brings_the_same_bytes(
            numbers in prop::collection::vec(0..5000_u64, 0..6),
            last in prop::option::of(0..5000_u64),
            line_end in prop::sample::select(vec!["\n", "\r\n"]),
            cut in any::<prop::sample::Index>(),
        ) {
            let mut text: String = numbers.iter().map(|number| format!("{number}{line_end}")).collect();
            text += &last.map(|number| number.to_string()).unwrap_or_default();
            let expected = numbers.iter().sum::<u64>() + last.unwrap_or(0);
            let (front, back) = text.as_bytes().split_at(cut.index(text.len() + 1));
            let bytewise: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
            for pieces in [&[text.as_bytes()][..], &[front, back], &bytewise] {
                let bytes = answers(pieces);
                prop_assert!(bytes.iter().all(|&byte| byte == b'*'));
                prop_assert_eq!(bytes.len() as u64, expected);
            }
        }

        /// How much of a bad number is answered before the error depends on the split; that an error ends it does not.
        #[test]
        fn no_bytes_are_a_panic_and_bad_ones_end_in_an_error(
            bytes in prop::collection::vec(prop_oneof![b'0'..=b'9', any::<u8>()], 0..12),
        ) {
            let bad = bytes.iter().any(|byte| !matches!(byte, b'0'..=b'9' | b'\r' | b'\n'));
            let answers = answers(&[&bytes]);
            prop_assert!(!bad || answers.ends_with(b"\n"), "no error after {:?}", bytes);
        }
    }

    #[test]
    fn a_number_beyond_the_limit_is_an_error() {
        assert_eq!(answers(&[b"16777217\n"]), b"ERROR more than 16777216 bytes\n");
        assert_eq!(answers(&[b"99999999999999999999999999"]), b"ERROR more than 16777216 bytes\n");
        assert_eq!(answers(&[b"16777216"]).len() as u64, LIMIT);
    }
}
