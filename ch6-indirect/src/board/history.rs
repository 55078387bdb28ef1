//! The board, counted from its stream; sans-I/O. Two servers that have read as far hold the same.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;

use super::messages::Message;

/// The board as far as its stream has been read.
#[derive(Debug, Default)]
pub struct History {
    messages: Vec<Message>,
    places: BTreeMap<u128, u64>,
    /// The offset of the next entry of the stream.
    next_offset: u64,
}

impl History {
    /// A message of the stream has come, at this offset. Its place, whether it is new or was there before.
    pub fn apply(&mut self, offset: u64, message: Message) -> u64 {
        let next = self.len();
        let is_new = offset >= self.next_offset;
        self.skip(offset);
        match self.places.entry(message.id) {
            Slot::Occupied(place) => *place.get(),
            Slot::Vacant(place) if is_new => {
                place.insert(next);
                self.messages.push(message);
                next
            }
            Slot::Vacant(_) => next,
        }
    }

    /// An entry that is no message: it takes an offset, and no place.
    pub fn skip(&mut self, offset: u64) {
        self.next_offset = self.next_offset.max(offset + 1);
    }

    /// Where the message of this request stands, if it does.
    pub fn place(&self, id: u128) -> Option<u64> {
        self.places.get(&id).copied()
    }

    /// How many messages there are.
    pub fn len(&self) -> u64 {
        self.messages.len() as u64
    }

    /// From where to read the stream on.
    pub fn next_offset(&self) -> u64 {
        self.next_offset
    }

    /// The last `count` messages, 0 for all: place, time, text.
    pub fn last(&self, count: u64) -> Vec<(u64, u64, String)> {
        let length = self.messages.len();
        let count = if count == 0 { length } else { usize::try_from(count).unwrap_or(length).min(length) };
        let first = length - count;
        let placed = self.messages[first..].iter().zip(first as u64..);
        placed.map(|(message, place)| (place, message.posted, message.text.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: u128) -> Message {
        Message { id, posted: 0, text: id.to_string() }
    }

    #[test]
    fn what_is_in_the_stream_twice_is_on_the_board_once() {
        let mut history = History::default();
        assert_eq!(history.apply(0, entry(7)), 0);
        assert_eq!(history.apply(1, entry(8)), 1);
        assert_eq!(history.apply(2, entry(7)), 0); // a request that was worked at twice
        assert_eq!(history.apply(1, entry(8)), 1); // the stream, read again after the connection was lost
        assert_eq!(history.apply(3, entry(9)), 2);
        assert_eq!((history.len(), history.next_offset()), (3, 4));
        let texts: Vec<String> = history.last(2).into_iter().map(|(_, _, text)| text).collect();
        assert_eq!(texts, ["8", "9"]);
        assert_eq!(history.last(0).len(), 3);
    }
}
