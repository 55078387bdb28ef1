//! The one order in which everybody must get the messages, byte for byte.
//!
//! ```text
//!   transcript:  :MTc5…│:MTc5…│:MTc5…│:MTc5         whoever gets bytes first writes them down, and they are decoded and checked
//!                    ▲ subscriber 1    ▲ subscriber 2     all others are compared with it
//! ```
//!
//! A comparison is the cheapest check that there is, and the strictest: a subscriber that has come to the end of the transcript by
//! comparing has got every message exactly once and in the order of all others. What all have got is forgotten.

use std::collections::VecDeque;

use common::protocol::mboard::response::Posted;
use common::protocol::textframe;

use super::plan::{Dialect, HEADER};

/// Kept although all have got it, before it is forgotten: forgetting moves the rest.
const KEEP: usize = 4 << 20;

/// What is compared at once.
const BLOCK: usize = 512;

/// The transcript.
#[derive(Debug)]
pub struct Transcript {
    dialect: Dialect,
    text_length: usize,
    bytes: Vec<u8>,
    /// Bytes forgotten, before `bytes`.
    forgotten: u64,
    /// Messages that are written down whole and not forgotten.
    messages: VecDeque<Message>,
    forgotten_messages: u64,
    /// Where the message begins that is not whole.
    open: u64,
    /// Published and not yet in the transcript, by publisher: when each was to be published. Nanoseconds of the run.
    published: Vec<VecDeque<u64>>,
    numbers: Vec<u64>,
}

#[derive(Debug, Clone, Copy)]
struct Message {
    end: u64,
    due_ns: u64,
}

/// How far one subscriber is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Place {
    bytes: u64,
    /// Messages it has got whole.
    pub messages: u64,
}

/// A subscriber got what it should not have got.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// Not the bytes that another got in this place.
    #[error(
        "after {after} messages a subscriber got others than the first one did: one is missing, double, or out of order"
    )]
    OtherOrder {
        /// Messages it had got before.
        after: u64,
    },
    /// A message of a publisher twice, or one before an earlier one, or one that it has not sent.
    #[error("publisher {publisher}: number {found} came where {expected} was due")]
    OutOfTurn {
        /// Whose.
        publisher: usize,
        /// What came.
        found: u64,
        /// What was due.
        expected: u64,
    },
    /// No message of this run: was the board empty?
    #[error("a message that nobody has published in this run")]
    Foreign,
}

impl Transcript {
    /// Nothing published yet.
    pub fn new(dialect: Dialect, publishers: usize, text_length: usize) -> Transcript {
        Transcript {
            dialect,
            text_length,
            bytes: Vec::new(),
            forgotten: 0,
            messages: VecDeque::new(),
            forgotten_messages: 0,
            open: 0,
            published: vec![VecDeque::new(); publishers],
            numbers: vec![0; publishers],
        }
    }

    /// That publisher's next message is on its way, and was due then.
    pub fn published(&mut self, publisher: usize, due_ns: u64) {
        self.published[publisher].push_back(due_ns);
    }

    /// A subscriber has got `bytes`; of them it takes those before `stop`. Says how many that were, and calls `delivered` for each
    /// message that is now whole, with the time when it was due.
    pub fn follow(
        &mut self,
        place: &mut Place,
        bytes: &[u8],
        stop: Option<u8>,
        delivered: impl FnMut(u64),
    ) -> Result<usize, Violation> {
        let known = &self.bytes[(place.bytes - self.forgotten) as usize..];
        let mut taken = common_prefix(known, bytes);
        let (at_end, rest) = (taken == known.len(), &bytes[taken..]);
        place.bytes += taken as u64;
        if !rest.is_empty() && rest.first().copied() != stop {
            if !at_end {
                return Err(Violation::OtherOrder { after: place.messages });
            }
            let new = stop.and_then(|stop| rest.iter().position(|&byte| byte == stop)).unwrap_or(rest.len());
            self.write_down(&rest[..new])?;
            taken += new;
            place.bytes += new as u64;
        }
        self.count(place, delivered);
        Ok(taken)
    }

    /// The answer ends where a subscriber is: so does the message before it.
    pub fn end_of_answer(&mut self, place: &mut Place, delivered: impl FnMut(u64)) -> Result<(), Violation> {
        if place.bytes == self.forgotten + self.bytes.len() as u64 && place.bytes > self.open {
            self.close(place.bytes)?;
        }
        self.count(place, delivered);
        // It must not end inside a message.
        let whole =
            place.messages.checked_sub(self.forgotten_messages).and_then(|count| count.checked_sub(1));
        match whole.and_then(|last| self.messages.get(last as usize)) {
            Some(last) if last.end != place.bytes => Err(Violation::OtherOrder { after: place.messages }),
            _ => Ok(()),
        }
    }

    /// Forgets what everybody has got.
    pub fn forget(&mut self, places: impl Iterator<Item = Place> + Clone) {
        let Some(least) = places.clone().map(|place| place.bytes).min() else { return };
        let messages = places.map(|place| place.messages).min().unwrap_or(0);
        // The last one that somebody has got stays: `end_of_answer` looks at it.
        while self.forgotten_messages + 1 < messages {
            self.messages.pop_front();
            self.forgotten_messages += 1;
        }
        // Nor is the open one cut: it is read when it is closed.
        let done = (least.min(self.open) - self.forgotten) as usize;
        if done > KEEP {
            self.bytes.drain(..done);
            self.forgotten += done as u64;
        }
    }

    fn count(&self, place: &mut Place, mut delivered: impl FnMut(u64)) {
        while let Some(message) = self.messages.get((place.messages - self.forgotten_messages) as usize)
            && message.end <= place.bytes
        {
            place.messages += 1;
            delivered(message.due_ns);
        }
    }

    /// Somebody is the first to get these bytes.
    fn write_down(&mut self, bytes: &[u8]) -> Result<(), Violation> {
        let before = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        let end = self.forgotten + self.bytes.len() as u64;
        match self.dialect {
            Dialect::Redis => {
                let length =
                    (REDIS_HEAD + decimal_digits(self.text_length) + 2 + self.text_length + 2) as u64;
                while self.open + length <= end {
                    self.close(self.open + length)?;
                }
            }
            Dialect::Board => {
                for (index, _) in bytes.iter().enumerate().filter(|&(_, &byte)| byte == b':') {
                    let colon = self.forgotten + (before + index) as u64;
                    if colon > self.open {
                        self.close(colon)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// The open message ends here: who published it, and was it its turn?
    fn close(&mut self, end: u64) -> Result<(), Violation> {
        let bytes = &self.bytes[(self.open - self.forgotten) as usize..(end - self.forgotten) as usize];
        let (publisher, found) = self.read(bytes).ok_or(Violation::Foreign)?;
        let expected = *self.numbers.get(publisher).ok_or(Violation::Foreign)?;
        if found != expected {
            return Err(Violation::OutOfTurn { publisher, found, expected });
        }
        let due_ns = self.published[publisher].pop_front().ok_or(Violation::Foreign)?;
        self.numbers[publisher] += 1;
        self.messages.push_back(Message { end, due_ns });
        self.open = end;
        Ok(())
    }

    fn read(&self, bytes: &[u8]) -> Option<(usize, u64)> {
        let decoded;
        let text = match self.dialect {
            Dialect::Board => {
                decoded = textframe::piece(bytes.strip_prefix(b":")?).ok()?;
                Posted::parse_line(&decoded)?.text
            }
            Dialect::Redis => {
                let head = format!("*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n${}\r\n", self.text_length);
                bytes.strip_prefix(head.as_bytes())?.strip_suffix(b"\r\n")?
            }
        };
        if text.len() != self.text_length {
            return None;
        }
        let header = str::from_utf8(&text[..HEADER]).ok()?;
        let publisher = usize::from_str_radix(&header[..4], 16).ok()?;
        Some((publisher, u64::from_str_radix(&header[4..], 16).ok()?))
    }
}

/// `*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$`, before the length of the text.
const REDIS_HEAD: usize = b"*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$".len();

fn decimal_digits(number: usize) -> usize {
    number.checked_ilog10().unwrap_or(0) as usize + 1
}

fn common_prefix(a: &[u8], b: &[u8]) -> usize {
    let length = a.len().min(b.len());
    let (a, b) = (&a[..length], &b[..length]);
    // Blocks are compared by memcmp(3); only in the one that differs each byte is looked at.
    let blocks = a.chunks(BLOCK).zip(b.chunks(BLOCK)).take_while(|(a, b)| a == b).count();
    let same = (blocks * BLOCK).min(length);
    same + a[same..].iter().zip(&b[same..]).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests;
