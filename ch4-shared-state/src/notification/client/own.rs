//! Our own messages, and what has become of them when the connection breaks, sans-I/O.
//!
//! A message that was sent and not acknowledged may be on the board or not. The board itself can tell: it names the address and port
//! that a message came from, and those of the connection that broke were ours alone. So after the next catch-up:
//!
//! ```text
//!   sent, acknowledged                      on the board
//!   sent, a message of ours with that text  on the board
//!   sent, none                              not known: the old connection's bytes may still be on their way to the server
//! ```
//!
//! What is not known is said, and not sent again: twice on the board is worse than a question to the user. Behind a relay or a router that
//! translates addresses the board knows another address than we do; then nothing but an acknowledgement tells.

use std::collections::VecDeque;
use std::net::SocketAddr;

use common::protocol::mboard::response::Posted;

/// The messages of one client. It publishes only between the end of a catch-up and the next break.
#[derive(Debug, Default)]
pub struct OwnMessages {
    /// The present connection's.
    here: Connection,
    /// That of the connection that broke; nothing when its messages are accounted for.
    before: Connection,
    caught_up: bool,
}

#[derive(Debug, Default)]
struct Connection {
    /// Our end of it, as we know it.
    address: Option<SocketAddr>,
    /// Sent and not answered, the oldest first.
    unanswered: VecDeque<Vec<u8>>,
    /// Acknowledged, and not come back from the board yet.
    not_seen: u64,
}

impl OwnMessages {
    /// A new connection has this address at our end.
    pub fn connected(&mut self, address: Option<SocketAddr>) {
        let ended = std::mem::replace(&mut self.here, Connection { address, ..Connection::default() });
        // A connection that was never caught up has published nothing: the one before it still counts.
        if std::mem::take(&mut self.caught_up) {
            self.before = ended;
        }
    }

    /// This text is being sent.
    pub fn sent(&mut self, text: Vec<u8>) {
        self.here.unanswered.push_back(text);
    }

    /// The server has answered the oldest.
    pub fn answered(&mut self, published: bool) {
        if self.here.unanswered.pop_front().is_some() && published {
            self.here.not_seen += 1;
        }
    }

    /// A message that is new to us came from the board. Whether it is one of ours that was not acknowledged.
    pub fn on_the_board(&mut self, line: &[u8]) -> bool {
        let Some(message) = Posted::parse_line(line) else { return false };
        let from = SocketAddr::new(message.from.ip().to_canonical(), message.from.port());
        let connection = if self.caught_up { &mut self.here } else { &mut self.before };
        if connection.address != Some(from) {
            return false;
        }
        if connection.not_seen > 0 {
            connection.not_seen -= 1; // in the order in which they were sent, so it is not one of the others
            return false;
        }
        let found = connection.unanswered.iter().position(|text| text == message.text);
        found.is_some_and(|index| connection.unanswered.remove(index).is_some())
    }

    /// All that is on the board has come. The texts of which nobody knows whether they will ever be there.
    pub fn caught_up(&mut self) -> VecDeque<Vec<u8>> {
        self.caught_up = true;
        std::mem::take(&mut self.before).unanswered
    }

    /// Those that were sent and not answered, over the present connection or the one before.
    pub fn unanswered(&self) -> usize {
        self.here.unanswered.len() + self.before.unanswered.len()
    }
}
