//! Cristian's algorithm (1989): ask once, and add half of the time that it took.
//!
//! ```text
//!   t1 ─────────────── round trip ─────────────── t4
//!        ≥ least                        ≥ least           the server's answer was made somewhere between
//! ```
//!
//! When the answer came, the server's clock showed at least `t3 + least` and at most `t3 + round trip − least`. The middle is wrong by at
//! most half the round trip, less what each way takes at least.

use super::asker::Sample;
use super::clock::{Nanos, apart};

/// By how much an asker's clock is behind, and how wrong that may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Estimate {
    /// What is to be added to the asker's clock.
    pub offset: Nanos,
    /// The true offset is at most so far from it.
    pub bound: Nanos,
    /// When that was so, by the asker's clock.
    pub at: Nanos,
}

/// The estimate of one exchange. `least` is what each way is known to take at least, and `drift` what each clock gains at most in a
/// second.
#[must_use]
pub fn estimate(sample: &Sample, least: Nanos, drift: Nanos) -> Estimate {
    let round_trip = sample.t4 - sample.t1;
    let offset = sample.t3 + round_trip / 2 - sample.t4;
    let bound = (round_trip / 2 - least).max(0) + apart(drift, round_trip);
    Estimate { offset, bound, at: sample.t4 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_the_round_trip_is_added() {
        // The server is 1000 ahead; 10 up, 10 down.
        let sample = Sample { t1: 0, t2: 1010, t3: 1010, t4: 20 };
        assert_eq!(estimate(&sample, 0, 0), Estimate { offset: 1000, bound: 10, at: 20 });
        assert_eq!(estimate(&sample, 8, 0).bound, 2);
    }

    #[test]
    fn work_at_the_server_is_taken_for_the_network() {
        let sample = Sample { t1: 0, t2: 1010, t3: 1050, t4: 60 };
        let estimate = estimate(&sample, 0, 0);
        assert_eq!((estimate.offset, estimate.bound), (1020, 30));
    }
}
