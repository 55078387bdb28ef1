//! The bytes that go round: what is sent at each offset of a stream and what must come back, without a byte stored per
//! message.
//!
//! ```text
//! pattern   x7 q2 …65521 random bytes… k9 │ x7 q2 … again, so that every slice lies in one piece
//! client 3  starts at phase 3·7919:  offset 0 ─────────▶ the byte at (phase + offset) mod 65521
//! ```
//!
//! Every byte has its place. A lost, doubled or reordered message shifts what follows, and since 65521 is prime no
//! number of lost messages of an ordinary size shifts it by a whole period; every client starts elsewhere, so that an
//! answer given to the wrong client is noticed too. Checking costs one comparison of memory per read.

use rand::Rng;

use super::decisions::{Purpose, generator};

/// The largest prime below 2^16.
const PERIOD: usize = 65_521;
/// The longest slice that is always in one piece; also the length of the read buffer.
pub(super) const CHUNK: usize = 64 * 1024;

/// Fixed bytes that a client sends and what it expects for them, where the server speaks another protocol than echo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    ask: Vec<u8>,
    answer: Answer,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Answer {
    Bytes(Vec<u8>),
    Length(usize),
}

impl Exchange {
    /// `answer` must come back for every `ask`, byte for byte: `PING\r\n` and `+PONG\r\n`. `None` when one is empty.
    pub fn exactly(ask: Vec<u8>, answer: Vec<u8>) -> Option<Exchange> {
        (!ask.is_empty() && !answer.is_empty()).then_some(Exchange { ask, answer: Answer::Bytes(answer) })
    }

    /// `length` bytes must come back for every `ask`, whatever they are (an HTTP answer with its date in it).
    /// `None` when there are none.
    pub fn of_length(ask: Vec<u8>, length: usize) -> Option<Exchange> {
        (!ask.is_empty() && length > 0).then_some(Exchange { ask, answer: Answer::Length(length) })
    }

    /// A request.
    pub fn ask(&self) -> &[u8] {
        &self.ask
    }

    /// Bytes per answer.
    pub fn answer_length(&self) -> usize {
        match &self.answer {
            Answer::Bytes(bytes) => bytes.len(),
            Answer::Length(length) => *length,
        }
    }
}

/// Both directions of a stream: coordinator by all clients of an event loop, never changed.
#[derive(Debug)]
pub(super) struct Script {
    ask: Pattern,
    /// What must come back; `None`: the same as `ask`.
    answer: Option<Pattern>,
    verify: bool,
    /// Clients start at different phases: only where the pattern is our own.
    phased: bool,
    pub(super) ask_length: u64,
    pub(super) answer_length: u64,
}

impl Script {
    /// Messages of `bytes` that come back as they are.
    pub(super) fn echo(seed: u64, bytes: usize) -> Script {
        let mut period = vec![0; PERIOD];
        generator(seed, Purpose::Pattern, 0).fill_bytes(&mut period);
        Script {
            ask: Pattern::repeating(&period),
            answer: None,
            verify: true,
            phased: true,
            ask_length: bytes as u64,
            answer_length: bytes as u64,
        }
    }

    /// Fixed messages.
    pub(super) fn fixed(exchange: &Exchange) -> Script {
        let answer = match &exchange.answer {
            Answer::Bytes(bytes) => Some(Pattern::repeating(bytes)),
            Answer::Length(_) => None,
        };
        Script {
            ask: Pattern::repeating(&exchange.ask),
            verify: answer.is_some(),
            answer,
            phased: false,
            ask_length: exchange.ask.len() as u64,
            answer_length: exchange.answer_length() as u64,
        }
    }

    /// Where the streams of client number `index` start.
    pub(super) fn phase(&self, index: u64) -> u64 {
        if self.phased { index.wrapping_mul(7919) % PERIOD as u64 } else { 0 }
    }

    /// What is sent at `offset`, at most `most` bytes and never nothing (for a `most` above 0).
    pub(super) fn to_send(&self, offset: u64, most: u64) -> &[u8] {
        self.ask.at(offset, most.min(CHUNK as u64) as usize)
    }

    /// Whether `bytes` (at most [`CHUNK`]) are what must come back at `offset`.
    pub(super) fn accepts(&self, offset: u64, bytes: &[u8]) -> bool {
        !self.verify || self.answer.as_ref().unwrap_or(&self.ask).at(offset, bytes.len()) == bytes
    }
}

/// A period of bytes, repeated until every slice of [`CHUNK`] bytes is in one piece.
#[derive(Debug)]
struct Pattern {
    bytes: Vec<u8>,
    period: u64,
}

impl Pattern {
    fn repeating(period: &[u8]) -> Pattern {
        let bytes = period.iter().copied().cycle().take(period.len() + CHUNK).collect();
        Pattern { bytes, period: period.len() as u64 }
    }

    fn at(&self, offset: u64, length: usize) -> &[u8] {
        let start = (offset % self.period) as usize;
        &self.bytes[start..start + length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_the_same_however_it_is_cut() {
        let script = Script::echo(1, 16);
        let whole = script.to_send(65_000, 2000).to_vec();
        let pieces: Vec<u8> =
            (0..200).flat_map(|piece| script.to_send(65_000 + piece * 10, 10).to_vec()).collect();
        assert_eq!(whole, pieces);
        assert!(script.accepts(65_000, &whole));
    }

    #[test]
    fn lost_doubled_reordered_and_swapped_messages_are_noticed() {
        let script = Script::echo(1, 16);
        for messages in 1..PERIOD as u64 {
            assert!(!script.accepts(0, script.to_send(messages * 16, 16)), "{messages} messages lost");
        }
        let swapped = [script.to_send(16, 16), script.to_send(0, 16)].concat();
        assert!(!script.accepts(0, &swapped));
        for other in 1..10_000 {
            assert!(!script.accepts(script.phase(0), script.to_send(script.phase(other), 16)), "{other}");
        }
    }

    #[test]
    fn a_fixed_exchange_repeats_both_sides() {
        let ping = Exchange::exactly(b"PING\r\n".to_vec(), b"+PONG\r\n".to_vec()).unwrap();
        let script = Script::fixed(&ping);
        assert_eq!(script.to_send(4, 8), b"\r\nPING\r\n");
        assert!(script.accepts(7, b"+PONG\r\n+PO"));
        assert!(!script.accepts(7, b"-ERR\r\n"));
        assert_eq!(script.phase(9), 0);
        assert!(Script::fixed(&Exchange::of_length(b"GET".to_vec(), 3).unwrap()).accepts(0, b"any"));
        assert_eq!(Exchange::of_length(vec![], 3), None);
    }
}
