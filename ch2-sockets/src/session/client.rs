//! The client of the extension: one request after the other, each with its response. Notes, chapter 2, part 2, and its homework.
//!
//! ```text
//!      request          1?token           all acknowledged           block 0             all blocks
//! idle ───────▶ opening ────────▶ sending ─────────────────▶ waiting ─────────▶ receiving ────────────▶ idle
//!   │              │                ▲  │                                            ▲
//!   │              │ 0?…, z 3 times │  └ block 0: the server must have everything ──┘
//!   │              ▼                │
//!   │           Err(Original)       │          any of them, silent for `give_up`: Err(NoAnswer)
//!   └ with an earlier token ────────┘
//! ```
//!
//! The opening is as long as the datagrams that follow, and so is its answer. If none comes, a shorter one is tried, twice each: what
//! gets through decides the length of the blocks (RFC 8899 in small). A path that becomes narrow later is another matter: the
//! kernel then sends fragments, and if these are lost too, the exchange ends with silence.
//!
//! In *waiting* the server may be running the request for as long as it likes, or may have died. So the last block goes out once
//! more now and then; a living server answers with an ack.
//!
//! Back in *idle* the client still acknowledges blocks of the last response: its last ack may have been lost. Call
//! [`ClientMachine::poll_transmit`] once more before leaving, or the server keeps the response until it expires.

mod receive;
mod states;

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;

use super::batch::{BATCH_BYTES, Batch, split};
use super::client_machine::{ClientMachine, Progress};
use super::config::{Config, SHORTEST};
use super::datagram::{Refusal, Side};
use super::error::ExchangeError;
use super::limits::REQUEST_LIMIT;
use super::path::Path;
use super::pdu::open_extension;
use super::receiver::Receiver;
use super::sender::{MessageId, Sender};
use super::statistics::Statistics;
use states::{Opening, Waiting};

/// One client with its server.
#[derive(Debug)]
pub struct Client {
    server: SocketAddr,
    state: ClientState,
    token: Option<u64>,
    /// The exchange in work, or the next one.
    exchange: u32,
    path: Path,
    /// Of the latest response: it stays, and acknowledges duplicates.
    receiver: Option<Receiver>,
    /// A refusal to be sent, of a response that is too long.
    refuse: Option<Refusal>,
    progress: Progress,
    last_heard: Duration,
    outcome: Option<Result<Vec<u8>, ExchangeError>>,
    /// Memory of a response that was used, for the next one.
    spare: Vec<u8>,
}

#[derive(Debug)]
enum ClientState {
    Idle,
    Opening(Opening),
    Sending(Sender),
    Waiting(Waiting),
    Receiving,
}

impl Client {
    /// A client of the server at this address. Nothing is sent yet. It needs no seed: all that must be unguessable is the server's.
    pub fn new(config: Config, server: SocketAddr) -> Client {
        let config = Config { datagram: config.datagram.clamp(SHORTEST, BATCH_BYTES), ..config };
        Client {
            server,
            state: ClientState::Idle,
            token: None,
            exchange: 0,
            path: Path::new(config),
            receiver: None,
            refuse: None,
            progress: Progress::default(),
            last_heard: Duration::ZERO,
            outcome: None,
            spare: Vec::new(),
        }
    }

    /// Gives back the memory of a response that is not needed any more: the next big one is received into it. Optional.
    pub fn recycle(&mut self, response: Vec<u8>) {
        self.spare = response;
    }
}

impl ClientMachine for Client {
    fn request(&mut self, now: Duration, request: Bytes) {
        if !matches!(self.state, ClientState::Idle) {
            self.abandon();
        }
        self.outcome = None;
        self.progress = Progress { to_send: request.len(), ..Progress::default() };
        self.last_heard = now;
        if request.len() > REQUEST_LIMIT {
            self.finish(Err(ExchangeError::TooLong { length: request.len(), limit: REQUEST_LIMIT }));
            return;
        }
        match self.token {
            Some(token) => self.send(now, token, request),
            None => self.open(now, request),
        }
    }

    fn handle_datagram(&mut self, now: Duration, from: SocketAddr, segment: usize, bytes: &[u8]) {
        if from == self.server {
            split(segment, bytes).for_each(|datagram| self.handle_one(now, datagram));
        }
    }

    fn poll_response(&mut self) -> Option<Result<Vec<u8>, ExchangeError>> {
        self.outcome.take()
    }

    fn poll_transmit(&mut self, now: Duration, batch: &mut Batch) -> bool {
        batch.begin(self.server, 0);
        if let Some(refusal) = self.refuse.take() {
            batch.single(self.server, &refusal.encode());
            self.path.counted.datagrams_sent += 1;
            return true;
        }
        if self.receiver.as_mut().is_some_and(|receiver| receiver.poll_transmit(now, batch)) {
            self.path.counted.datagrams_sent += 1;
            return true;
        }
        match &mut self.state {
            ClientState::Idle | ClientState::Receiving => false,
            ClientState::Sending(sender) => sender.poll_transmit(now, &mut self.path, batch),
            ClientState::Opening(opening) => {
                let length = opening.length(self.path.config.datagram);
                let asks = opening.poll_question(now, &self.path.round_trip);
                if asks {
                    batch.single(self.server, &open_extension(length));
                    self.path.counted.datagrams_sent += 1;
                }
                asks
            }
            ClientState::Waiting(waiting) => {
                let asks = waiting.poll_question(now, &self.path.round_trip);
                if asks {
                    waiting.request.poll_probe(now, &mut self.path, batch);
                }
                asks
            }
        }
    }

    fn deadline(&self) -> Option<Duration> {
        let timer = match &self.state {
            ClientState::Idle => return None,
            ClientState::Opening(opening) => Some(opening.deadline()),
            ClientState::Sending(sender) => sender.deadline(),
            ClientState::Waiting(waiting) => Some(waiting.deadline()),
            ClientState::Receiving => None,
        };
        let end = self.last_heard + self.path.config.give_up;
        Some(timer.map_or(end, |timer| timer.min(end)))
    }

    fn handle_timeout(&mut self, now: Duration) {
        if matches!(self.state, ClientState::Idle) {
            return;
        }
        let after = now.saturating_sub(self.last_heard);
        if after >= self.path.config.give_up {
            return self.finish(Err(ExchangeError::NoAnswer { after }));
        }
        if let ClientState::Sending(sender) = &mut self.state {
            sender.handle_timeout(now, &mut self.path);
        }
    }

    fn handle_path_limit(&mut self, now: Duration, longest: usize) {
        let longest = longest.max(SHORTEST);
        if longest < self.path.config.datagram {
            self.path.config.datagram = longest;
            if let ClientState::Opening(opening) = &mut self.state {
                opening.ask_again(now);
            }
        }
    }

    fn progress(&self) -> Progress {
        self.progress
    }

    fn statistics(&self) -> Statistics {
        self.path.statistics()
    }
}

impl Client {
    fn open(&mut self, now: Duration, request: Bytes) {
        self.state = ClientState::Opening(Opening::new(now, request));
    }

    fn send(&mut self, now: Duration, token: u64, request: Bytes) {
        let id = MessageId { side: Side::Request, token, exchange: self.exchange };
        let block_size = self.path.config.block_size();
        self.state = ClientState::Sending(Sender::new(now, &mut self.path, id, block_size, request));
    }

    fn finish_well(&mut self, response: Vec<u8>) {
        self.path.counted.delivered += 1;
        self.state = ClientState::Idle;
        self.outcome = Some(Ok(response));
    }

    fn finish(&mut self, outcome: Result<Vec<u8>, ExchangeError>) {
        self.abandon();
        self.outcome = Some(outcome);
    }

    /// The exchange is given up: the session may wait for the rest of it for ever, so the next one begins with a new session.
    fn abandon(&mut self) {
        self.state = ClientState::Idle;
        self.token = None;
        self.receiver = None;
    }
}
