//! What a relay did: the [`Counts`] of both directions, for each carrier.

use super::counts::Counts;

/// What one carrier did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// From clients to the server.
    pub up: Counts,
    /// Back.
    pub down: Counts,
    /// Clients (UDP) or connections (TCP) that were served.
    pub flows: u64,
    /// Datagrams or connections of clients for which there was no room.
    pub turned_away: u64,
}

impl Totals {
    pub(super) fn add(&mut self, up: &Counts, down: &Counts) {
        self.up += *up;
        self.down += *down;
    }
}

/// What a relay did, by carrier; `None` where it was off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// Datagrams.
    pub udp: Option<Totals>,
    /// Connections.
    pub tcp: Option<Totals>,
}
