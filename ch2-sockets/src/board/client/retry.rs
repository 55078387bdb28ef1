//! How long an answer is waited for, and how often the request is repeated.

use std::time::Duration;

use common::core::stop::Stop;

/// How long and how often.
#[derive(Debug, Clone, Copy)]
pub struct RetryPolicy {
    /// How long one answer is waited for.
    pub timeout: Duration,
    /// How often the request is repeated.
    pub retries: u32,
    /// What ends every wait.
    pub stop: Stop,
}

impl RetryPolicy {
    /// How long there may be silence in all.
    pub fn total(&self) -> Duration {
        self.timeout.saturating_mul(self.retries.saturating_add(1))
    }
}
