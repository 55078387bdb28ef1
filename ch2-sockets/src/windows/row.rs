//! A line of the table.

use std::fmt;
use std::time::Duration;

use crate::session::Statistics;
use common::support::cli::human;
use common::support::size;
use serde::Serialize;

/// What stands above the lines.
pub const HEAD: &str =
    "                                  goodput      time  datagrams  retransmitted  timeouts  round trip";

/// What one way to send has made of it.
#[derive(Debug, Serialize)]
pub struct WindowsRow {
    name: &'static str,
    /// Bytes of the message per second.
    goodput: f64,
    time_s: f64,
    /// Sent by the client, of any kind.
    datagrams: u64,
    /// Blocks (or, in the original protocol, PDUs) that were sent before.
    retransmissions: u64,
    timeouts: u64,
    smoothed_round_trip_s: Option<f64>,
}

impl WindowsRow {
    pub fn new(name: &'static str, bytes: usize, time: Duration, counted: &Statistics) -> WindowsRow {
        WindowsRow {
            name,
            goodput: bytes as f64 / time.as_secs_f64().max(1e-9),
            time_s: time.as_secs_f64(),
            datagrams: counted.datagrams_sent,
            retransmissions: counted.retransmissions,
            timeouts: counted.timeouts,
            smoothed_round_trip_s: counted.smoothed_round_trip.map(|time| time.as_secs_f64()),
        }
    }
}

impl fmt::Display for WindowsRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let goodput = format!("{}/s", size::human(self.goodput as u64));
        let millis = |seconds: f64| human(Duration::from_micros((seconds * 1e4).round() as u64 * 100));
        write!(
            f,
            "{:<28}{goodput:>13}{:>10}{:>11}{:>15}{:>10}{:>12}",
            self.name,
            millis(self.time_s),
            self.datagrams,
            self.retransmissions,
            self.timeouts,
            self.smoothed_round_trip_s.map_or("–".into(), millis),
        )
    }
}
