//! What every program of the course says and asks in the same way: the log level, durations.

use std::time::Duration;

use clap::Args;
use tracing::Level;

/// How much is logged, on stderr.
#[derive(Debug, Clone, Args)]
pub struct LogArgs {
    /// What is logged, on stderr: error, warn, info, debug or trace
    #[arg(long, global = true, value_name = "LEVEL", default_value = "info")]
    log: Level,
}

impl LogArgs {
    /// Starts logging.
    pub fn start(&self) {
        crate::log::start(self.log);
    }
}

/// Reads a duration with its unit: `500ms`, `15s`.
///
/// # Errors
/// A sentence for the user.
pub fn duration(text: &str) -> Result<Duration, String> {
    let split = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let seconds = match unit {
        "us" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" => 60.0,
        _ => return Err("a duration has a unit: 500ms, 15s".into()),
    };
    let number: f64 = number.parse().map_err(|_| format!("{number:?} is not a number"))?;
    Duration::try_from_secs_f64(number * seconds).map_err(|error| error.to_string())
}

/// Writes a duration so that [`duration`] reads it.
#[must_use]
pub fn human(time: Duration) -> String {
    format!("{}us", time.as_micros())
}
