//! How long operations took, counted.

use std::time::Duration;

use common::loadgen;
use hdrhistogram::Histogram;

/// How long operations took.
#[derive(Debug)]
pub struct Tally(pub Histogram<u64>);

impl Default for Tally {
    fn default() -> Tally {
        Tally(loadgen::histogram())
    }
}

impl Tally {
    /// One that took so long.
    pub fn add(&mut self, time: Duration) {
        self.0.saturating_record(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Half of them took no longer, µs.
    pub fn typical_us(&self) -> f64 {
        self.0.value_at_quantile(0.5) as f64 / 1e3
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// Takes those of another, too.
    pub fn join(&mut self, other: &Tally) {
        self.0.add(&other.0).expect("both have the same bounds");
    }
}
