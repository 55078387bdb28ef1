//! The limits of [`core::limits`](crate::core::limits) as options.

use std::io;
use std::time::Duration;

use clap::Args;

use super::duration;
use crate::core::budget::Budget;
use crate::core::limits::Timeouts;
use crate::support::size;

/// The limits on the command line of every server that stands on the core.
#[derive(Debug, Clone, Args)]
pub struct LimitArgs {
    /// A client that does not begin its first request for this long is disconnected; 0 is no limit
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "30s")]
    pub first_request: Duration,
    /// An unfinished request gets this long, and then must come at --min-rate or faster; 0 is no limit
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "10s")]
    pub grace: Duration,
    /// Bytes per second of an unfinished request, after its grace
    #[arg(long, value_name = "RATE", value_parser = size::rate, default_value = "1kB/s")]
    pub min_rate: u64,
    /// A client that asks nothing for this long after an answer is disconnected; 0 is no limit
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "5m")]
    pub idle: Duration,
    /// A client that takes nothing of its answer for this long is disconnected
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "30s")]
    pub stall: Duration,
    /// Memory for unfinished requests and unsent answers of all clients together; a client that finds no room is refused
    #[arg(long, value_name = "SIZE", value_parser = size::bytes, default_value = "256MiB")]
    pub memory: u64,
}

impl LimitArgs {
    /// The limits of time.
    #[must_use]
    pub fn timeouts(&self) -> Timeouts {
        let limit = |time: Duration| (!time.is_zero()).then_some(time);
        Timeouts {
            first_request: limit(self.first_request),
            grace: limit(self.grace),
            rate: self.min_rate,
            idle: limit(self.idle),
            stall: self.stall,
            ..Timeouts::default()
        }
    }

    /// The budget of memory, for this process and those forked from it.
    ///
    /// # Errors
    /// As [`Budget::shared`].
    pub fn budget(&self) -> io::Result<Budget> {
        Budget::shared(self.memory)
    }
}
