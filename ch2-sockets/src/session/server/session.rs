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
use super::super::budget::{Account, Budget, Reserved};
use super::super::config::Config;
use super::super::datagram::{Ack, Data, Ranges, Reason, Side};
use super::super::path::Path;
use super::super::receiver::Receiver;
use super::super::sender::{MessageId, Sender};

/// One session.
#[derive(Debug)]
pub struct Session {
    /// Where its client is.
    pub address: SocketAddr,
    /// Its name, and the proof of the address.
    pub token: u64,
    /// For which client it holds what it holds.
    pub account: Account,
    /// Unlike a slot, no two sessions have the same.
    pub serial: u64,
    /// Until when the token could make a session: it must not be forgotten before.
    pub token_end: Duration,
    /// When the last datagram came.
    pub last_heard: Duration,
    /// Whether it waits for its turn to send.
    pub queued: bool,
    /// The path to the client, and what was counted.
    pub path: Path,
    state: SessionState,
    /// The exchange that `state` is about.
    exchange: u32,
    /// Of the latest request. It stays when its message is taken, and acknowledges duplicates.
    receiver: Option<Receiver>,
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

impl Session {
    /// Idle; its next exchange is the first.
    pub fn new(address: SocketAddr, token: u64, token_end: Duration, serial: u64, config: Config) -> Session {
        Session {
            address,
            token,
            account: Account::of(address.ip()),
            serial,
            token_end,
            last_heard: Duration::ZERO,
            queued: false,
            path: Path::new(config),
            state: SessionState::Idle,
            exchange: 0,
            receiver: None,
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
        budget: &mut Budget,
    ) -> Result<Option<Reserved>, Reason> {
        self.last_heard = now;
        if self.is_next(data.exchange) {
            self.begin(data, budget)?;
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
        self.path.counted.count_block(receiver.handle_data(now, data, payload));
        let Some(message) = receiver.take() else { return Ok(None) };
        self.state = SessionState::Executing;
        Ok(Some(Reserved { message, bytes: std::mem::take(&mut self.reserved) }))
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
        budget: &mut Budget,
    ) -> Result<(), Reason> {
        if exchange != self.exchange || !matches!(self.state, SessionState::Executing) {
            return Ok(());
        }
        if response.len() > budget.limits().response {
            self.end_exchange(budget);
            return Err(Reason::TooLong);
        }
        // What passes from the client to us most likely passes back.
        let theirs = self.receiver.as_ref().map_or(u16::MAX, Receiver::block_size);
        let block_size = self.path.config.block_size().min(theirs);
        let memory = Sender::memory(response.len(), block_size);
        if budget.reserve(self.account, memory).is_err() {
            self.end_exchange(budget);
            return Err(Reason::NoRoom);
        }
        self.reserved += memory;
        let id = MessageId { side: Side::Response, token: self.token, exchange };
        let sender = Sender::new(now, &mut self.path, id, block_size, response);
        self.state = SessionState::Responding(Box::new(sender));
        Ok(())
    }

    /// Fills a batch with what may leave now: an ack first, then blocks. `false`: nothing.
    pub fn poll_transmit(&mut self, now: Duration, batch: &mut Batch) -> bool {
        batch.begin(self.address, 0);
        if self.receiver.as_mut().is_some_and(|receiver| receiver.poll_transmit(now, batch)) {
            self.path.counted.datagrams_sent += 1;
            return true;
        }
        match &mut self.state {
            SessionState::Responding(sender) => sender.poll_transmit(now, &mut self.path, batch),
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
    pub fn handle_timeout(&mut self, now: Duration) {
        if let SessionState::Responding(sender) = &mut self.state {
            sender.handle_timeout(now, &mut self.path);
        }
    }

    /// Drops what is going on and releases its bytes: from now on the session is idle.
    pub fn end_exchange(&mut self, budget: &mut Budget) {
        if matches!(self.state, SessionState::Idle) {
            return;
        }
        if matches!(self.state, SessionState::Receiving) {
            self.receiver = None; // what has come is dropped, and must not be acknowledged any more
        }
        self.state = SessionState::Idle;
        budget.release(self.account, std::mem::take(&mut self.reserved));
        budget.remove_active(self.account);
        budget.add_idle(self.account);
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

    fn begin(&mut self, data: &Data, budget: &mut Budget) -> Result<(), Reason> {
        if data.length as usize > budget.limits().request {
            return Err(Reason::TooLong);
        }
        let mut receiver =
            Receiver::new(data, self.path.config.receive_window).ok_or(Reason::NotUnderstood)?;
        self.end_exchange(budget); // the response before this has arrived
        budget.add_active(self.account).map_err(|_| Reason::NoRoom)?;
        budget.remove_idle(self.account);
        if let Some(memory) = budget.reuse(self.account, |capacity| receiver.suits(capacity)) {
            self.reserved += memory.capacity();
            receiver.adopt(memory);
        }
        self.exchange = data.exchange;
        self.receiver = Some(receiver);
        self.state = SessionState::Receiving;
        Ok(())
    }
}
