//! What a server holds at most; the [budget](super::budget) enforces it.
//!
//! ```text
//!                 a client (one IPv4 address, or one /64 of IPv6)      all clients
//! active sessions     64                                                 4096
//! idle sessions     1024                                               16 384       a few hundred bytes each
//! message bytes      256 MiB                                             1 GiB
//! ```

use std::time::Duration;

/// The longest request that the protocol knows, bytes.
pub const REQUEST_LIMIT: usize = 200 << 20;
/// The longest response, bytes: room for what a board puts before a text.
pub const RESPONSE_LIMIT: usize = REQUEST_LIMIT + 256;

/// What a server is ready to hold.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Longest request, bytes.
    pub request: usize,
    /// Longest response, bytes.
    pub response: usize,
    /// Sessions of one client in which something is going on.
    pub active_sessions_per_client: usize,
    /// The same, of all clients.
    pub active_sessions: usize,
    /// Sessions of one client between two requests, or kept only so that a late duplicate runs nothing twice.
    pub idle_sessions_per_client: usize,
    /// The same, of all clients.
    pub idle_sessions: usize,
    /// Bytes of messages held for one client.
    pub bytes_per_client: usize,
    /// Bytes of messages held for all.
    pub bytes: usize,
    /// A session without a datagram for so long has ended.
    pub idle_timeout: Duration,
    /// A token is valid for one to two of these.
    pub token_period: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            request: REQUEST_LIMIT,
            response: RESPONSE_LIMIT,
            active_sessions_per_client: 64,
            active_sessions: 4096,
            idle_sessions_per_client: 1024,
            idle_sessions: 16_384,
            bytes_per_client: 256 << 20,
            bytes: 1 << 30,
            idle_timeout: Duration::from_secs(30),
            token_period: Duration::from_secs(30),
        }
    }
}
