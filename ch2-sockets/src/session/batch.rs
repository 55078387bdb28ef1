//! What one system call can send: datagrams of one size to one address, back to back.
//!
//! ```text
//! bytes   ┌───────────┬───────────┬───────────┬──────┐
//!         │ datagram  │ datagram  │ datagram  │ last │        to: 192.0.2.7:7777
//!         └───────────┴───────────┴───────────┴──────┘
//!          ◀ segment ▶                         ≤ segment
//! ```
//!
//! This is the shape of Linux's UDP_SEGMENT (generic segmentation offload, udp(7)): the kernel takes the whole through its
//! layers once and cuts it at the very end, which is what makes UDP fast. Where there is no such thing, a loop over
//! [`Batch::datagrams`] sends them one by one.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// The most bytes in a batch: what fits one IP packet before it is cut.
pub const BATCH_BYTES: usize = 65_000;

/// The most datagrams in a batch: UDP_MAX_SEGMENTS of Linux before 6.9.
pub const BATCH_DATAGRAMS: usize = 64;

/// Datagrams to one address. Make one and use it again and again: its memory is kept.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Where they go.
    pub to: SocketAddr,
    /// Bytes of each datagram; the last may be shorter.
    pub segment: usize,
    /// The datagrams, back to back; at most [`BATCH_BYTES`].
    pub bytes: Vec<u8>,
}

impl Batch {
    /// An empty one with room for the longest.
    pub fn new() -> Batch {
        Batch {
            to: SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0),
            segment: 0,
            bytes: Vec::with_capacity(BATCH_BYTES),
        }
    }

    /// The datagrams one by one.
    pub fn datagrams(&self) -> impl Iterator<Item = &[u8]> {
        self.bytes.chunks(self.segment.max(1))
    }

    /// Empties it for datagrams of up to `segment` bytes to `to`.
    pub(super) fn begin(&mut self, to: SocketAddr, segment: usize) {
        self.to = to;
        self.segment = segment;
        self.bytes.clear();
    }

    /// Makes it one datagram.
    pub(super) fn single(&mut self, to: SocketAddr, datagram: &[u8]) {
        self.begin(to, datagram.len());
        self.bytes.extend_from_slice(datagram);
    }
}

impl Default for Batch {
    fn default() -> Batch {
        Batch::new()
    }
}

/// The datagrams that came together: `segment` bytes each, the last may be shorter. An empty datagram is one, too.
pub(super) fn split(segment: usize, bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let empty = bytes.is_empty().then_some(bytes);
    empty.into_iter().chain(bytes.chunks(segment.max(1)))
}
