//! The server of both protocols: datagrams in, requests out; responses in, datagrams out. Notes, chapter 2, part 2.
//!
//! ```text
//!                             ┌ a b c ─▶ block sessions ┐
//! handle_datagram ──1st byte──┤                         ├──▶ poll_request ──▶ (the service) ──▶ respond
//!                             └ D K X ─▶ sessions ──────┘                                         │
//! poll_transmit ◀── replies, acks, blocks ◀───────────────────────────────────────────────────────┘
//! ```
//!
//! The order of calls, over and over: hand in what has come, run the requests, call [`Server::poll_transmit`] until there is nothing,
//! wait for a datagram or for [`Server::deadline`], and call [`Server::handle_timeout`] then. One acknowledgement is made for
//! all that came since the last `poll_transmit`, so who receives in batches acknowledges in batches.
//!
//! Nobody gets more bytes than he sent before he has proved his address, but for the 18 bytes that the smallest Ethernet frame
//! carries anyway: forged requests are not amplified.

pub mod block_sessions;
pub mod reassembly;
pub mod session;
pub mod sessions;
pub mod slot_table;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;

use super::batch::{Batch, split};
use super::budget::{Account, Budget, Held};
use super::config::Config;
use super::datagram::{Ack, Data, Reason, Refusal, Side};
use super::limits::Limits;
use super::pdu::{self, ResponsePdu};
use super::statistics::Statistics;
use block_sessions::BlockSessions;
use common::protocol::token::Tokens;
use session::Session;
use sessions::Sessions;

/// Short replies that wait to be sent, at most: what is more is dropped, as UDP may.
const REPLIES: usize = 1024;
/// Bytes of the longest short reply.
const REPLY: usize = 24;

/// A request that is complete. It is handed out once.
#[derive(Debug)]
pub struct IncomingRequest {
    /// To be given to [`Server::respond`].
    pub exchange: ExchangeId,
    /// Who asks.
    pub from: SocketAddr,
    /// What.
    pub request: Vec<u8>,
}

/// Which request a response is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExchangeId(Option<Place>);

/// `None` for the original protocol, which has no responses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    slot: u32,
    serial: u64,
    exchange: u32,
}

/// The server's side of the port.
#[derive(Debug)]
pub struct Server {
    limits: Limits,
    config: Config,
    tokens: Tokens,
    budget: Budget,
    block_sessions: BlockSessions,
    sessions: Sessions,
    /// Requests not polled yet, with the bytes to release then.
    delivered: VecDeque<(IncomingRequest, Account, usize)>,
    replies: VecDeque<Reply>,
    /// Memory of a request that was run, for the next one.
    spare: Vec<u8>,
    statistics: Statistics,
}

/// A short datagram, kept without an allocation of its own.
#[derive(Debug, Clone, Copy)]
struct Reply {
    to: SocketAddr,
    length: usize,
    bytes: [u8; REPLY],
}

impl Server {
    /// A server without sessions. The seed is its secret: who knows it can forge addresses.
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
            limits,
            config,
            tokens: Tokens::new(half(tokens), limits.token_period),
            budget: Budget::new(limits),
            block_sessions: BlockSessions::new(half(numbers)),
            sessions: Sessions::default(),
            delivered: VecDeque::new(),
            replies: VecDeque::new(),
            spare: Vec::new(),
            statistics: Statistics::default(),
        }
    }

    /// Takes in datagrams from one address: each `segment` bytes long but the last, which may be shorter. `now` never goes back.
    pub fn handle_datagram(&mut self, now: Duration, from: SocketAddr, segment: usize, bytes: &[u8]) {
        for datagram in split(segment, bytes) {
            self.statistics.datagrams_received += 1;
            match datagram.first() {
                Some(b'D') => self.handle_data(now, from, datagram),
                Some(b'K') => match Ack::parse(datagram) {
                    Some((ack, ranges)) => {
                        self.sessions.handle_ack(now, from, &ack, ranges, &mut self.budget);
                    }
                    None => self.statistics.malformed += 1,
                },
                Some(b'X') => match Refusal::parse(datagram) {
                    Some(refusal) => self.sessions.handle_refusal(now, from, &refusal, &mut self.budget),
                    None => self.statistics.malformed += 1,
                },
                _ => self.handle_block_pdu(now, from, datagram),
            }
        }
    }

    /// A request that is complete: run it and call [`Server::respond`]. Call until there is none.
    pub fn poll_request(&mut self) -> Option<IncomingRequest> {
        let (delivered, account, reserved) = self.delivered.pop_front()?;
        self.budget.release(account, reserved);
        Some(delivered)
    }

    /// Gives the response to a request. It is dropped if nobody waits for it: the original protocol has no responses, and a
    /// client may have gone.
    pub fn respond(&mut self, now: Duration, exchange: ExchangeId, response: impl Into<Bytes>) {
        let Some(Place { slot, serial, exchange }) = exchange.0 else { return };
        let Some(session) = self.sessions.session(slot, serial) else { return };
        let (address, token) = (session.address, session.token);
        match session.respond(now, exchange, response.into(), (&self.limits, &self.config), &mut self.budget)
        {
            Ok(()) => self.sessions.enqueue(slot),
            Err(reason) => self.refuse(address, Refusal { reason, token, exchange }),
        }
    }

    /// Gives back the memory of a request that is not needed any more: the next big one is received into it. Optional; one is
    /// kept, as long as there are sessions.
    pub fn recycle(&mut self, request: Vec<u8>) {
        if request.capacity() > self.spare.capacity() && request.capacity() <= self.limits.request {
            self.spare = request;
        }
    }

    /// Fills `batch` with datagrams to send now; `false` if there are none. Call until then.
    pub fn poll_transmit(&mut self, now: Duration, batch: &mut Batch) -> bool {
        if let Some(reply) = self.replies.pop_front() {
            self.statistics.datagrams_sent += 1;
            batch.single(reply.to, &reply.bytes[..reply.length]);
            return true;
        }
        self.sessions.poll_transmit(now, batch, &mut self.statistics)
    }

    /// When to call [`Server::handle_timeout`], if nothing comes before. It may turn out to have been early.
    pub fn deadline(&self) -> Option<Duration> {
        [self.sessions.deadline(), self.block_sessions.deadline()].into_iter().flatten().min()
    }

    /// The time has come, or some other time: then nothing happens.
    pub fn handle_timeout(&mut self, now: Duration) {
        self.sessions.handle_timeout(now, &self.limits, &mut self.budget, &mut self.statistics);
        self.block_sessions.handle_timeout(now, &self.limits, &mut self.budget);
        if self.held() == Held::default() {
            self.spare = Vec::new();
        }
    }

    /// What was counted.
    pub fn statistics(&self) -> Statistics {
        let latest = self.sessions.latest().map(Session::path);
        Statistics {
            smoothed_round_trip: latest.and_then(|path| path.round_trip.smoothed()),
            window: latest.map_or(0, |path| path.window().into()),
            ..self.statistics
        }
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
            return self.refuse(from, Refusal::of(&data, Reason::NotUnderstood));
        }
        let rules = (&self.tokens, &self.limits, &self.config);
        let received = self.sessions.handle_data(
            now,
            from,
            (&data, payload),
            rules,
            (&mut self.budget, &mut self.spare),
            &mut self.statistics,
        );
        match received {
            Ok(None) => {}
            Ok(Some((slot, serial, complete))) => {
                let exchange = ExchangeId(Some(Place { slot, serial, exchange: complete.exchange }));
                self.deliver(
                    IncomingRequest { exchange, from, request: complete.request },
                    complete.reserved,
                );
            }
            Err(reason) => self.refuse(from, Refusal::of(&data, reason)),
        }
    }

    fn handle_block_pdu(&mut self, now: Duration, from: SocketAddr, datagram: &[u8]) {
        let response = match pdu::RequestPdu::parse(datagram) {
            None => ResponsePdu::NotUnderstood,
            Some(pdu::RequestPdu::OpenExtension) if datagram.len() < pdu::OPEN_EXTENSION.len() => {
                // Not padded: the answer would be longer than the question.
                ResponsePdu::NotUnderstood
            }
            Some(pdu::RequestPdu::OpenExtension) => ResponsePdu::Token(self.tokens.issue(now, from)),
            Some(request) => {
                let (response, complete) =
                    self.block_sessions.handle_request(now, from, &request, &self.limits, &mut self.budget);
                if let Some(complete) = complete {
                    let delivered =
                        IncomingRequest { exchange: ExchangeId(None), from, request: complete.message };
                    self.deliver(delivered, complete.reserved);
                }
                response
            }
        };
        if response == ResponsePdu::NotUnderstood {
            self.statistics.malformed += 1;
        }
        let mut bytes = Vec::with_capacity(REPLY);
        response.encode(&mut bytes);
        self.reply(from, &bytes);
    }

    fn deliver(&mut self, delivered: IncomingRequest, reserved: usize) {
        self.statistics.delivered += 1;
        let account = Account::of(delivered.from.ip());
        self.delivered.push_back((delivered, account, reserved));
    }

    fn refuse(&mut self, to: SocketAddr, refusal: Refusal) {
        self.statistics.refused += 1;
        self.reply(to, &refusal.encode());
    }

    fn reply(&mut self, to: SocketAddr, datagram: &[u8]) {
        if self.replies.len() < REPLIES {
            let mut bytes = [0; REPLY];
            bytes[..datagram.len()].copy_from_slice(datagram);
            self.replies.push_back(Reply { to, length: datagram.len(), bytes });
        }
    }
}

impl Refusal {
    fn of(data: &Data, reason: Reason) -> Refusal {
        Refusal { reason, token: data.token, exchange: data.exchange }
    }
}
