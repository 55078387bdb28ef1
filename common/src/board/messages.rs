//! The board itself: messages, their order, and how many there may be.

use std::net::SocketAddr;
use std::sync::Arc;

use thiserror::Error;

use crate::protocol::UnixTime;
use crate::protocol::mboard::Id;
use crate::protocol::mboard::response::Posted;

/// One message. A clone shares the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// When it reached the board.
    pub time: UnixTime,
    /// Who sent it.
    pub from: SocketAddr,
    /// What was sent, any bytes.
    pub text: Arc<[u8]>,
}

impl Message {
    /// The message as the protocol writes it.
    pub fn posted(&self) -> Posted<'_> {
        Posted { time: self.time, from: self.from, text: &self.text }
    }
}

/// How much a board keeps before it refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all texts together; 1 GiB by default.
    pub bytes: usize,
    /// Messages; 2^22 by default. Each costs about 100 bytes besides its text, and an empty one costs those too.
    pub messages: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { bytes: 1 << 30, messages: 1 << 22 }
    }
}

/// The board has no room for this message. The text protocol answers it with "bad format", having no code of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Full {
    /// The texts would take more bytes than the limit.
    #[error("the board is full: {0} bytes of text at most")]
    Bytes(usize),
    /// There are as many messages as the limit.
    #[error("the board is full: {0} messages at most")]
    Messages(usize),
}

/// The board. See [`board`](crate::board) for how to share it.
#[derive(Debug, Default)]
pub struct Board {
    messages: Vec<Message>,
    bytes: usize,
    limits: Limits,
}

impl Board {
    /// An empty board.
    pub fn new(limits: Limits) -> Board {
        Board { messages: Vec::new(), bytes: 0, limits }
    }

    /// Puts a text on the board, and tells its id.
    ///
    /// # Errors
    /// [`Full`], and the board is as it was.
    pub fn publish(
        &mut self,
        text: impl Into<Arc<[u8]>>,
        from: SocketAddr,
        time: UnixTime,
    ) -> Result<Id, Full> {
        if self.messages.len() >= self.limits.messages {
            return Err(Full::Messages(self.limits.messages));
        }
        let text = text.into();
        if text.len() > self.limits.bytes - self.bytes {
            return Err(Full::Bytes(self.limits.bytes));
        }
        let id = self.next_id();
        self.bytes += text.len();
        self.messages.push(Message { time, from, text });
        Ok(id)
    }

    /// The ids of the last `count` messages, oldest first; 0 means all, and so does more than there are.
    pub fn last(
        &self,
        count: u64,
    ) -> impl DoubleEndedIterator<Item = Id> + ExactSizeIterator + Clone + use<> {
        (self.first_of_last(count)..self.messages.len()).map(|index| Id(index as u64))
    }

    /// The last `count` messages with their texts, counted as in [`last`](Board::last).
    pub fn last_messages(&self, count: u64) -> &[Message] {
        &self.messages[self.first_of_last(count)..]
    }

    /// The message with this id.
    pub fn message(&self, id: Id) -> Option<&Message> {
        self.messages.get(usize::try_from(id.0).ok()?)
    }

    /// The message with this id and all later ones; empty when there is none yet.
    pub fn since(&self, id: Id) -> &[Message] {
        usize::try_from(id.0).ok().and_then(|index| self.messages.get(index..)).unwrap_or_default()
    }

    /// The id of the message that will come next: what a subscriber to future messages starts with.
    pub fn next_id(&self) -> Id {
        Id(self.messages.len() as u64)
    }

    fn first_of_last(&self, count: u64) -> usize {
        match usize::try_from(count) {
            Ok(0) | Err(_) => 0,
            Ok(count) => self.messages.len().saturating_sub(count),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const NOW: UnixTime = UnixTime(Duration::from_secs(7));

    fn client() -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], 34234))
    }

    fn board_of(texts: &[&str]) -> Board {
        let mut board = Board::default();
        for text in texts {
            board.publish(text.as_bytes(), client(), NOW).unwrap();
        }
        board
    }

    fn ids(board: &Board, count: u64) -> Vec<u64> {
        board.last(count).map(|id| id.0).collect()
    }

    #[test]
    fn ids_count_from_zero_and_last_is_oldest_first() {
        let board = board_of(&["a", "b", "c"]);
        assert_eq!(ids(&board, 2), [1, 2]);
        assert_eq!(board.next_id(), Id(3));
        for all in [0, 3, 4, u64::MAX] {
            assert_eq!(ids(&board, all), [0, 1, 2]);
        }
        assert!(ids(&Board::default(), 0).is_empty());
        assert_eq!(board.last_messages(1), [board.message(Id(2)).unwrap().clone()]);
    }

    #[test]
    fn a_message_keeps_its_text_sender_and_time() {
        let board = board_of(&["a", ""]);
        assert_eq!(
            board.message(Id(0)),
            Some(&Message { time: NOW, from: client(), text: b"a".as_slice().into() })
        );
        assert_eq!(board.message(Id(1)).unwrap().text.len(), 0);
        assert_eq!(board.message(Id(2)), None);
        assert_eq!(board.message(Id(u64::MAX)), None);
    }

    #[test]
    fn a_subscriber_gets_each_message_once() {
        let mut board = board_of(&["old"]);
        let mut wanted = board.next_id();
        assert_eq!(board.since(wanted), []);
        for text in ["b", "c"] {
            board.publish(text.as_bytes(), client(), NOW).unwrap();
        }
        let texts: Vec<&[u8]> = board.since(wanted).iter().map(|message| &*message.text).collect();
        assert_eq!(texts, [b"b", b"c"]);
        wanted = board.next_id();
        assert_eq!(board.since(wanted), []);
        assert_eq!(board.since(Id(u64::MAX)), []);
    }

    #[test]
    fn a_full_board_refuses_and_stays_as_it_was() {
        let mut board = Board::new(Limits { bytes: 5, messages: 3 });
        board.publish(*b"abc", client(), NOW).unwrap();
        assert_eq!(board.publish(*b"def", client(), NOW), Err(Full::Bytes(5)));
        board.publish(*b"de", client(), NOW).unwrap();
        board.publish(*b"", client(), NOW).unwrap();
        assert_eq!(board.publish(*b"", client(), NOW), Err(Full::Messages(3)));
        assert_eq!(ids(&board, 0), [0, 1, 2]);
    }
}
