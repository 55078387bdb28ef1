//! The board, with the place that a message says it comes from.
//!
//! Every other board of the course notes the address of the sender's socket. Here the caller says it: `publish(msg, source=(' ', -1))`,
//! and `get` repeats it, because between a caller and the procedure stands a server of RPC that does not show the socket (the notes,
//! figure 5.4).

use std::net::SocketAddr;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use common::board::{Board, Id, Limits};
use common::protocol::UnixTime;

use super::fault::Fault;
use crate::document::SharedText;

/// The longest host of a source, bytes.
pub const HOST_LIMIT: usize = 255;

/// All hosts of sources together, bytes: 64 MiB.
const ALL_HOSTS: usize = 64 << 20;

/// The board and one lock around it.
#[derive(Debug)]
pub struct MessageBoard(Mutex<State>);

/// A text from this length on keeps what was found out about it, bytes; of a shorter one it is found again.
const LONG: usize = 4096;

#[derive(Debug)]
struct State {
    board: Board,
    /// For each message what the board does not keep, if there is something.
    details: Vec<Option<Box<Details>>>,
    /// How long the hosts of the sources are together, bytes.
    hosts: usize,
}

#[derive(Debug)]
struct Details {
    source: Option<Source>,
    long: Option<SharedText>,
}

/// A message with what the board does not keep.
#[derive(Debug, Clone)]
pub struct Sourced {
    /// When it reached the board.
    pub time: UnixTime,
    /// Where it says that it comes from.
    pub source: Source,
    /// The text.
    pub text: SharedText,
}

/// Where a message says that it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// A host, or whatever the caller calls one.
    pub host: String,
    /// A port; -1 for none.
    pub port: i32,
}

impl Default for Source {
    /// The default of the notes: a space, and no port.
    fn default() -> Source {
        Source { host: " ".to_owned(), port: -1 }
    }
}

impl MessageBoard {
    /// An empty board.
    #[must_use]
    pub fn new(limits: Limits) -> MessageBoard {
        MessageBoard(Mutex::new(State { board: Board::new(limits), details: Vec::new(), hosts: 0 }))
    }

    /// Puts a text on the board; its id.
    ///
    /// # Errors
    /// The board is full.
    pub fn publish(&self, text: Arc<[u8]>, sender: SocketAddr, source: Option<Source>) -> Result<Id, Fault> {
        let mut state = self.state();
        let host = source.as_ref().map_or(0, |source| source.host.len());
        if state.hosts + host > ALL_HOSTS {
            return Err(Fault::application("the board is full: it has room for no more sources"));
        }
        let published = state.board.publish(Arc::clone(&text), sender, SystemTime::now().into());
        let id = published.map_err(|full| Fault::application(full.to_string()))?;
        let long = (text.len() >= LONG).then(|| SharedText::new(text));
        let has_details = source.is_some() || long.is_some();
        state.details.push(has_details.then(|| Box::new(Details { source, long })));
        state.hosts += host;
        Ok(id)
    }

    /// The ids of the last messages; 0 asks for all.
    #[must_use]
    pub fn last(&self, count: u64) -> Range<u64> {
        let ids = self.state().board.last(count);
        match (ids.clone().next(), ids.clone().next_back()) {
            (Some(Id(first)), Some(Id(last))) => first..last + 1,
            _ => 0..0,
        }
    }

    /// A message.
    #[must_use]
    pub fn message(&self, id: u64) -> Option<Sourced> {
        let state = self.state();
        let message = state.board.message(Id(id))?;
        let details = state.details.get(usize::try_from(id).ok()?)?.as_deref();
        let source = details.and_then(|details| details.source.clone());
        let long = details.and_then(|details| details.long.clone());
        let text = long.unwrap_or_else(|| SharedText::new(Arc::clone(&message.text)));
        Some(Sourced { time: message.time, source: source.unwrap_or_default(), text })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner) // a panic while it was held ended one connection
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_a_long_text_is_found_once() {
        let board = MessageBoard::new(Limits::default());
        board.publish(vec![b'<'; LONG].into(), ([127, 0, 0, 1], 1).into(), None).unwrap();
        let text = || board.message(0).unwrap().text;
        assert!(!text().is_measured());
        assert_eq!((text().xml_length(), text().json_length()), (Some(4 * LONG as u64), Some(LONG as u64)));
        assert!(text().is_measured());
    }
}
