//! The server of both protocols: datagrams in, requests out; responses in, datagrams out. Notes, chapter 2, part 2.
//!
//! ```text
//!                             ┌ a b c ─▶ block sessions ┐
//! handle_datagram ──1st byte──┤                         ├──▶ poll_request ──▶ (the service) ──▶ respond
//!                             └ D K X ─▶ sessions ──────┘                                         │
//! poll_transmit ◀── replies, acks, blocks ◀───────────────────────────────────────────────────────┘
//! ```
//!
//! The order of calls: hand in what has come, run the requests, call [`Server::poll_transmit`] until there is nothing, wait for a
//! datagram or for [`Server::deadline`], and call [`Server::handle_timeout`] then. One acknowledgement is made for all that came
//! since the last `poll_transmit`: a caller that receives in batches acknowledges in batches.
//!
//! A client gets no more bytes than it has sent until it has proved its address, except for the 18 bytes that the smallest
//! Ethernet frame carries anyway: forged requests are not amplified.
//!
//! | file | what |
//! |---|---|
//! | `server.rs` | what comes in: datagrams, and responses from the service |
//! | `schedule.rs` | what goes out, and when: turns, timers, the end of a session |
//! | [`session`] | one session of the extension |
//! | [`block_sessions`], [`reassembly`] | the original protocol's sessions, and a message that arrives in one |
//! | [`slot_table`] | sessions in numbered slots |
//! | `replies.rs` | short answers: tokens, refusals, those of the original protocol |

pub mod block_sessions;
pub mod reassembly;
mod replies;
mod schedule;
pub mod session;
pub mod slot_table;

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;

use super::batch::split;
use super::budget::{Account, Budget, Held, Reserved};
use super::config::Config;
use super::datagram::{Ack, Data, Reason, Refusal, Side};
use super::deadlines::Deadlines;
use super::limits::Limits;
use super::pdu::{RequestPdu, ResponsePdu};
use super::statistics::Statistics;
use super::unanswered::may_be_request;
use block_sessions::BlockSessions;
use common::protocol::token::Tokens;
use replies::{REPLY, Replies};
use session::Session;
use slot_table::SlotTable;

/// A request that is complete. It is handed out once.
#[derive(Debug)]
pub struct IncomingRequest {
    /// To be given to [`Server::respond`].
    pub exchange: ExchangeId,
    /// The client's address.
    pub from: SocketAddr,
    /// The request.
    pub request: Vec<u8>,
}

/// Which request a response is for. Requests of the original protocol have no session and no response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExchangeId {
    session: Option<SessionId>,
    exchange: u32,
}

/// A slot is used again; a serial number is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct SessionId {
    slot: u32,
    serial: u64,
}

/// The server's side of the port.
#[derive(Debug)]
pub struct Server {
    config: Config,
    tokens: Tokens,
    budget: Budget,
    block_sessions: BlockSessions,
    sessions: SlotTable<(SocketAddr, u64), Session>,
    /// The address, token and slot that the last datagram was for: most likely the next one is for the same.
    latest: Option<(SocketAddr, u64, u32)>,
    /// Sessions that have something to send, perhaps.
    ready: VecDeque<u32>,
    retransmissions: Deadlines,
    expiries: Deadlines,
    /// Sessions made so far.
    made: u64,
    complete: VecDeque<Complete>,
    replies: Replies,
    /// Of the server itself, and of sessions that have ended.
    statistics: Statistics,
}

/// A request that is complete and not polled yet, with the bytes reserved for it.
#[derive(Debug)]
struct Complete {
    incoming: IncomingRequest,
    reserved: usize,
}

impl Server {
    /// A server without sessions. The seed is its secret: a client that knows it can forge addresses.
    pub fn new(limits: Limits, config: Config, seed: [u8; 32]) -> Server {
        let (tokens, numbers) = seed.split_at(16);
        let half = |bytes: &[u8]| bytes.try_into().expect("half of the seed");
        // A message must fit the length field, whatever the limits say.
        let limits = Limits {
            request: limits.request.min(u32::MAX as usize),
            response: limits.response.min(u32::MAX as usize),
            ..limits
        };
        Server {
            config,
            tokens: Tokens::new(half(tokens), limits.token_period),
            budget: Budget::new(limits),
            block_sessions: BlockSessions::new(half(numbers)),
            sessions: SlotTable::default(),
            latest: None,
            ready: VecDeque::new(),
            retransmissions: Deadlines::default(),
            expiries: Deadlines::default(),
            made: 0,
            complete: VecDeque::new(),
            replies: Replies::default(),
            statistics: Statistics::default(),
        }
    }

    /// Takes in datagrams from one address: each `segment` bytes long but the last, which may be shorter. `now` never goes back.
    pub fn handle_datagram(&mut self, now: Duration, from: SocketAddr, segment: usize, bytes: &[u8]) {
        for datagram in split(segment, bytes) {
            self.statistics.datagrams_received += 1;
            match datagram.first() {
                Some(b'D') => self.handle_data(now, from, datagram),
                Some(b'K') => self.handle_ack(now, from, datagram),
                Some(b'X') => self.handle_refusal(now, from, datagram),
                _ => self.handle_pdu(now, from, datagram),
            }
        }
    }

    /// A request that is complete: run it and call [`Server::respond`]. Call until there is none.
    pub fn poll_request(&mut self) -> Option<IncomingRequest> {
        let Complete { incoming, reserved } = self.complete.pop_front()?;
        self.budget.release(Account::of(incoming.from.ip()), reserved);
        Some(incoming)
    }

    /// Gives the response to a request. It is dropped if nobody waits for it: the original protocol has no responses, and a
    /// client may have gone.
    pub fn respond(&mut self, now: Duration, to: ExchangeId, response: impl Into<Bytes>) {
        let Some(SessionId { slot, serial }) = to.session else { return };
        let Some(session) = self.sessions.at(slot).filter(|session| session.serial == serial) else { return };
        let (address, token, exchange) = (session.address, session.token, to.exchange);
        match session.respond(now, exchange, response.into(), &mut self.budget) {
            Ok(()) => self.enqueue(slot),
            Err(reason) => self.refuse(address, Refusal { reason, token, exchange }),
        }
    }

    /// Gives back the memory of a request that is not needed any more: the next big one is received into it. Optional; one is
    /// kept, as long as there are sessions.
    pub fn recycle(&mut self, request: Vec<u8>) {
        self.budget.recycle(request);
    }

    /// What was counted, in all sessions together.
    pub fn statistics(&self) -> Statistics {
        let latest =
            self.latest.and_then(|(_, _, slot)| self.sessions.get(slot)).map(|session| &session.path);
        let mut all = Statistics {
            smoothed_round_trip: latest.and_then(|path| path.round_trip.smoothed()),
            window: latest.map_or(0, |path| path.window().into()),
            ..self.statistics
        };
        self.sessions.values().for_each(|session| all += &session.path.counted);
        all
    }

    /// Whether a client at this address has a session, and so has shown that it reads what is sent there.
    pub fn proves(&self, address: IpAddr) -> bool {
        self.budget.has_sessions(Account::of(address))
    }

    /// What is held now.
    pub fn held(&self) -> Held {
        self.budget.total()
    }

    #[inline]
    fn handle_data(&mut self, now: Duration, from: SocketAddr, datagram: &[u8]) {
        let Some((data, payload)) = Data::parse(datagram) else {
            self.statistics.malformed += 1;
            if let Some(refusal) = Refusal::of_unread(datagram) {
                self.refuse(from, refusal);
            }
            return;
        };
        if data.side != Side::Request {
            return; // another server's answer, which must get none
        }
        if let Err(reason) = self.store_block(now, from, &data, payload) {
            self.refuse(from, Refusal::of(&data, reason));
        }
    }

    /// Hands a block to its session, which it may begin.
    ///
    /// # Errors
    /// The reason to refuse it.
    #[inline]
    fn store_block(
        &mut self,
        now: Duration,
        from: SocketAddr,
        data: &Data,
        payload: &[u8],
    ) -> Result<(), Reason> {
        let slot = match self.find(from, data.token) {
            Some(slot) => slot,
            None => self.open(now, from, data)?,
        };
        let Some(session) = self.sessions.at(slot) else { return Err(Reason::Unknown) };
        let complete = session.handle_data(now, data, payload, &mut self.budget)?;
        if !session.queued {
            session.queued = true;
            self.ready.push_back(slot);
        }
        if let Some(complete) = complete {
            let session = Some(SessionId { slot, serial: session.serial });
            self.deliver(from, ExchangeId { session, exchange: data.exchange }, complete);
        }
        Ok(())
    }

    fn handle_ack(&mut self, now: Duration, from: SocketAddr, datagram: &[u8]) {
        let Some((ack, ranges)) = Ack::parse(datagram) else {
            self.statistics.malformed += 1;
            return;
        };
        let Some(slot) = self.find(from, ack.token) else { return };
        if let Some(session) = self.sessions.at(slot) {
            session.handle_ack(now, &ack, ranges, &mut self.budget);
            self.enqueue(slot);
        }
    }

    fn handle_refusal(&mut self, now: Duration, from: SocketAddr, datagram: &[u8]) {
        let Some(refusal) = Refusal::parse(datagram) else {
            self.statistics.malformed += 1;
            return;
        };
        let Some(slot) = self.find(from, refusal.token) else { return };
        if let Some(session) = self.sessions.at(slot) {
            session.handle_refusal(now, refusal.exchange, &mut self.budget);
        }
    }

    fn handle_pdu(&mut self, now: Duration, from: SocketAddr, datagram: &[u8]) {
        let response = match RequestPdu::parse(datagram) {
            None if !may_be_request(datagram) => {
                self.statistics.malformed += 1;
                return;
            }
            None => ResponsePdu::NotUnderstood,
            Some(RequestPdu::OpenExtension) => {
                let mut bytes = Vec::with_capacity(REPLY);
                ResponsePdu::Token(self.tokens.issue(now, from)).encode(&mut bytes);
                return self.replies.push_padded(from, &bytes, datagram.len());
            }
            Some(request) => {
                let response = self.block_sessions.handle_pdu(now, from, &request, &mut self.budget);
                if let Some(complete) = self.block_sessions.poll_request() {
                    self.deliver(from, ExchangeId { session: None, exchange: 0 }, complete);
                }
                response
            }
        };
        if response == ResponsePdu::NotUnderstood {
            self.statistics.malformed += 1;
        }
        let mut bytes = Vec::with_capacity(REPLY);
        response.encode(&mut bytes);
        self.replies.push(from, &bytes);
    }

    fn deliver(&mut self, from: SocketAddr, exchange: ExchangeId, complete: Reserved) {
        self.statistics.delivered += 1;
        let incoming = IncomingRequest { exchange, from, request: complete.message };
        self.complete.push_back(Complete { incoming, reserved: complete.bytes });
    }

    fn refuse(&mut self, to: SocketAddr, refusal: Refusal) {
        self.statistics.refused += 1;
        self.replies.push(to, &refusal.encode());
    }
}

impl Refusal {
    fn of(data: &Data, reason: Reason) -> Refusal {
        Refusal { reason, token: data.token, exchange: data.exchange }
    }
}
