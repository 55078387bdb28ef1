//! Lists inside a message, and how many parts all of them may have together.
//!
//! A frame has a limit in bytes, but a part of a list may take one byte on the wire and 32 in memory: a frame of a megabyte would take
//! 32, and twice that while its list grows. So the parts of a message are counted while it is read, before memory is taken for them.
//!
//! ```text
//!   reading(|| decode(bytes))            #[serde(deserialize_with = "bounded::list")]
//!   └─ PARTS may come ───────────────────└─ each takes one
//! ```
//!
//! serde gives a derived `Deserialize` no place for a budget, so it is the thread's.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// Most parts of one message, in all its lists.
pub const PARTS: usize = 200_000;

/// A list claims its length before its parts are there: memory for so many is taken at once.
const AT_ONCE: usize = 1024;

thread_local! {
    static LEFT: Cell<usize> = const { Cell::new(PARTS) };
}

/// Reads one message.
pub fn reading<T>(read: impl FnOnce() -> T) -> T {
    LEFT.set(PARTS);
    read()
}

/// Reads a list of a message.
///
/// # Errors
/// It is no such list, or the message has too many parts.
pub fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    deserializer.deserialize_seq(List(PhantomData))
}

struct List<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for List<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list; all lists of a message have at most {PARTS} parts")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Vec<T>, A::Error> {
        let claimed = parts.size_hint().unwrap_or(0);
        let left = LEFT.get().checked_sub(claimed).ok_or_else(|| Error::custom("too many parts"))?;
        LEFT.set(left);
        let mut list = Vec::with_capacity(claimed.min(AT_ONCE));
        while let Some(part) = parts.next_element()? {
            list.push(part);
        }
        Ok(list)
    }
}

#[cfg(test)]
mod tests {
    use common::protocol::frame::{decode, encode};
    use serde::Serialize;

    use super::*;

    #[derive(Debug, Serialize, Deserialize)]
    struct Message {
        #[serde(deserialize_with = "list")]
        outer: Vec<Inner>,
    }

    #[derive(Debug, Serialize, Deserialize)]
    struct Inner(#[serde(deserialize_with = "list")] Vec<u8>);

    fn message(lists: usize, parts: usize) -> Vec<u8> {
        let outer = (0..lists).map(|_| Inner(vec![0; parts])).collect();
        let mut bytes = Vec::new();
        encode(&Message { outer }, u32::MAX, &mut bytes).unwrap();
        bytes
    }

    #[test]
    fn the_lists_of_a_message_have_so_many_parts_together() {
        let read = |bytes: &[u8]| reading(|| decode::<Message>(bytes, u32::MAX).is_ok());
        for (lists, parts) in [(1, PARTS - 1), (PARTS, 0), (100, PARTS / 100 - 1)] {
            assert!(read(&message(lists, parts)), "{lists} lists of {parts}");
        }
        for (lists, parts) in [(1, PARTS), (PARTS + 1, 0), (100, PARTS / 100)] {
            assert!(!read(&message(lists, parts)), "{lists} lists of {parts}");
        }
        assert!(read(&message(1, 1)), "each message has all of it");
    }
}
