//! The sessions of the extension at the server: how long each lives, and when it has its turn to send.
//!
//! ```text
//! datagram ──(address, token)──▶ session ──▶ ready: a queue of those that have something to send, each in its turn
//!                                   │
//!                                   ├──▶ retransmissions ┐  alarms
//!                                   └──▶ expiries        ┘
//! ```
//!
//! A session is made by a block of exchange 0 with a valid token, and forgotten when it has been silent for long and its token is
//! not valid any more: from then on nothing can make it again, and nothing of it can be run twice.

use std::net::SocketAddr;
use std::time::Duration;

use super::super::batch::Batch;
use super::super::datagram::{Data, Reason};
use super::Server;
use super::session::Session;

impl Server {
    /// Fills `batch` with datagrams to send now; `false` if there are none. Call until then.
    pub fn poll_transmit(&mut self, now: Duration, batch: &mut Batch) -> bool {
        if self.replies.poll_transmit(batch) {
            self.statistics.datagrams_sent += 1;
            return true;
        }
        while let Some(slot) = self.ready.pop_front() {
            let Some(session) = self.sessions.at(slot) else { continue };
            session.queued = session.poll_transmit(now, batch);
            if let Some(at) = session.deadline() {
                self.retransmissions.set(slot, at);
            }
            if session.queued {
                self.ready.push_back(slot);
                return true;
            }
        }
        false
    }

    /// When to call [`Server::handle_timeout`], if nothing comes before. It may turn out to have been early.
    pub fn deadline(&self) -> Option<Duration> {
        let alarms =
            [self.retransmissions.deadline(), self.expiries.deadline(), self.block_sessions.deadline()];
        alarms.into_iter().flatten().min()
    }

    /// The time has come, or some other time: then nothing happens. What is lost is sent again, what is silent is forgotten.
    pub fn handle_timeout(&mut self, now: Duration) {
        while let Some(slot) = self.retransmissions.due(now) {
            let Some(session) = self.sessions.at(slot) else { continue };
            session.handle_timeout(now);
            if let Some(at) = session.deadline() {
                self.retransmissions.set(slot, at);
            }
            self.enqueue(slot);
        }
        while let Some(slot) = self.expiries.due(now) {
            self.expire(slot, now);
        }
        self.block_sessions.handle_timeout(now, &mut self.budget);
        self.budget.trim();
    }

    /// The slot of a session. Most likely it is that of the last datagram.
    #[inline]
    pub(super) fn find(&mut self, from: SocketAddr, token: u64) -> Option<u32> {
        if let Some((address, name, slot)) = self.latest
            && name == token
            && address == from
        {
            return Some(slot);
        }
        let slot = self.sessions.find(&(from, token))?;
        self.latest = Some((from, token, slot));
        Some(slot)
    }

    /// Makes the session that a first block asks for.
    ///
    /// # Errors
    /// The reason to refuse it.
    pub(super) fn open(&mut self, now: Duration, from: SocketAddr, data: &Data) -> Result<u32, Reason> {
        let token_end = self.tokens.valid_until(now, from, data.token).ok_or(Reason::Unknown)?;
        if data.exchange != 0 {
            return Err(Reason::Unknown);
        }
        let session = Session::new(from, data.token, token_end, self.made, self.config);
        self.budget.room_for_idle(session.account).map_err(|_| Reason::NoRoom)?;
        self.budget.add_idle(session.account);
        self.made += 1;
        let slot = self.sessions.insert((from, data.token), session);
        self.expiries.set(slot, now + self.budget.limits().idle_timeout);
        Ok(slot)
    }

    /// The session has something to send, perhaps.
    pub(super) fn enqueue(&mut self, slot: u32) {
        if let Some(session) = self.sessions.at(slot).filter(|session| !session.queued) {
            session.queued = true;
            self.ready.push_back(slot);
        }
    }

    fn expire(&mut self, slot: u32, now: Duration) {
        let Some(session) = self.sessions.at(slot) else { return };
        let silent = session.last_heard + self.budget.limits().idle_timeout;
        if now >= silent {
            session.end_exchange(&mut self.budget);
        }
        let end = silent.max(session.token_end);
        if now < silent {
            self.expiries.set(slot, silent);
        } else if now < end {
            self.expiries.set(slot, end);
        } else {
            self.budget.remove_idle(session.account);
            self.statistics += &session.path.counted;
            self.sessions.remove(slot);
            self.latest = None;
        }
    }
}
