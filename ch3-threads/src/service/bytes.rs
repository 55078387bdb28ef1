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

use std::time::Instant;

use common::core::input::Input;
use common::core::service::{
    Answer, Body, BodyStream, Decoded, Peer, Piece, Protocol, RequestCodec, Service,
};

/// Most bytes that a client may ask for at once.
pub const LIMIT: u64 = 16 * 1024 * 1024;

/// Sends as many bytes as asked.
#[derive(Debug)]
pub struct Bytes;

impl Service for Bytes {
    /// How many bytes are still owed.
    type Request = u64;

    fn name(&self) -> &'static str {
        "bytes"
    }

    fn protocol(&self) -> impl Protocol<Request = u64> {
        Number { value: 0, answered: 0 }
    }

    fn codec(&self) -> Option<RequestCodec<u64>> {
        Some(RequestCodec::serde())
    }

    fn handle(&self, _peer: &Peer, owed: u64) -> Answer {
        if owed <= PIECE {
            return Answer::new(stars(owed));
        }
        // A client that reads slowly must not make us hold 16 MiB for it.
        Answer::new(Body::Stream(Box::new(Stars { left: owed })))
    }
}

/// The longest piece of a long answer.
const PIECE: u64 = 64 * 1024;

/// A long answer, made while it is sent.
struct Stars {
    left: u64,
}

impl BodyStream for Stars {
    fn poll_piece(&mut self, _now: Instant) -> Piece {
        let count = self.left.min(PIECE);
        self.left -= count;
        if count == 0 { Piece::End } else { Piece::Bytes(stars(count)) }
    }
}

fn stars(count: u64) -> Vec<u8> {
    vec![b'*'; count as usize]
}

/// The digits so far, and how many bytes they have been answered with.
struct Number {
    value: u64,
    answered: u64,
}

impl Protocol for Number {
    type Request = u64;

    fn decode(&mut self, input: &mut Input) -> Decoded<u64> {
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
            _ => Decoded::Request(owed),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use common::core::conversation::{Conversation, Next};
    use common::core::limits::Limits;
    use common::core::work::AnyService;
    use proptest::prelude::*;

    use super::*;

    /// What comes back for these pieces.
    fn answers(pieces: &[&[u8]]) -> Vec<u8> {
        let peer = Peer::new("127.0.0.1:4711".parse().unwrap());
        let service: Arc<dyn AnyService> = Arc::new(Bytes);
        let mut conversation = Conversation::open(&service, &Limits::default(), peer);
        let (mut sent, now) = (Vec::new(), Instant::now());
        for piece in pieces {
            conversation.handle_bytes(piece, now);
            loop {
                if conversation.poll_request(now) {
                    let answer = conversation.handle_request();
                    conversation.answer(answer);
                }
                match conversation.next(now) {
                    Next::Send => {
                        sent.extend_from_slice(conversation.transmit());
                        conversation.handle_sent(conversation.transmit().len());
                    }
                    Next::Poll => {}
                    _ => break,
                }
            }
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
