//! One client over all its connections, sans-I/O: after a break it shows what it has missed and nothing twice.
//!
//! To the server a new connection is a new client: `2:;` brings the board from its beginning. The board only grows, and its order is the
//! same for all. So the messages that come again are known by their *place* and their *content* (time, address, port, text):
//!
//! ```text
//!   shown before the break     A B C          the fingerprint of each is kept, 8 bytes
//!   the new connection brings  A B C D E      A B C are the same in the same place: D and E are shown
//!   a server started again     X              X is not A: another board. That is said, and X is shown
//!   … and with nothing on it   (caught up)    none of A B C came: said, too
//! ```

use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;

use super::own::OwnMessages;
use super::session::{Event, Session};
use crate::notification::wire::NotTheBoard;

/// What a client knows of the board.
#[derive(Debug, Default)]
pub struct CatchUp {
    session: Session,
    /// Of each message on the board that has come.
    fingerprints: Vec<u64>,
    fingerprint: RandomState,
    /// So many of them have come over the present connection.
    again: usize,
    own: OwnMessages,
}

/// What came that is new.
#[derive(Debug, PartialEq, Eq)]
pub enum News {
    /// A message, as the line `<time> <ip> <port> <text>`. Each comes once.
    Message(Vec<u8>),
    /// All that was on the board is here. Comes once for each connection.
    CaughtUp,
    /// A message of ours is on the board.
    Published,
    /// A message of ours is not.
    Refused,
    /// The last `lost` of the messages that came before are not on this board. It has `kept` of them.
    AnotherBoard { kept: usize, lost: usize },
    /// The connection broke before the server acknowledged this text of ours, and it is not on the board: nobody knows whether it will be.
    Unknown(Vec<u8>),
}

impl CatchUp {
    /// A connection is made; `address` is our end of it. Appends the first request to `reply`.
    pub fn connected(&mut self, address: Option<SocketAddr>, reply: &mut Vec<u8>) {
        self.session = Session::default();
        self.session.begin(reply);
        self.again = 0;
        self.own
            .connected(address.map(|address| SocketAddr::new(address.ip().to_canonical(), address.port())));
    }

    /// A text is being sent. After a [`News::CaughtUp`] of this connection, not before.
    pub fn sent(&mut self, text: Vec<u8>) {
        self.own.sent(text);
    }

    /// Bytes have come. Appends what is new to `news`, and what is to be sent for them to `reply`.
    ///
    /// # Errors
    /// The other side is no notification board.
    pub fn receive(
        &mut self,
        bytes: &[u8],
        news: &mut Vec<News>,
        reply: &mut Vec<u8>,
    ) -> Result<(), NotTheBoard> {
        let mut events = Vec::new();
        self.session.receive(bytes, &mut events, reply)?;
        for event in events {
            match event {
                Event::Message(line) => self.message(line, news),
                Event::CaughtUp => {
                    self.forget_the_rest(news);
                    news.extend(self.own.caught_up().into_iter().map(News::Unknown));
                    news.push(News::CaughtUp);
                }
                Event::Published if self.own.unanswered() == 0 => {} // of nothing that was sent
                Event::Published => {
                    self.own.answered(true);
                    news.push(News::Published);
                }
                Event::Refused => {
                    self.own.answered(false);
                    news.push(News::Refused);
                }
            }
        }
        Ok(())
    }

    fn message(&mut self, line: Vec<u8>, news: &mut Vec<News>) {
        let fingerprint = self.fingerprint.hash_one(&line);
        if let Some(&known) = self.fingerprints.get(self.again) {
            if known == fingerprint {
                self.again += 1;
                return;
            }
            self.forget_the_rest(news);
        }
        self.fingerprints.push(fingerprint);
        self.again += 1;
        if self.own.on_the_board(&line) {
            news.push(News::Published);
        }
        news.push(News::Message(line));
    }

    /// What has not come again is not on this board.
    fn forget_the_rest(&mut self, news: &mut Vec<News>) {
        let lost = self.fingerprints.len() - self.again;
        if lost > 0 {
            self.fingerprints.truncate(self.again);
            news.push(News::AnotherBoard { kept: self.again, lost });
        }
    }

    /// Messages of ours that the server has not answered.
    pub fn unanswered(&self) -> usize {
        self.own.unanswered()
    }

    /// Whether a question of ours has not been answered yet.
    pub fn is_asking(&self) -> bool {
        self.session.is_asking()
    }

    /// Whether a piece of something longer than a notification is here.
    pub fn is_in_an_answer(&self) -> bool {
        self.session.is_in_an_answer()
    }
}

#[cfg(test)]
mod tests;
