//! The procedures behind the calls: a board, with a count of how often a text is on it. The text of each call is its own, so the
//! count is how often the call was run.
//!
//! What the caller is told follows from the answer *and* from the semantics: a board that is full, or a condition that does not hold,
//! may be the work of an earlier transmission of the same call.

use common::protocol::frame;
use serde::{Deserialize, Serialize};

use super::datagram::LONGEST_BODY;
use super::outcome::{NotDone, Outcome, Unknown};
use super::promise::Semantics;

/// The longest text, bytes.
pub const LONGEST_TEXT: usize = 1000;

/// Most publishes that the board of a server takes. Anyone can send them, and a text is kept for ever.
pub const MOST_TEXTS: u64 = 100_000;

/// What can be called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Method {
    /// Puts a text on the board.
    Publish {
        /// The text.
        text: Vec<u8>,
    },
    /// Puts a text on the board, if it has exactly so many texts. What was run once is not true a second time.
    PublishIf {
        /// The texts that are to be there.
        length: u64,
        /// The text.
        text: Vec<u8>,
    },
    /// How many texts there are. It changes nothing, so it may be run as often as it likes: it is idempotent.
    Length,
    /// How often this text is there. Idempotent.
    Count {
        /// The text.
        text: Vec<u8>,
    },
}

/// What comes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// It is on the board, which has so many texts now.
    Published(u64),
    /// The condition does not hold: the board has so many texts.
    Changed(u64),
    /// No room on the board.
    Full,
    /// A number.
    Number(u64),
}

impl Method {
    /// The body of a call.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    /// Reads the body of a call; `None` when it is none, or its text is over the limit.
    #[must_use]
    pub fn decode(body: &[u8]) -> Option<Method> {
        decode(body).filter(|method: &Method| method.text().is_none_or(|text| text.len() <= LONGEST_TEXT))
    }

    fn text(&self) -> Option<&[u8]> {
        match self {
            Method::Publish { text } | Method::PublishIf { text, .. } | Method::Count { text } => Some(text),
            Method::Length => None,
        }
    }
}

impl Reply {
    /// The body of an answer.
    #[must_use]
    pub fn encode(self) -> Vec<u8> {
        encode(&self)
    }

    /// Reads the body of an answer.
    #[must_use]
    pub fn decode(body: &[u8]) -> Option<Reply> {
        decode(body)
    }
}

/// What the caller of a method is told.
#[must_use]
pub fn judge(semantics: Semantics, outcome: Outcome<Vec<u8>>) -> Outcome<u64> {
    let reply = match outcome {
        Outcome::Done(body) => Reply::decode(&body),
        Outcome::NotDone(why) => return Outcome::NotDone(why),
        Outcome::Unknown(why) => return Outcome::Unknown(why),
    };
    match reply {
        Some(Reply::Published(number) | Reply::Number(number)) => Outcome::Done(number),
        // MIT 6.5840 tells the caller of a first transmission that nothing was done. That is true where the network never
        // duplicates: ours does, and then a second copy meets the change that the first has made.
        Some(Reply::Changed(_)) => Outcome::Unknown(Unknown::Maybe),
        // The one answer of a call that is run once. Of any other it is the answer of one run among several.
        Some(Reply::Full) if semantics.is_remembered() => Outcome::NotDone(NotDone::Full),
        Some(Reply::Full) => Outcome::Unknown(Unknown::Full),
        None => Outcome::Unknown(Unknown::Unreadable),
    }
}

fn encode(value: &impl Serialize) -> Vec<u8> {
    let mut body = Vec::new();
    // Over the limit it stays empty, which is no method; the client says so before it sends anything.
    let _ = frame::encode(value, (LONGEST_BODY - frame::HEADER) as u32, &mut body);
    body
}

fn decode<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Option<T> {
    let (value, length) = frame::decode(body, LONGEST_BODY as u32).ok().flatten()?;
    (length == body.len()).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_read_as_they_were_written() {
        let text = vec![b'x'; LONGEST_TEXT];
        for method in [
            Method::Publish { text: text.clone() },
            Method::PublishIf { length: u64::MAX, text: text.clone() },
            Method::Length,
            Method::Count { text },
        ] {
            assert_eq!(Method::decode(&method.encode()), Some(method));
        }
        let mut longer = Method::Length.encode();
        longer.push(0);
        assert_eq!(Method::decode(&longer), None);
        assert_eq!(Method::decode(&Method::Publish { text: vec![0; LONGEST_TEXT + 1] }.encode()), None);
        assert_eq!(Method::decode(&[]), None);
    }

    #[test]
    fn a_condition_that_does_not_hold_says_nothing_about_this_call() {
        let changed = Outcome::Done(Reply::Changed(3).encode());
        assert_eq!(judge(Semantics::Conditional, changed), Outcome::Unknown(Unknown::Maybe));
    }

    #[test]
    fn a_full_board_is_certain_only_where_the_call_is_run_once() {
        let full = || Outcome::Done(Reply::Full.encode());
        assert_eq!(judge(Semantics::AtMostOnce, full()), Outcome::NotDone(NotDone::Full));
        assert_eq!(judge(Semantics::AtLeastOnce, full()), Outcome::Unknown(Unknown::Full));
    }
}
