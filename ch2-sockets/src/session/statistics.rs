//! What a side has counted.

use std::ops::AddAssign;
use std::time::Duration;

use super::receiver::Outcome;

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

impl Statistics {
    /// Counts a block that has come.
    pub fn count_block(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::New => self.blocks_received += 1,
            Outcome::Duplicate => self.duplicates += 1,
            Outcome::Stray => self.malformed += 1,
        }
    }
}

/// Adds the counters; what is known of one path is not a sum.
impl AddAssign<&Statistics> for Statistics {
    fn add_assign(&mut self, other: &Statistics) {
        self.datagrams_sent += other.datagrams_sent;
        self.datagrams_received += other.datagrams_received;
        self.blocks_sent += other.blocks_sent;
        self.retransmissions += other.retransmissions;
        self.blocks_received += other.blocks_received;
        self.duplicates += other.duplicates;
        self.timeouts += other.timeouts;
        self.malformed += other.malformed;
        self.refused += other.refused;
        self.delivered += other.delivered;
    }
}
