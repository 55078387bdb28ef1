//! What a server is to be like: its limits, its encoding, its stop, and what it counts.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::rpc::codec::{Format, Room};
use crate::rpc::intercept::Statistics;

/// The limits of a server.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of one message, in both directions.
    pub frame: usize,
    /// Bytes of unfinished requests and unread answers of all connections together, a frame at least.
    pub memory: usize,
    /// Calls of one connection in flight.
    pub calls: usize,
    /// Connections; others wait in the backlog.
    pub connections: usize,
    /// Connections of one address; further ones are told so and closed.
    pub connections_per_address: usize,
    /// From the accept to the first request.
    pub first_request: Duration,
    /// What an unfinished request gets; after that it must have come at a kilobyte a second.
    pub grace: Duration,
    /// With nothing in flight and nothing asked for so long, a connection is closed.
    pub idle: Duration,
    /// A peer that takes nothing of its answers for so long is disconnected.
    pub stall: Duration,
    /// How long a stop waits for calls in flight.
    pub stop: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            frame: 8 << 20,
            memory: 256 << 20,
            calls: 256,
            connections: 512,
            connections_per_address: 256,
            first_request: Duration::from_secs(30),
            grace: Duration::from_secs(10),
            idle: Duration::from_secs(300),
            stall: Duration::from_secs(30),
            stop: common::core::stop::LAST_WORDS,
        }
    }
}

/// A server, before it runs.
#[derive(Debug, Clone)]
pub struct Server {
    /// What it bears.
    pub limits: Limits,
    /// How messages are written.
    pub format: Format,
    /// Cancelled, it stops.
    pub stop: CancellationToken,
    /// Where unfinished requests and unread answers stay.
    pub room: Room,
    /// What it has done.
    pub statistics: Arc<Statistics>,
}

impl Server {
    /// With these limits.
    #[must_use]
    pub fn new(limits: Limits, format: Format) -> Server {
        let room = Room::new(limits.memory.max(limits.frame));
        Server { limits, format, stop: CancellationToken::new(), room, statistics: Arc::default() }
    }
}
