//! The sending half of an exchange: one message in blocks until the other side has them all. Both sides use it.
//!
//! ```text
//!                  room in the window                        ack: all there
//!   ┌───────────┐ ─────────────────▶ block sent ┌─────────┐ ───────────────▶ complete
//!   │ to send   │                               │ in      │
//!   │ (new,lost)│ ◀───────────────────────────  │ flight  │
//!   └───────────┘  passed over by later acks,   └─────────┘
//!                  or the timer has fired
//! ```
//!
//! What may be in flight is the smallest of three windows: the congestion window, the receiver's, and a fixed one where a student
//! asks for it (1 is stop-and-wait).
//!
//! The timer's first shots send two blocks again as a probe (RFC 8985, section 7, in spirit): when the last blocks of a flight were
//! lost, or the acks, nothing else can tell. Once all blocks have left, the first of them comes early, after two round trips: no
//! later block will tell that one is missing. The third in a row takes everything in flight for lost and begins with one block
//! (QUIC's persistent congestion, RFC 9002, section 7.6).

use std::time::Duration;

use bytes::Bytes;

use super::batch::{BATCH_BYTES, BATCH_DATAGRAMS, Batch};
use super::datagram::{Ack, DATA_HEADER, Data, Ranges, Side, block_count};
use super::path::Path;
use super::receiver::SPAN;
use super::scoreboard::{Scoreboard, more_reordering};

/// So many timeouts in a row are a silence.
const SILENCE: u32 = 3;

/// More than any receiver of ours takes. Without a limit a liar could have us keep count of a whole message in flight.
const PEER_WINDOW_LIMIT: u32 = 1 << 15;

/// Which message of which session.
#[derive(Debug, Clone, Copy)]
pub struct MessageId {
    /// Request or response.
    pub side: Side,
    /// The session's token.
    pub token: u64,
    /// Number of the exchange in the session.
    pub exchange: u32,
}

/// One message on its way.
#[derive(Debug)]
pub struct Sender {
    header: Data,
    message: Bytes,
    scoreboard: Scoreboard,
    timer: Option<Duration>,
    /// In a row.
    timeouts: u32,
    /// Whether the early probe of the last flight has left, since when nothing has been acknowledged.
    tail_probed: bool,
    /// Blocks that may leave beyond the window, after a timeout.
    probes: u32,
    /// Whether it was the congestion window that ended the last turn to send.
    limited: bool,
}

impl Sender {
    /// Begins to send `message` in blocks of `block_size` bytes.
    ///
    /// # Panics
    /// If the message is longer than 4 GiB or the block size not allowed: the caller has limits.
    pub fn new(now: Duration, path: &mut Path, id: MessageId, block_size: u16, message: Bytes) -> Sender {
        let MessageId { side, token, exchange } = id;
        let length = u32::try_from(message.len()).expect("the limit of a message is below 4 GiB");
        let blocks = block_count(length, block_size).expect("our block size is allowed");
        let silence = now.saturating_sub(path.last_use) > path.round_trip.timeout(0);
        path.controller.begin_message(silence);
        Sender {
            header: Data { side, block_size, token, exchange, sequence: 0, length, block: 0 },
            message,
            scoreboard: Scoreboard::new(blocks),
            timer: None,
            timeouts: 0,
            tail_probed: false,
            probes: 0,
            limited: false,
        }
    }

    /// Bytes of memory that a sender of `length` bytes in blocks of `block_size` takes.
    pub fn memory(length: usize, block_size: u16) -> usize {
        length + Scoreboard::memory((length / usize::from(block_size)) as u32 + 1)
    }

    /// Whether the receiver has everything.
    pub fn is_complete(&self) -> bool {
        self.scoreboard.is_complete()
    }

    /// Whether not one block has been acknowledged.
    pub fn is_untouched(&self) -> bool {
        self.scoreboard.is_untouched()
    }

    /// The message back, to be sent another way. This sender is of no use afterwards.
    pub fn take_message(&mut self) -> Bytes {
        std::mem::take(&mut self.message)
    }

    /// Bytes acknowledged without a gap, and bytes of the message.
    pub fn progress(&self) -> (usize, usize) {
        let there = self.scoreboard.cumulative() as usize * usize::from(self.header.block_size);
        (there.min(self.message.len()), self.message.len())
    }

    /// When [`Sender::handle_timeout`] wants to be called.
    pub fn deadline(&self) -> Option<Duration> {
        self.timer
    }

    /// Appends what may leave now to a batch that is begun; whether that was anything.
    pub fn poll_transmit(&mut self, now: Duration, path: &mut Path, batch: &mut Batch) -> bool {
        let size = usize::from(self.header.block_size);
        let segment = DATA_HEADER + size;
        let most = BATCH_DATAGRAMS.min(BATCH_BYTES / segment).max(1);
        let (mut count, mut retransmissions) = (0, 0);
        while count < most && self.may_send(path) {
            let end = self.scoreboard.cumulative().saturating_add(path.peer_window.saturating_mul(SPAN));
            let Some((block, again)) = self.scoreboard.next_block(end) else { break };
            let start = block as usize * size;
            let payload = &self.message[start..self.message.len().min(start + size)];
            self.header.sequence = self.scoreboard.sent(block, now);
            self.header.block = block;
            batch.bytes.extend_from_slice(&self.header.encode(payload));
            batch.bytes.extend_from_slice(payload);
            self.probes = self.probes.saturating_sub(1);
            retransmissions += u64::from(again);
            count += 1;
            if payload.len() < size {
                break; // only the last datagram of a batch may be shorter
            }
        }
        self.limited = self.scoreboard.in_flight() >= path.controller.window();
        if count == 0 {
            return false;
        }
        batch.segment = segment;
        path.counted.datagrams_sent += count as u64;
        path.counted.blocks_sent += count as u64;
        path.counted.retransmissions += retransmissions;
        path.last_use = now;
        if self.timer.is_none() || self.is_tail() {
            self.arm(now, path);
        }
        true
    }

    /// Takes an ack of this message in.
    pub fn handle_ack(&mut self, now: Duration, path: &mut Path, ack: &Ack, ranges: Ranges<'_>) {
        let news = self.scoreboard.handle_ack(now, ack, ranges, path.reordering);
        path.peer_window = ack.window.clamp(1, PEER_WINDOW_LIMIT);
        if let Some(round_trip) = news.round_trip {
            path.round_trip.sample(round_trip);
        }
        if news.spurious > 0 {
            // What the timer gave up was late, or its ack was; that says nothing of the order of arrival.
            if self.timeouts == 0 && !self.tail_probed {
                path.reordering = more_reordering(path.reordering);
            }
            path.controller.handle_late_arrival(news.spurious);
        }
        if news.lost > 0 {
            let next = self.scoreboard.next_sequence();
            path.controller.handle_loss(news.lost, news.last_lost, next, &path.round_trip);
        }
        if news.acknowledged > 0 {
            path.controller.handle_ack(news.acknowledged, self.limited, &path.round_trip);
            (self.timeouts, self.tail_probed) = (0, false);
            self.probes = 0;
            self.arm(now, path);
        }
        if self.is_complete() {
            self.timer = None;
        }
    }

    /// The timer has fired, or something else: nothing happens before [`Sender::deadline`].
    pub fn handle_timeout(&mut self, now: Duration, path: &mut Path) {
        if self.timer.is_none_or(|timer| now < timer) {
            return;
        }
        path.counted.timeouts += 1;
        if self.is_tail() {
            self.tail_probed = true;
        } else {
            self.timeouts += 1;
        }
        if self.timeouts < SILENCE {
            self.probes = 2;
            self.scoreboard.give_up(2);
        } else {
            self.probes = 1;
            self.scoreboard.give_up(u32::MAX);
            path.controller.handle_silence(self.scoreboard.next_sequence());
        }
        self.arm(now, path);
    }

    /// Whether every block has left and the early probe has not.
    fn is_tail(&self) -> bool {
        self.timeouts == 0 && !self.tail_probed && self.scoreboard.is_all_sent()
    }

    fn arm(&mut self, now: Duration, path: &Path) {
        let timeout = path.round_trip.timeout(self.timeouts);
        let wait = if self.is_tail() { timeout.min(path.round_trip.probe()) } else { timeout };
        self.timer = Some(now + wait);
    }

    /// Appends the last block once more: "are you still there?" after all was acknowledged.
    pub fn poll_probe(&mut self, now: Duration, path: &mut Path, batch: &mut Batch) {
        let block = self.scoreboard.count() - 1;
        let start = block as usize * usize::from(self.header.block_size);
        self.header.sequence = self.scoreboard.repeated(block, now);
        self.header.block = block;
        let payload = &self.message[start..];
        batch.bytes.extend_from_slice(&self.header.encode(payload));
        batch.bytes.extend_from_slice(payload);
        batch.segment = batch.bytes.len();
        path.counted.datagrams_sent += 1;
    }

    /// A probe may go beyond the congestion window, but never beyond a fixed one.
    fn may_send(&self, path: &Path) -> bool {
        let flight = self.scoreboard.in_flight();
        flight < path.window() || (self.probes > 0 && flight < path.allowed_window())
    }
}
