//! One session of the extension at the server: one exchange after the other.
//!
//! ```text
//!            D of the next exchange             all blocks are here            the response
//!   idle ─────────────────────────▶ receiving ───────────────────▶ executing ────────────▶ responding
//!     ▲ ▲                                 │                              │                     │    │
//!     │ └───── no room, or 30 s silence ──┴──────────────────────────────┘                     │    │
//!     └────────────────────── all acknowledged, or 30 s silence ───────────────────────────────┘    │
//!                                receiving ◀──── D of the next exchange: the response has arrived ──┘
//! ```
//!
//! Idle, a session holds no bytes of messages. It remembers the number of its last exchange, and that is what makes a late
//! duplicate harmless: blocks of that exchange are acknowledged as complete and run nothing, older ones are ignored.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;

use super::super::batch::Batch;
use super::super::budget::{Account, Budget};
use super::super::config::Config;
use super::super::datagram::{Ack, Data, Ranges, Reason, Side};
use super::super::limits::Limits;
use super::super::receiver::{Outcome, Receiver};
use super::super::sender::{Path, Sender};
use super::super::statistics::Statistics;

/// One session.
#[derive(Debug)]
pub struct Session {
    /// Where its client is.
    pub address: SocketAddr,
    /// Its name, and the proof of the address.
    pub token: u64,
    /// Who answers for what it holds.
    pub account: Account,
    /// Unlike a slot, no two sessions have the same.
    pub serial: u64,
    /// Until when the token could make a session: it must not be forgotten before.
    pub token_end: Duration,
    /// When the last datagram came.
    pub last_heard: Duration,
    /// Whether it waits for its turn to send.
    pub queued: bool,
    state: SessionState,
    /// The exchange that `state` is about.
    exchange: u32,
    /// Of the latest request. It stays when its message is taken, and acknowledges duplicates.
    receiver: Option<Receiver>,
    path: Path,
    acknowledge: bool,
    /// Bytes reserved for it in the budget.
    reserved: usize,
}

#[derive(Debug)]
enum SessionState {
    Idle,
    Receiving,
    Executing,
    Responding(Box<Sender>),
}

/// A request that is complete, with the bytes reserved for it.
pub struct Complete {
    /// Number of the exchange.
    pub exchange: u32,
    /// The request.
    pub request: Vec<u8>,
    /// Bytes reserved for it, to be released.
    pub reserved: usize,
}

impl Session {
    /// Idle; its next exchange is the first.
    pub fn new(
        address: SocketAddr,
        token: u64,
        token_end: Duration,
        serial: u64,
        config: &Config,
    ) -> Session {
        Session {
            address,
            token,
            account: Account::of(address.ip()),
            serial,
            token_end,
            last_heard: Duration::ZERO,
            queued: false,
            state: SessionState::Idle,
            exchange: 0,
            receiver: None,
            path: Path::new(config.congestion, config.window),
            acknowledge: false,
            reserved: 0,
        }
    }

    /// Takes a block of a request in; the request if it was the last one missing.
    ///
    /// # Errors
    /// The reason to refuse it. What the exchange held is released.
    #[inline]
    pub fn handle_data(
        &mut self,
        now: Duration,
        data: &Data,
        payload: &[u8],
        (limits, config): (&Limits, &Config),
        (budget, spare): (&mut Budget, &mut Vec<u8>),
        statistics: &mut Statistics,
    ) -> Result<Option<Complete>, Reason> {
        self.last_heard = now;
        if self.is_next(data.exchange) {
            self.begin(data, limits, config, (budget, spare))?;
        }
        let Some(receiver) = self.receiver.as_mut().filter(|receiver| receiver.exchange() == data.exchange)
        else {
            // Ahead of the exchange in work: no client of ours. Behind it: a late duplicate, not worth an answer.
            return if data.exchange > self.exchange { Err(Reason::NotUnderstood) } else { Ok(None) };
        };
        match self.state {
            SessionState::Receiving => {
                let growth = receiver.growth(data);
                if growth > 0 {
                    if budget.reserve(self.account, growth).is_err() {
                        self.end_exchange(budget);
                        return Err(Reason::NoRoom);
                    }
                    receiver.grow(growth);
                    self.reserved += growth;
                }
            }
            SessionState::Executing | SessionState::Responding(_) => {}
            // It was run, and its response is not here any more: acknowledged, expired, or too big. A client that has the
            // response does not listen to this.
            SessionState::Idle => return Err(Reason::Unknown),
        }
        self.acknowledge = true;
        match receiver.handle_data(now, data, payload) {
            Outcome::New => statistics.blocks_received += 1,
            Outcome::Duplicate => statistics.duplicates += 1,
            Outcome::Stray => statistics.malformed += 1,
        }
        let Some(request) = receiver.take() else { return Ok(None) };
        self.state = SessionState::Executing;
        let reserved = std::mem::take(&mut self.reserved);
        Ok(Some(Complete { exchange: self.exchange, request, reserved }))
    }

    /// Takes an ack of the response in.
    pub fn handle_ack(&mut self, now: Duration, ack: &Ack, ranges: Ranges<'_>, budget: &mut Budget) {
        self.last_heard = now;
        if ack.side != Side::Response || ack.exchange != self.exchange {
            return;
        }
        if let SessionState::Responding(sender) = &mut self.state {
            sender.handle_ack(now, &mut self.path, ack, ranges);
            if sender.is_complete() {
                self.end_exchange(budget);
            }
        }
    }

    /// The client wants no more of the response.
    pub fn handle_refusal(&mut self, now: Duration, exchange: u32, budget: &mut Budget) {
        self.last_heard = now;
        if exchange == self.exchange && matches!(self.state, SessionState::Responding(_)) {
            self.end_exchange(budget);
        }
    }

    /// Begins to send the response of an exchange. One that is not waited for is dropped.
    ///
    /// # Errors
    /// The reason to tell the client.
    pub fn respond(
        &mut self,
        now: Duration,
        exchange: u32,
        response: Bytes,
        (limits, config): (&Limits, &Config),
        budget: &mut Budget,
    ) -> Result<(), Reason> {
        if exchange != self.exchange || !matches!(self.state, SessionState::Executing) {
            return Ok(());
        }
        if response.len() > limits.response {
            self.end_exchange(budget);
            return Err(Reason::TooLong);
        }
        // What passes from the client to us most likely passes back.
        let theirs = self.receiver.as_ref().map_or(u16::MAX, Receiver::block_size);
        let block_size = config.block_size().min(theirs);
        let memory = Sender::memory(response.len(), block_size);
        if budget.reserve(self.account, memory).is_err() {
            self.end_exchange(budget);
            return Err(Reason::NoRoom);
        }
        self.reserved += memory;
        let name = (Side::Response, self.token, exchange);
        let sender = Sender::new(now, &mut self.path, name, block_size, response);
        self.state = SessionState::Responding(Box::new(sender));
        Ok(())
    }

    /// Fills a batch with what may leave now: an ack first, then blocks. `false`: nothing.
    pub fn poll_transmit(&mut self, now: Duration, batch: &mut Batch, statistics: &mut Statistics) -> bool {
        batch.begin(self.address, 0);
        if self.acknowledge
            && let Some(receiver) = &self.receiver
        {
            self.acknowledge = false;
            receiver.acknowledge(now, &mut batch.bytes);
            batch.segment = batch.bytes.len();
            statistics.datagrams_sent += 1;
            return true;
        }
        match &mut self.state {
            SessionState::Responding(sender) => sender.poll_transmit(now, &mut self.path, batch, statistics),
            _ => false,
        }
    }

    /// When the retransmission timer fires.
    pub fn deadline(&self) -> Option<Duration> {
        match &self.state {
            SessionState::Responding(sender) => sender.deadline(),
            _ => None,
        }
    }

    /// The retransmission timer may have fired.
    pub fn handle_timeout(&mut self, now: Duration, statistics: &mut Statistics) {
        if let SessionState::Responding(sender) = &mut self.state {
            sender.handle_timeout(now, &mut self.path, statistics);
        }
    }

    /// Whether nothing is going on.
    pub fn is_idle(&self) -> bool {
        matches!(self.state, SessionState::Idle)
    }

    /// Drops what is going on and gives the bytes back.
    pub fn end_exchange(&mut self, budget: &mut Budget) {
        if !self.is_idle() {
            if let SessionState::Receiving = self.state {
                self.receiver = None; // what has come is dropped, and must not be acknowledged any more
            }
            self.state = SessionState::Idle;
            budget.release(self.account, std::mem::take(&mut self.reserved));
            budget.remove_active(self.account);
            budget.add_idle(self.account);
        }
    }

    /// What is known of the way to the client.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether this exchange begins now. One that was given up half received may be begun again: it has run nothing.
    #[inline]
    fn is_next(&self, exchange: u32) -> bool {
        match (&self.state, &self.receiver) {
            (SessionState::Idle, None) => exchange == self.exchange,
            (SessionState::Idle | SessionState::Responding(_), Some(_)) => exchange == self.exchange + 1,
            _ => false,
        }
    }

    fn begin(
        &mut self,
        data: &Data,
        limits: &Limits,
        config: &Config,
        (budget, spare): (&mut Budget, &mut Vec<u8>),
    ) -> Result<(), Reason> {
        if data.length as usize > limits.request {
            return Err(Reason::TooLong);
        }
        let mut receiver = Receiver::new(data, config.receive_window).ok_or(Reason::NotUnderstood)?;
        self.end_exchange(budget); // the response before this has arrived
        budget.add_active(self.account).map_err(|_| Reason::NoRoom)?;
        budget.remove_idle(self.account);
        if receiver.suits(spare.capacity()) && budget.reserve(self.account, spare.capacity()).is_ok() {
            self.reserved += spare.capacity();
            receiver.adopt(std::mem::take(spare));
        }
        self.exchange = data.exchange;
        self.receiver = Some(receiver);
        self.state = SessionState::Receiving;
        Ok(())
    }
}
