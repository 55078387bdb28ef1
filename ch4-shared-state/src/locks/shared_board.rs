//! What every way of sharing offers: the calls of a board.

use std::sync::Arc;

/// A message. A clone shares the text.
pub type Text = Arc<str>;

/// A board that threads share. It keeps the newest [`KEPT`](super::KEPT) messages.
pub trait SharedBoard: Send + Sync {
    /// Puts a text on the board, and tells its id. Ids count from 0.
    fn publish(&self, text: Text) -> u64;

    /// The message with this id, if it is kept.
    fn message(&self, id: u64) -> Option<Text>;

    /// The last so many of those that are kept, the oldest first.
    ///
    /// A short read that writes: each text it hands out is one more reference to count.
    fn last(&self, count: usize) -> Vec<Text>;

    /// How many of those that are kept contain the needle, all of them at one moment.
    ///
    /// A long read that writes nothing: tens of microseconds when the board is full.
    fn search(&self, needle: &str) -> usize;
}
