//! The time.

use std::time::{Duration, Instant};

/// The time, as an argument: one clock for what is to be waited for, one for what is written down.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    /// For deadlines.
    pub instant: Instant,
    /// Since 1970.
    pub unix: Duration,
}
