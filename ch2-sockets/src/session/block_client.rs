//! A client of the original block protocol: upload only, one block at a time. Notes, chapter 2, part 2.
//!
//! ```text
//!        request             0?<session>           0?<distinct> after the last block           0?1
//!  idle ────────▶ opening ─────────────▶ block i ─────────────────────────────────▶ closing ────────▶ idle: Ok
//!                                        ▲     │ 0?…: i + 1    y: the same again      │ 0?0: Err(Incomplete)
//!                                        └─────┘                                      │ z, thrice: Err(NotTaken)
//!          each PDU is sent again when its timer fires; silent for `give_up`: Err(NoAnswer)
//! ```
//!
//! The original client retries for ever. This one doubles its timer each time (RFC 6298) and gives up in the end.
//!
//! The protocol has a hole that no client can close: an answer does not say what it answers. Here the number of blocks in it is
//! compared with what the server must have by then, so that a late second `0?3` is not taken for block 3's. But a late second
//! `0?1` to block 0 reads as "delivered" to who has just sent the close. The extension numbers everything.

use std::net::SocketAddr;
use std::time::Duration;

use super::batch::Batch;
use super::client::Progress;
use super::error::Error;
use super::pdu::{Request, Response};
use super::statistics::Statistics;
use super::{Config, REQUEST_LIMIT, block, split};
use common::protocol::rto::RoundTrip;

/// So many `z` in a row are no accident.
const NOT_UNDERSTOOD: u32 = 3;

/// One upload after the other.
#[derive(Debug)]
pub struct BlockClient {
    server: SocketAddr,
    give_up: Duration,
    phase: Phase,
    message: Vec<u8>,
    session: u64,
    block_size: usize,
    round_trip: RoundTrip,
    /// When the PDU of this phase is to be sent (again); how often it was, and when last.
    send_at: Duration,
    times_sent: u32,
    sent_at: Duration,
    last_heard: Duration,
    not_understood: u32,
    outcome: Option<Result<(), Error>>,
    statistics: Statistics,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Idle,
    Opening,
    Block(usize),
    Closing,
}

impl BlockClient {
    /// A client of the server at this address. Of the choices only `give_up` matters: the protocol leaves no others.
    pub fn new(config: Config, server: SocketAddr) -> BlockClient {
        BlockClient {
            server,
            give_up: config.give_up,
            phase: Phase::Idle,
            message: Vec::new(),
            session: 0,
            block_size: 1,
            round_trip: RoundTrip::default(),
            send_at: Duration::ZERO,
            times_sent: 0,
            sent_at: Duration::ZERO,
            last_heard: Duration::ZERO,
            not_understood: 0,
            outcome: None,
            statistics: Statistics::default(),
        }
    }

    /// Begins an upload. One that is in work is given up.
    pub fn request(&mut self, now: Duration, request: Vec<u8>) {
        self.last_heard = now;
        self.outcome = None;
        self.message = request;
        if self.message.len() > REQUEST_LIMIT {
            return self.finish(Err(Error::TooLong { length: self.message.len(), limit: REQUEST_LIMIT }));
        }
        self.enter(now, Phase::Opening);
    }

    /// Takes in datagrams: each `segment` bytes long but the last, which may be shorter. Those of others are ignored.
    pub fn handle_datagram(&mut self, now: Duration, from: SocketAddr, segment: usize, bytes: &[u8]) {
        if from != self.server {
            return;
        }
        for datagram in split(segment, bytes) {
            self.statistics.datagrams_received += 1;
            match Response::parse(datagram) {
                Some(response) if self.phase != Phase::Idle => self.handle_response(now, response),
                Some(_) => {}
                None => self.statistics.malformed += 1,
            }
        }
    }

    /// `Ok` once when the request is delivered, or why it is not.
    pub fn poll_response(&mut self) -> Option<Result<(), Error>> {
        self.outcome.take()
    }

    /// Fills `batch` with the datagram to send now; `false` if there is none.
    pub fn poll_transmit(&mut self, now: Duration, batch: &mut Batch) -> bool {
        if self.phase == Phase::Idle || now < self.send_at {
            return false;
        }
        batch.begin(self.server, 0);
        let request = match self.phase {
            Phase::Idle => return false,
            Phase::Opening => Request::Open,
            Phase::Block(index) => {
                self.statistics.blocks_sent += 1;
                self.statistics.retransmissions += u64::from(self.times_sent > 0);
                self.block(index)
            }
            Phase::Closing => Request::Close { session: self.session },
        };
        request.encode(&mut batch.bytes);
        batch.segment = batch.bytes.len();
        self.statistics.datagrams_sent += 1;
        self.times_sent += 1;
        self.sent_at = now;
        self.send_at = now + self.round_trip.timeout(self.times_sent - 1);
        true
    }

    /// When to call [`BlockClient::handle_timeout`], if nothing comes before.
    pub fn deadline(&self) -> Option<Duration> {
        (self.phase != Phase::Idle).then(|| self.send_at.min(self.last_heard + self.give_up))
    }

    /// The time has come, or some other time: then nothing happens. A retransmission leaves with the next `transmit`.
    pub fn handle_timeout(&mut self, now: Duration) {
        if self.phase == Phase::Idle {
            return;
        }
        let after = now.saturating_sub(self.last_heard);
        if after >= self.give_up {
            self.finish(Err(Error::NoAnswer { after }));
        } else if now >= self.send_at && self.times_sent > 0 {
            self.statistics.timeouts += 1;
        }
    }

    /// How far the upload is.
    pub fn progress(&self) -> Progress {
        let sent = match self.phase {
            Phase::Opening => 0,
            Phase::Block(index) => index * self.block_size,
            Phase::Idle | Phase::Closing => self.message.len(),
        };
        Progress { sent, to_send: self.message.len(), received: 0, to_receive: None }
    }

    /// What was counted. The window is always 1.
    pub fn statistics(&self) -> Statistics {
        Statistics { smoothed_round_trip: self.round_trip.smoothed(), window: 1, ..self.statistics }
    }

    fn handle_response(&mut self, now: Duration, response: Response) {
        self.last_heard = now;
        match (self.phase, response) {
            (_, Response::NotUnderstood) => {
                // One may be the answer to a datagram that was damaged on the way.
                self.not_understood += 1;
                self.send_at = now;
                if self.not_understood >= NOT_UNDERSTOOD {
                    self.finish(Err(Error::NotTaken));
                }
            }
            (Phase::Opening, Response::Done(session)) => {
                self.measure(now);
                self.session = session;
                self.block_size = block::size(session, self.message.len());
                self.enter(now, Phase::Block(0));
            }
            (Phase::Block(_), Response::WrongLength) => self.send_at = now,
            (Phase::Block(index), Response::Done(distinct)) if distinct == index as u64 + 1 => {
                self.measure(now);
                let next = index + 1;
                self.enter(now, if next < self.count() { Phase::Block(next) } else { Phase::Closing });
            }
            (Phase::Closing, Response::Done(1)) => {
                self.statistics.delivered += 1;
                self.finish(Ok(()));
            }
            (Phase::Closing, Response::Done(0)) => self.finish(Err(Error::Incomplete)),
            _ => {}
        }
    }

    /// Karn's rule: which copy of a PDU that was sent twice is answered cannot be known, so only those sent once are measured.
    fn measure(&mut self, now: Duration) {
        if self.times_sent == 1 {
            self.round_trip.sample(now.saturating_sub(self.sent_at));
        }
    }

    fn enter(&mut self, now: Duration, phase: Phase) {
        self.phase = phase;
        self.send_at = now;
        self.times_sent = 0;
        self.not_understood = 0;
    }

    fn finish(&mut self, outcome: Result<(), Error>) {
        self.phase = Phase::Idle;
        self.outcome = Some(outcome);
    }

    /// An empty message is one empty block: closing a session without any kills an original server.
    fn count(&self) -> usize {
        block::count(self.message.len(), self.block_size).max(1)
    }

    fn block(&self, index: usize) -> Request<'_> {
        let start = index * self.block_size;
        let data = &self.message[start..self.message.len().min(start + self.block_size)];
        Request::Block {
            session: self.session,
            index: index as u64,
            count: self.count() as u64,
            length: data.len() as u64,
            data,
        }
    }
}
