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

use bytes::Bytes;

use super::batch::{Batch, split};
use super::block;
use super::client_machine::{ClientMachine, Progress};
use super::config::Config;
use super::error::ExchangeError;
use super::limits::REQUEST_LIMIT;
use super::pdu::{RequestPdu, ResponsePdu};
use super::statistics::Statistics;
use common::protocol::rto::RoundTrip;

/// So many `z` in a row are no accident.
const NOT_UNDERSTOOD: u32 = 3;

/// One upload after the other.
#[derive(Debug)]
pub struct BlockClient {
    server: SocketAddr,
    give_up: Duration,
    state: BlockClientState,
    message: Bytes,
    session: u64,
    block_size: usize,
    round_trip: RoundTrip,
    /// When the PDU of this state is to be sent (again); how often it was, and when last.
    send_at: Duration,
    times_sent: u32,
    sent_at: Duration,
    last_heard: Duration,
    not_understood: u32,
    outcome: Option<Result<Vec<u8>, ExchangeError>>,
    statistics: Statistics,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BlockClientState {
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
            state: BlockClientState::Idle,
            message: Bytes::new(),
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
}

impl ClientMachine for BlockClient {
    fn request(&mut self, now: Duration, request: Bytes) {
        self.last_heard = now;
        self.outcome = None;
        self.message = request;
        if self.message.len() > REQUEST_LIMIT {
            return self
                .finish(Err(ExchangeError::TooLong { length: self.message.len(), limit: REQUEST_LIMIT }));
        }
        self.enter(now, BlockClientState::Opening);
    }

    fn handle_datagram(&mut self, now: Duration, from: SocketAddr, segment: usize, bytes: &[u8]) {
        if from != self.server {
            return;
        }
        for datagram in split(segment, bytes) {
            self.statistics.datagrams_received += 1;
            match ResponsePdu::parse(datagram) {
                Some(response) if self.state != BlockClientState::Idle => self.handle_response(now, response),
                Some(_) => {}
                None => self.statistics.malformed += 1,
            }
        }
    }

    fn poll_response(&mut self) -> Option<Result<Vec<u8>, ExchangeError>> {
        self.outcome.take()
    }

    fn poll_transmit(&mut self, now: Duration, batch: &mut Batch) -> bool {
        if self.state == BlockClientState::Idle || now < self.send_at {
            return false;
        }
        batch.begin(self.server, 0);
        let request = match self.state {
            BlockClientState::Idle => return false,
            BlockClientState::Opening => RequestPdu::Open,
            BlockClientState::Block(index) => {
                self.statistics.blocks_sent += 1;
                self.statistics.retransmissions += u64::from(self.times_sent > 0);
                self.block(index)
            }
            BlockClientState::Closing => RequestPdu::Close { session: self.session },
        };
        request.encode(&mut batch.bytes);
        batch.segment = batch.bytes.len();
        self.statistics.datagrams_sent += 1;
        self.times_sent += 1;
        self.sent_at = now;
        self.send_at = now + self.round_trip.timeout(self.times_sent - 1);
        true
    }

    fn deadline(&self) -> Option<Duration> {
        (self.state != BlockClientState::Idle).then(|| self.send_at.min(self.last_heard + self.give_up))
    }

    fn handle_timeout(&mut self, now: Duration) {
        if self.state == BlockClientState::Idle {
            return;
        }
        let after = now.saturating_sub(self.last_heard);
        if after >= self.give_up {
            self.finish(Err(ExchangeError::NoAnswer { after }));
        } else if now >= self.send_at && self.times_sent > 0 {
            self.statistics.timeouts += 1;
        }
    }

    fn progress(&self) -> Progress {
        let sent = match self.state {
            BlockClientState::Opening => 0,
            BlockClientState::Block(index) => index * self.block_size,
            BlockClientState::Idle | BlockClientState::Closing => self.message.len(),
        };
        Progress { sent, to_send: self.message.len(), received: 0, to_receive: None }
    }

    fn statistics(&self) -> Statistics {
        Statistics { smoothed_round_trip: self.round_trip.smoothed(), window: 1, ..self.statistics }
    }
}

impl BlockClient {
    fn handle_response(&mut self, now: Duration, response: ResponsePdu) {
        self.last_heard = now;
        match (self.state, response) {
            (_, ResponsePdu::NotUnderstood) => {
                // One may be the answer to a datagram that was damaged on the way.
                self.not_understood += 1;
                self.send_at = now;
                if self.not_understood >= NOT_UNDERSTOOD {
                    self.finish(Err(ExchangeError::NotTaken));
                }
            }
            (BlockClientState::Opening, ResponsePdu::Done(session)) => {
                self.measure(now);
                self.session = session;
                self.block_size = block::size(session, self.message.len());
                self.enter(now, BlockClientState::Block(0));
            }
            (BlockClientState::Block(_), ResponsePdu::WrongLength) => self.send_at = now,
            (BlockClientState::Block(index), ResponsePdu::Done(distinct)) if distinct == index as u64 + 1 => {
                self.measure(now);
                let next = index + 1;
                self.enter(
                    now,
                    if next < self.count() {
                        BlockClientState::Block(next)
                    } else {
                        BlockClientState::Closing
                    },
                );
            }
            (BlockClientState::Closing, ResponsePdu::Done(1)) => {
                self.statistics.delivered += 1;
                self.finish(Ok(Vec::new()));
            }
            (BlockClientState::Closing, ResponsePdu::Done(0)) => self.finish(Err(ExchangeError::Incomplete)),
            _ => {}
        }
    }

    /// Karn's rule: which copy of a PDU that was sent twice is answered cannot be known, so only those sent once are measured.
    fn measure(&mut self, now: Duration) {
        if self.times_sent == 1 {
            self.round_trip.sample(now.saturating_sub(self.sent_at));
        }
    }

    fn enter(&mut self, now: Duration, state: BlockClientState) {
        self.state = state;
        self.send_at = now;
        self.times_sent = 0;
        self.not_understood = 0;
    }

    fn finish(&mut self, outcome: Result<Vec<u8>, ExchangeError>) {
        self.state = BlockClientState::Idle;
        self.outcome = Some(outcome);
    }

    /// An empty message is one empty block: closing a session without any kills an original server.
    fn count(&self) -> usize {
        block::count(self.message.len(), self.block_size).max(1)
    }

    fn block(&self, index: usize) -> RequestPdu<'_> {
        let start = index * self.block_size;
        let data = &self.message[start..self.message.len().min(start + self.block_size)];
        RequestPdu::Block {
            session: self.session,
            index: index as u64,
            count: self.count() as u64,
            length: data.len() as u64,
            data,
        }
    }
}
