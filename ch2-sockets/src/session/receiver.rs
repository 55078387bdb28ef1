//! The receiving half of an exchange: blocks in any order become a message. Both sides use it.
//!
//! ```text
//!            cumulative                        cumulative + 4 windows
//! message ───────┬──────────────────────────────────┬──────────── length
//!   all here     │ gap │ here │ gap │ here │ …      │ not taken
//!                      └── the ranges of an ack ──┘
//! ```
//!
//! The window is what may be on its way at once, so that the socket's buffer has room for it. What is here behind a gap is not on
//! its way any more. So the span that is taken is four windows long: else the sender would stand still while a gap is repaired.
//!
//! The memory grows with what arrives, never with what is announced: at most twice what is here, plus the span. A block is
//! copied once, to its place. Fresh memory costs more than the copy (the kernel clears each page first: three quarters of all time
//! in a transfer from memory to memory), so a side may keep the last message's and use it again.

use std::time::Duration;

use super::batch::Batch;
use super::block_set::BlockSet;
use super::datagram::{Ack, Data, MAX_RANGES, Side, block_count};

/// Blocks are taken up to so many windows beyond the first gap.
pub const SPAN: u32 = 4;

/// The least memory taken at once, bytes.
const FIRST: usize = 64 << 10;

/// One message as it arrives.
#[derive(Debug)]
pub struct Receiver {
    side: Side,
    token: u64,
    exchange: u32,
    block_size: u16,
    length: u32,
    blocks: u32,
    window: u32,
    message: Vec<u8>,
    taken: bool,
    cumulative: u32,
    beyond: BlockSet,
    /// The largest sequence and when it came.
    largest: u32,
    largest_at: Duration,
    /// The block that came last.
    newest: u32,
    /// Whether a block has come since the last ack.
    ack_due: bool,
}

/// What became of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is in its place.
    New,
    /// It was here before.
    Duplicate,
    /// It does not belong: of another message, or beyond the span.
    Stray,
}

impl Receiver {
    /// For the message that this block is of. `window` in bytes. `None` if the block size is not allowed.
    pub fn new(first: &Data, window: usize) -> Option<Receiver> {
        let blocks = block_count(first.length, first.block_size)?;
        let window = u32::try_from(window / usize::from(first.block_size)).unwrap_or(u32::MAX);
        Some(Receiver {
            side: first.side,
            token: first.token,
            exchange: first.exchange,
            block_size: first.block_size,
            length: first.length,
            blocks,
            window: window.clamp(1, u32::MAX / SPAN),
            message: Vec::new(),
            taken: false,
            cumulative: 0,
            beyond: BlockSet::default(),
            largest: 0,
            largest_at: Duration::ZERO,
            newest: 0,
            ack_due: false,
        })
    }

    /// The exchange that the message belongs to.
    pub fn exchange(&self) -> u32 {
        self.exchange
    }

    /// Bytes of a block.
    pub fn block_size(&self) -> u16 {
        self.block_size
    }

    /// Whether all blocks are here.
    pub fn is_complete(&self) -> bool {
        self.cumulative == self.blocks
    }

    /// Bytes here without a gap, and bytes of the whole.
    pub fn progress(&self) -> (usize, usize) {
        let here = self.cumulative as usize * usize::from(self.block_size);
        (here.min(self.length as usize), self.length as usize)
    }

    /// Bytes of memory held for the message.
    pub fn memory(&self) -> usize {
        self.message.capacity()
    }

    /// Bytes of memory to take before [`Receiver::handle_data`] gets this block: 0 nearly always, as it grows by doubling.
    #[inline]
    pub fn growth(&self, data: &Data) -> usize {
        let end = self.end_of(data.block);
        if end <= self.message.capacity() || !self.takes(data) {
            return 0;
        }
        let capacity = end.max(2 * self.message.capacity()).max(FIRST);
        capacity.min(self.length as usize) - self.message.capacity()
    }

    /// Whether memory of so many bytes would be of use, and not much too big, before the first block is in.
    pub fn suits(&self, capacity: usize) -> bool {
        self.message.capacity() == 0 && capacity > FIRST && capacity / 2 <= self.length as usize
    }

    /// Uses this memory from now on, before the first block is in.
    pub fn adopt(&mut self, mut memory: Vec<u8>) {
        memory.clear();
        self.message = memory;
    }

    /// Takes that much memory.
    pub fn grow(&mut self, growth: usize) {
        self.message.reserve_exact(self.message.capacity() + growth - self.message.len());
    }

    /// Puts a block in its place. Any block is acknowledged, one that was here already too.
    #[inline]
    pub fn handle_data(&mut self, now: Duration, data: &Data, payload: &[u8]) -> Outcome {
        self.ack_due = true;
        let same = data.length == self.length && data.block_size == self.block_size;
        if !same || data.block >= self.blocks {
            return Outcome::Stray;
        }
        if data.sequence >= self.largest {
            self.largest = data.sequence;
            self.largest_at = now;
        }
        if data.block < self.cumulative {
            return Outcome::Duplicate;
        }
        if !self.takes(data) {
            return Outcome::Stray;
        }
        let start = data.block as usize * usize::from(self.block_size);
        if data.block == self.cumulative {
            self.cumulative += 1;
        } else if !self.beyond.insert(data.block, SPAN * self.window) {
            return Outcome::Duplicate;
        }
        self.newest = data.block;
        if start >= self.message.len() {
            self.message.resize(start, 0);
            self.message.extend_from_slice(payload);
        } else {
            self.message[start..start + payload.len()].copy_from_slice(payload);
        }
        if !self.beyond.is_empty() {
            self.cumulative = self.beyond.take_run(self.cumulative);
        }
        Outcome::New
    }

    /// The message, once, when it is complete.
    pub fn take(&mut self) -> Option<Vec<u8>> {
        if !self.is_complete() || self.taken {
            return None;
        }
        self.taken = true;
        self.beyond = BlockSet::default();
        Some(std::mem::take(&mut self.message))
    }

    /// Fills a batch that is begun with an ack of all that is here, if a block has come since the last one.
    pub fn poll_transmit(&mut self, now: Duration, batch: &mut Batch) -> bool {
        let due = std::mem::take(&mut self.ack_due);
        if due {
            self.encode_ack(now, &mut batch.bytes);
            batch.segment = batch.bytes.len();
        }
        due
    }

    fn encode_ack(&self, now: Duration, out: &mut Vec<u8>) {
        let delay = now.saturating_sub(self.largest_at).as_micros();
        let ack = Ack {
            side: self.side,
            token: self.token,
            exchange: self.exchange,
            largest: self.largest,
            delay: u32::try_from(delay).unwrap_or(u32::MAX),
            cumulative: self.cumulative,
            window: self.window,
        };
        if self.beyond.is_empty() {
            return ack.encode(std::iter::empty(), out);
        }
        // RFC 2018: the range with the newest block first. Of the others the farthest, if there are too many: what is nearer came
        // earlier, and earlier acks told of it.
        let newest =
            self.beyond.ranges(self.cumulative).find(|&(first, end)| (first..end).contains(&self.newest));
        let too_many = self.beyond.ranges(self.cumulative).count().saturating_sub(MAX_RANGES);
        let others =
            self.beyond.ranges(self.cumulative).skip(too_many).filter(|range| Some(*range) != newest);
        ack.encode(newest.into_iter().chain(others), out);
    }

    /// Whether a block is within the span.
    fn takes(&self, data: &Data) -> bool {
        data.block >= self.cumulative && data.block - self.cumulative < SPAN * self.window
    }

    /// Where a block's bytes end in the message.
    fn end_of(&self, block: u32) -> usize {
        ((block as usize + 1) * usize::from(self.block_size)).min(self.length as usize)
    }
}

#[cfg(test)]
mod tests;
