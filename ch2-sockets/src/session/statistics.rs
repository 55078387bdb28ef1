//! What a side has counted.

use std::time::Duration;

/// Counters of one side since it began, and what it knows of the way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Datagrams sent, of any kind.
    pub datagrams_sent: u64,
    /// Datagrams received, of any kind, from anybody.
    pub datagrams_received: u64,
    /// Blocks sent, each time counted.
    pub blocks_sent: u64,
    /// Blocks that were sent before.
    pub retransmissions: u64,
    /// Blocks received for the first time.
    pub blocks_received: u64,
    /// Blocks received again.
    pub duplicates: u64,
    /// Times that a retransmission timer fired.
    pub timeouts: u64,
    /// Datagrams that were not understood.
    pub malformed: u64,
    /// Datagrams refused: of no session, or over a limit.
    pub refused: u64,
    /// Requests (at a server) or responses (at a client) handed over.
    pub delivered: u64,
    /// SRTT of RFC 6298. At a server, of the session that was last heard of.
    pub smoothed_round_trip: Option<Duration>,
    /// Blocks that may be in flight. At a server, in the session that was last heard of.
    pub window: u64,
}
