//! A connected peer.

use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};

/// A connected peer. Identifies one connection from accept to close.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Where the peer's end of the connection is bound: what people read. The port tells the connections of one host apart,
    /// also in the simulator's records.
    pub address: SocketAddr,
    /// Which connection it is: what a service keeps its clients by.
    pub id: PeerId,
}

impl Peer {
    /// A peer that has just connected from `address`.
    #[must_use]
    pub fn new(address: SocketAddr) -> Peer {
        static CONNECTIONS: AtomicU64 = AtomicU64::new(0);
        Peer { address, id: PeerId(CONNECTIONS.fetch_add(1, Ordering::Relaxed)) }
    }
}

/// Tells one connection from every other of this process, in the order of their accepts.
///
/// An address does not: a client that dies and comes again at once may have the port that it had, and a server with several
/// threads may accept the new connection before it has seen the end of the old one. A service that keeps its clients by address
/// then forgets the new one when the old one leaves, or lets the last request of the old one act for the new one.
///
/// ```text
///   id 7, port 40001:  accept ──── dies ┈┈┈┈┈┈┈┈┈┈┈ its last request is handled ┈┈ its end is seen: 7 leaves
///   id 8, port 40001:                    accept ─────────────────────────────────────────────────── 8 stays
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub u64);

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}
