//! Why there was no simulation.

use std::io;

use crate::support::count::count;

/// Why there was no simulation at all. What happens to a single client is a result and no error.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// The plan contradicts itself.
    #[error("this cannot be simulated: {0}")]
    Plan(&'static str),
    /// Every client needs a file descriptor, and the hard limit (`ulimit -Hn`) is too low for them.
    #[error(
        "{} and the simulator need {needed} open files; this process may have {limit} (ulimit -Hn), room for {}: take fewer, or raise the limit",
        count(*clients, "client"),
        count(clients.saturating_sub(needed.saturating_sub(*limit)), "client")
    )]
    TooFewFiles {
        /// How many were to be simulated.
        clients: u64,
        /// Descriptors for the clients and the event loops.
        needed: u64,
        /// The hard limit.
        limit: u64,
    },
    /// The operating system refused what the simulator itself needs.
    #[error("cannot {0}: {1}")]
    System(&'static str, #[source] io::Error),
}
