//! The client of the extension: one request after the other, each with its response. Notes, chapter 2, part 2, and its homework.
//!
//! ```text
//!        request            1?token           all acknowledged          block 0           all blocks
//!  idle ────────▶ opening ──────────▶ sending ────────────────▶ waiting ────────▶ receiving ────────▶ idle
//!    │               │ 0?… or z twice     └──────── block 0 (it must have all) ──────▶ ▲
//!    │               ▼                                                                 
//!    │            an old server: Err(Original)            any of them, silent for `give_up`: Err(NoAnswer)
//!    └ with a token of an earlier request: sending at once
//! ```
//!
//! In *waiting* the server may be running the request for as long as it likes, or may have died. So the last block goes out once
//! more now and then; a living server answers with an ack.
//!
//! Back in *idle* the client still acknowledges blocks of the last response: its last ack may have been lost. Call
//! [`Client::transmit`] once more before leaving, or the server keeps the response until it expires.

use std::net::SocketAddr;
use std::time::Duration;

use super::batch::Batch;
use super::datagram::{Ack, Data, REFUSAL, Reason, Refusal, Side};
use super::error::Error;
use super::pdu::{OPEN_EXTENSION, Response};
use super::receiver::{Outcome, Receiver};
use super::rto;
use super::sender::{Path, Sender};
use super::statistics::Statistics;
use super::{Config, REQUEST_LIMIT, RESPONSE_LIMIT, split};

/// So many "not understood" before the first ack are no accident.
const NOT_UNDERSTOOD: u32 = 32;
/// So many answers of an old server to our opening are no accident.
const OLD_ANSWERS: u32 = 2;
/// The least time between two questions whether the server is still there.
const PROBE: Duration = Duration::from_millis(250);

/// How far an exchange is, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Of the request, acknowledged.
    pub sent: usize,
    /// The request.
    pub to_send: usize,
    /// Of the response, here.
    pub received: usize,
    /// The response, once it has begun.
    pub to_receive: Option<usize>,
}

/// One client with its server.
#[derive(Debug)]
pub struct Client {
    config: Config,
    server: SocketAddr,
    phase: Phase,
    token: Option<u64>,
    /// The exchange in work, or the next one.
    exchange: u32,
    path: Path,
    /// Of the latest response: it stays, and acknowledges duplicates.
    receiver: Option<Receiver>,
    acknowledge: bool,
    /// A refusal to be sent, of a response that is too long.
    refuse: Option<Refusal>,
    progress: Progress,
    last_heard: Duration,
    not_understood: u32,
    outcome: Option<Result<Vec<u8>, Error>>,
    statistics: Statistics,
}

#[derive(Debug)]
enum Phase {
    Idle,
    Opening(Opening),
    Sending(Sender),
    Waiting(Waiting),
    Receiving,
}

/// The request waits for a token.
#[derive(Debug)]
struct Opening {
    request: Vec<u8>,
    /// When to ask (again).
    ask: Duration,
    asked: u32,
    last_asked: Duration,
    old_answers: u32,
}

/// The request is there; its response is not.
#[derive(Debug)]
struct Waiting {
    request: Sender,
    probe: Duration,
    probes: u32,
}

impl Client {
    /// A client of the server at this address. Nothing is sent yet. It needs no seed: all that must be unguessable is the server's.
    pub fn new(config: Config, server: SocketAddr) -> Client {
        Client {
            config,
            server,
            phase: Phase::Idle,
            token: None,
            exchange: 0,
            path: Path::new(config.congestion, config.window),
            receiver: None,
            acknowledge: false,
            refuse: None,
            progress: Progress::default(),
            last_heard: Duration::ZERO,
            not_understood: 0,
            outcome: None,
            statistics: Statistics::default(),
        }
    }

    /// Begins an exchange. One that is in work is given up: whether it runs is not known then.
    pub fn request(&mut self, now: Duration, request: Vec<u8>) {
        if !matches!(self.phase, Phase::Idle) {
            self.abandon();
        }
        self.outcome = None;
        self.progress = Progress { to_send: request.len(), ..Progress::default() };
        self.last_heard = now;
        self.not_understood = 0;
        if request.len() > REQUEST_LIMIT {
            self.finish(Err(Error::TooLong { length: request.len(), limit: REQUEST_LIMIT }));
            return;
        }
        match self.token {
            Some(token) => self.send(now, token, request),
            None => self.open(now, request),
        }
    }

    /// Takes in datagrams: each `segment` bytes long but the last, which may be shorter. `now` never goes back; datagrams from
    /// anybody but the server are ignored.
    pub fn receive(&mut self, now: Duration, from: SocketAddr, segment: usize, bytes: &[u8]) {
        if from != self.server {
            return;
        }
        for datagram in split(segment, bytes) {
            self.statistics.datagrams_received += 1;
            let known = match datagram.first() {
                Some(b'D') => {
                    Data::parse(datagram).map(|(data, payload)| self.receive_data(now, &data, payload))
                }
                Some(b'K') => Ack::parse(datagram).map(|(ack, ranges)| {
                    if self.is_ours(ack.token, ack.exchange) && ack.side == Side::Request {
                        self.last_heard = now;
                        if let Phase::Sending(sender) = &mut self.phase {
                            sender.acknowledge(now, &mut self.path, &ack, ranges);
                            self.progress.sent = sender.progress().0;
                        }
                        self.sent_all(now);
                    }
                }),
                Some(b'X') => Refusal::parse(datagram).map(|refusal| self.refused(now, &refusal)),
                _ => Response::parse(datagram).map(|response| self.opened(now, response)),
            };
            self.statistics.malformed += u64::from(known.is_none());
        }
    }

    /// The response, once, or why there is none.
    pub fn poll_response(&mut self) -> Option<Result<Vec<u8>, Error>> {
        self.outcome.take()
    }

    /// Fills `batch` with datagrams to send now; `false` if there are none. Call until then.
    pub fn transmit(&mut self, now: Duration, batch: &mut Batch) -> bool {
        batch.begin(self.server, 0);
        if let Some(refusal) = self.refuse.take() {
            batch.single(self.server, &refusal.encode());
            debug_assert_eq!(batch.bytes.len(), REFUSAL);
            self.statistics.datagrams_sent += 1;
            return true;
        }
        if self.acknowledge
            && let Some(receiver) = &self.receiver
        {
            self.acknowledge = false;
            receiver.acknowledge(now, &mut batch.bytes);
            batch.segment = batch.bytes.len();
            self.statistics.datagrams_sent += 1;
            return true;
        }
        match &mut self.phase {
            Phase::Opening(opening) if now >= opening.ask => {
                opening.asked += 1;
                opening.last_asked = now;
                opening.ask = now + self.path.round_trip.timeout(opening.asked - 1);
                batch.single(self.server, OPEN_EXTENSION);
                self.statistics.datagrams_sent += 1;
                true
            }
            Phase::Sending(sender) => sender.transmit(now, &mut self.path, batch, &mut self.statistics),
            Phase::Waiting(waiting) if now >= waiting.probe => {
                waiting.probes += 1;
                let wait = PROBE.max(self.path.round_trip.timeout(0)) * (1 << waiting.probes.min(5));
                waiting.probe = now + wait.min(rto::MAXIMUM);
                waiting.request.probe(now, batch, &mut self.statistics);
                true
            }
            _ => false,
        }
    }

    /// When to call [`Client::handle_timeout`], if nothing comes before.
    pub fn next_timeout(&self) -> Option<Duration> {
        let timer = match &self.phase {
            Phase::Idle => return None,
            Phase::Opening(opening) => Some(opening.ask),
            Phase::Sending(sender) => sender.next_timeout(),
            Phase::Waiting(waiting) => Some(waiting.probe),
            Phase::Receiving => None,
        };
        let end = self.last_heard + self.config.give_up;
        Some(timer.map_or(end, |timer| timer.min(end)))
    }

    /// The time has come, or some other time: then nothing happens.
    pub fn handle_timeout(&mut self, now: Duration) {
        if matches!(self.phase, Phase::Idle) {
            return;
        }
        let after = now.saturating_sub(self.last_heard);
        if after >= self.config.give_up {
            return self.finish(Err(Error::NoAnswer { after }));
        }
        if let Phase::Sending(sender) = &mut self.phase {
            sender.handle_timeout(now, &mut self.path, &mut self.statistics);
        }
    }

    /// How far the exchange is.
    pub fn progress(&self) -> Progress {
        self.progress
    }

    /// What was counted.
    pub fn statistics(&self) -> Statistics {
        Statistics {
            smoothed_round_trip: self.path.round_trip.smoothed(),
            window: self.path.window().into(),
            ..self.statistics
        }
    }

    fn open(&mut self, now: Duration, request: Vec<u8>) {
        let opening = Opening { request, ask: now, asked: 0, last_asked: now, old_answers: 0 };
        self.phase = Phase::Opening(opening);
    }

    /// An answer to our opening.
    fn opened(&mut self, now: Duration, response: Response) {
        let Phase::Opening(opening) = &mut self.phase else { return };
        self.last_heard = now;
        let Response::Token(token) = response else {
            // One alone may be a stray, or our question was damaged on the way.
            opening.old_answers += 1;
            opening.ask = now;
            if opening.old_answers >= OLD_ANSWERS {
                self.finish(Err(Error::Original));
            }
            return;
        };
        if opening.asked == 1 {
            // Which question a second one's answer is to would not be known (Karn).
            self.path.round_trip.sample(now.saturating_sub(opening.last_asked));
        }
        let request = std::mem::take(&mut opening.request);
        self.token = Some(token);
        self.exchange = 0;
        self.receiver = None;
        self.send(now, token, request);
    }

    fn send(&mut self, now: Duration, token: u64, request: Vec<u8>) {
        let (name, block_size) = ((Side::Request, token, self.exchange), self.config.block_size());
        self.phase = Phase::Sending(Sender::new(now, &mut self.path, name, block_size, request));
    }

    /// If the request is there: from sending to waiting.
    fn sent_all(&mut self, now: Duration) {
        if let Phase::Sending(sender) = &self.phase
            && sender.is_complete()
            && let Phase::Sending(request) = std::mem::replace(&mut self.phase, Phase::Idle)
        {
            self.progress.sent = self.progress.to_send;
            let probe = now + PROBE.max(self.path.round_trip.timeout(0));
            self.phase = Phase::Waiting(Waiting { request, probe, probes: 0 });
        }
    }

    fn receive_data(&mut self, now: Duration, data: &Data, payload: &[u8]) {
        if data.side != Side::Response || self.token != Some(data.token) {
            return;
        }
        if self.is_ours(data.token, data.exchange)
            && !matches!(self.phase, Phase::Receiving)
            && !self.begin(data)
        {
            return;
        }
        let Some(receiver) = self.receiver.as_mut().filter(|receiver| receiver.exchange() == data.exchange)
        else {
            return;
        };
        self.last_heard = now;
        let growth = receiver.growth(data);
        if growth > 0 {
            receiver.grow(growth);
        }
        self.acknowledge = true;
        match receiver.receive(now, data, payload) {
            Outcome::New => self.statistics.blocks_received += 1,
            Outcome::Duplicate => self.statistics.duplicates += 1,
            Outcome::Stray => self.statistics.malformed += 1,
        }
        if matches!(self.phase, Phase::Receiving) {
            self.progress.received = receiver.progress().0;
        }
        if let Some(response) = receiver.take() {
            self.exchange += 1;
            self.finish_well(response);
        }
    }

    /// The first block of the response: the server has the whole request. `false` if we do not want it.
    fn begin(&mut self, data: &Data) -> bool {
        if !matches!(self.phase, Phase::Sending(_) | Phase::Waiting(_)) {
            return false;
        }
        let length = data.length as usize;
        if length > RESPONSE_LIMIT {
            let (token, exchange) = (data.token, data.exchange);
            self.refuse = Some(Refusal { reason: Reason::TooLong, token, exchange });
            self.finish(Err(Error::TooLong { length, limit: RESPONSE_LIMIT }));
            return false;
        }
        self.receiver = Receiver::new(data, self.config.receive_window);
        self.progress.sent = self.progress.to_send;
        self.progress.to_receive = Some(length);
        self.phase = Phase::Receiving;
        self.receiver.is_some()
    }

    fn refused(&mut self, now: Duration, refusal: &Refusal) {
        if !self.is_ours(refusal.token, refusal.exchange) {
            return;
        }
        self.last_heard = now;
        match (&mut self.phase, refusal.reason) {
            (Phase::Idle | Phase::Opening(_), _) => {}
            (Phase::Sending(sender), Reason::Unknown) if sender.is_untouched() => {
                // The session has expired since the last request, and of this one the server has nothing: begin anew.
                let request = sender.take_message();
                self.open(now, request);
            }
            (_, Reason::NotUnderstood) => {
                // Most likely a datagram that was damaged on the way: its block is lost, and will be sent again as such.
                self.not_understood += 1;
                let untouched = matches!(&self.phase, Phase::Sending(sender) if sender.is_untouched());
                if untouched && self.not_understood >= NOT_UNDERSTOOD {
                    self.finish(Err(Error::Refused(Reason::NotUnderstood)));
                }
            }
            (_, reason) => self.finish(Err(Error::Refused(reason))),
        }
    }

    /// Whether a datagram is of the exchange in work.
    fn is_ours(&self, token: u64, exchange: u32) -> bool {
        self.token == Some(token) && self.exchange == exchange && !matches!(self.phase, Phase::Idle)
    }

    fn finish_well(&mut self, response: Vec<u8>) {
        self.statistics.delivered += 1;
        self.phase = Phase::Idle;
        self.outcome = Some(Ok(response));
    }

    fn finish(&mut self, outcome: Result<Vec<u8>, Error>) {
        self.abandon();
        self.outcome = Some(outcome);
    }

    /// The exchange is given up: the session may wait for the rest of it for ever, so the next one begins with a new session.
    fn abandon(&mut self) {
        self.phase = Phase::Idle;
        self.token = None;
        self.receiver = None;
        self.acknowledge = false;
    }
}
