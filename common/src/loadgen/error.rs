//! Why there was no simulation.

use std::io;

/// Why there was no simulation at all. What happens to a single client is a result and no error.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// The plan contradicts itself.
    #[error("this cannot be simulated: {0}")]
    Plan(&'static str),
    /// Every client needs a file descriptor, and the hard limit (`ulimit -Hn`) is too low for them.
    #[error(
        "{needed} file descriptors are needed and this process may have {limit}: raise the limit (ulimit -Hn) or take fewer clients"
    )]
    TooFewFiles {
        /// Descriptors for the clients and the event loops.
        needed: u64,
        /// The hard limit.
        limit: u64,
    },
    /// The operating system refused what the simulator itself needs.
    #[error("cannot {0}: {1}")]
    System(&'static str, #[source] io::Error),
}
