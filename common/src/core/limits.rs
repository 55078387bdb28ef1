//! How long and how much: the limits that a server keeps for every connection.
//!
//! ```text
//!   accept ── first_request ──► a request begins ── grace, then rate ──► whole ── handled ──► stall ──► sent ── idle ──► …
//!                                                                                              our end ── linger ──► closed
//! ```
//!
//! A clock starts when a worker takes the connection, not while it waits in the backlog. Limits hold within one [`TICK`]:
//! blocking models wake once a tick, loops look at all their connections once a tick. A handler is never interrupted.

use std::num::NonZeroUsize;
use std::time::Duration;

use crate::core::budget::Budget;

/// How often a model looks for connections whose time is over.
pub const TICK: Duration = Duration::from_millis(500);

/// How much is read and dropped from a client after we have ended, before it is closed. More is no honest rest of a request.
pub const LINGER_BYTES: usize = 16 * 1024 * 1024;

/// The time limits of one connection. `None` is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// From the begin of service to the first byte of the first request.
    pub first_request: Option<Duration>,
    /// What an unfinished request gets before it must make progress, and the longest pause in it.
    pub grace: Option<Duration>,
    /// The progress that it must make then, bytes per second, at least 1. Each byte buys `1 / rate` seconds, never more than
    /// the grace in advance: so a byte a second is no progress, and a slow upload of any length is.
    pub rate: u64,
    /// Between two requests.
    pub idle: Option<Duration>,
    /// A client that takes no byte of its answer for this long is disconnected.
    pub stall: Duration,
    /// How long a client has to end its side after we have ended ours (see
    /// [`AfterAnswer::Close`](crate::core::service::AfterAnswer::Close)).
    pub linger: Duration,
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        Timeouts {
            first_request: Some(Duration::from_secs(30)),
            grace: Some(Duration::from_secs(10)),
            rate: 1000,
            idle: Some(Duration::from_secs(300)),
            stall: Duration::from_secs(30),
            linger: Duration::from_secs(1),
        }
    }
}

impl Timeouts {
    /// The same without the limits on what a client has to say: for services whose clients may stay and be silent.
    #[must_use]
    pub fn for_silent_clients(self) -> Timeouts {
        Timeouts { first_request: None, idle: None, ..self }
    }
}

/// All limits of a server.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Time, for each connection. A service may change it: see [`Service::timeouts`](crate::core::service::Service::timeouts).
    pub timeouts: Timeouts,
    /// Most connections that a model with queues keeps in hand; the others wait in the backlog.
    pub connections: NonZeroUsize,
    /// Memory for unfinished requests and unsent answers, of all connections together.
    pub budget: Budget,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            timeouts: Timeouts::default(),
            connections: const { NonZeroUsize::new(4096).expect("it is not zero") },
            budget: Budget::unlimited(),
        }
    }
}
