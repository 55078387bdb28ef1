//! What a link has done so far, one direction: the numbers of the summary at the end.

use std::ops::AddAssign;

/// Numbers of datagrams (for a stream: of chunks), unless they say otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Sent into the link.
    pub datagrams: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Lost by chance; for a stream: held for a retransmission.
    pub lost: u64,
    /// Lost because the cable was pulled; for a stream: held until it was whole again.
    pub cut: u64,
    /// Lost because no room was left to wait for the rate.
    pub queue_full: u64,
    /// Arrived twice.
    pub duplicated: u64,
    /// Copies that were held back.
    pub reordered: u64,
    /// Copies with a flipped bit.
    pub corrupted: u64,
    /// Copies that have arrived.
    pub delivered: u64,
    /// Their bytes.
    pub delivered_bytes: u64,
    /// Streams: delivered in two parts.
    pub split: u64,
    /// Streams: delivered together with the next.
    pub merged: u64,
    /// Streams: held for a while.
    pub stalled: u64,
    /// Streams: connections reset by the link.
    pub resets: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        self.datagrams += other.datagrams;
        self.bytes += other.bytes;
        self.lost += other.lost;
        self.cut += other.cut;
        self.queue_full += other.queue_full;
        self.duplicated += other.duplicated;
        self.reordered += other.reordered;
        self.corrupted += other.corrupted;
        self.delivered += other.delivered;
        self.delivered_bytes += other.delivered_bytes;
        self.split += other.split;
        self.merged += other.merged;
        self.stalled += other.stalled;
        self.resets += other.resets;
    }
}
