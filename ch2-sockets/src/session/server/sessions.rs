//! All sessions of the extension at the server: who gets a datagram, whose turn it is to send, who has ended.
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

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use super::super::batch::Batch;
use super::super::budget::Budget;
use super::super::config::Config;
use super::super::datagram::{Ack, Data, Ranges, Reason, Refusal};
use super::super::deadlines::Deadlines;
use super::super::limits::Limits;
use super::super::statistics::Statistics;
use super::session::{Complete, Session};
use super::slot_table::SlotTable;
use common::protocol::token::Tokens;

/// All sessions.
#[derive(Debug, Default)]
pub struct Sessions {
    table: SlotTable<(SocketAddr, u64), Session>,
    /// Whom the last datagram was for: most likely the next one is, too.
    latest: Option<(SocketAddr, u64, u32)>,
    ready: VecDeque<u32>,
    retransmissions: Deadlines,
    expiries: Deadlines,
    made: u64,
}

impl Sessions {
    /// Takes a block in; the request that is complete with it, and its session.
    ///
    /// # Errors
    /// The reason to refuse it.
    #[inline]
    pub fn handle_data(
        &mut self,
        now: Duration,
        from: SocketAddr,
        (data, payload): (&Data, &[u8]),
        (tokens, limits, config): (&Tokens, &Limits, &Config),
        (budget, spare): (&mut Budget, &mut Vec<u8>),
        statistics: &mut Statistics,
    ) -> Result<Option<(u32, u64, Complete)>, Reason> {
        let slot = match self.find(from, data.token) {
            Some(slot) => slot,
            None => self.make(now, from, data, (tokens, limits, config), budget)?,
        };
        let Some(session) = self.table.at(slot) else { return Err(Reason::Unknown) };
        let received =
            session.handle_data(now, data, payload, (limits, config), (budget, spare), statistics)?;
        let serial = session.serial;
        if !session.queued {
            session.queued = true;
            self.ready.push_back(slot);
        }
        Ok(received.map(|complete| (slot, serial, complete)))
    }

    /// Takes an ack in.
    pub fn handle_ack(
        &mut self,
        now: Duration,
        from: SocketAddr,
        ack: &Ack,
        ranges: Ranges<'_>,
        budget: &mut Budget,
    ) {
        let Some(slot) = self.find(from, ack.token) else { return };
        if let Some(session) = self.table.at(slot) {
            session.handle_ack(now, ack, ranges, budget);
            self.enqueue(slot);
        }
    }

    /// Takes a refusal in.
    pub fn handle_refusal(
        &mut self,
        now: Duration,
        from: SocketAddr,
        refusal: &Refusal,
        budget: &mut Budget,
    ) {
        let Some(slot) = self.find(from, refusal.token) else { return };
        if let Some(session) = self.table.at(slot) {
            session.handle_refusal(now, refusal.exchange, budget);
        }
    }

    /// The session in a slot, if it is still the same.
    pub fn session(&mut self, slot: u32, serial: u64) -> Option<&mut Session> {
        self.table.at(slot).filter(|session| session.serial == serial)
    }

    /// The session has something to send, perhaps.
    pub fn enqueue(&mut self, slot: u32) {
        if let Some(session) = self.table.at(slot).filter(|session| !session.queued) {
            session.queued = true;
            self.ready.push_back(slot);
        }
    }

    /// Fills a batch for the session whose turn it is. `false`: none has anything.
    pub fn poll_transmit(&mut self, now: Duration, batch: &mut Batch, statistics: &mut Statistics) -> bool {
        while let Some(slot) = self.ready.pop_front() {
            let Some(session) = self.table.at(slot) else { continue };
            session.queued = session.poll_transmit(now, batch, statistics);
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

    /// When [`Sessions::handle_timeout`] wants to be called.
    pub fn deadline(&self) -> Option<Duration> {
        [self.retransmissions.deadline(), self.expiries.deadline()].into_iter().flatten().min()
    }

    /// Timers that have fired: what is lost is sent again, who is silent is forgotten.
    pub fn handle_timeout(
        &mut self,
        now: Duration,
        limits: &Limits,
        budget: &mut Budget,
        statistics: &mut Statistics,
    ) {
        while let Some(slot) = self.retransmissions.due(now) {
            let Some(session) = self.table.at(slot) else { continue };
            session.handle_timeout(now, statistics);
            if let Some(at) = session.deadline() {
                self.retransmissions.set(slot, at);
            }
            self.enqueue(slot);
        }
        while let Some(slot) = self.expiries.due(now) {
            self.expire(slot, now, limits, budget);
        }
    }

    /// The session that was last heard of.
    pub fn latest(&self) -> Option<&Session> {
        let (_, _, slot) = self.latest?;
        self.table.get(slot)
    }

    fn expire(&mut self, slot: u32, now: Duration, limits: &Limits, budget: &mut Budget) {
        let Some(session) = self.table.at(slot) else { return };
        let silent = session.last_heard + limits.idle_timeout;
        if now >= silent {
            session.end_exchange(budget);
        }
        let end = silent.max(session.token_end);
        if now < silent {
            self.expiries.set(slot, silent);
        } else if now < end {
            self.expiries.set(slot, end);
        } else {
            budget.remove_idle(session.account);
            self.table.remove(slot);
            self.latest = None;
        }
    }

    #[inline]
    fn find(&mut self, from: SocketAddr, token: u64) -> Option<u32> {
        if let Some((address, name, slot)) = self.latest
            && name == token
            && address == from
        {
            return Some(slot);
        }
        let slot = self.table.find(&(from, token))?;
        self.latest = Some((from, token, slot));
        Some(slot)
    }

    fn make(
        &mut self,
        now: Duration,
        from: SocketAddr,
        data: &Data,
        (tokens, limits, config): (&Tokens, &Limits, &Config),
        budget: &mut Budget,
    ) -> Result<u32, Reason> {
        let token_end = tokens.valid_until(now, from, data.token).ok_or(Reason::Unknown)?;
        if data.exchange != 0 {
            return Err(Reason::Unknown);
        }
        let session = Session::new(from, data.token, token_end, self.made, config);
        budget.room_for_idle(session.account).map_err(|_| Reason::NoRoom)?;
        budget.add_idle(session.account);
        self.made += 1;
        let slot = self.table.insert((from, data.token), session);
        self.expiries.set(slot, now + limits.idle_timeout);
        Ok(slot)
    }
}
