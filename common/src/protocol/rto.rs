//! The retransmission timer: how long to wait for an acknowledgement. RFC 6298.
//!
//! ```text
//! first sample R:   SRTT ← R                       RTTVAR ← R/2
//! each other:       RTTVAR ← ¾·RTTVAR + ¼·|SRTT−R|   SRTT ← ⅞·SRTT + ⅛·R
//! timeout:          RTO = SRTT + max(10 ms, 4·RTTVAR), doubled after each timeout in a row
//! ```
//!
//! Two differences from the RFC. Karn's rule, no sample from what was sent twice, has nothing to do: each transmission has a
//! sequence of its own, so that an acknowledgement says which one it saw. And the minimum is 20 ms where the RFC has 1 s (Linux
//! has 200 ms): a timer that fires too early costs one datagram here, and one that fires late costs a lossy link all its time.

use std::time::Duration;

/// Before the first sample. RFC 6298 says 1 s; a lost first datagram would be felt.
pub const INITIAL: Duration = Duration::from_millis(300);
/// Never less.
pub const MINIMUM: Duration = Duration::from_millis(20);
/// Never more, however often it was doubled. The RFC allows no less than 60 s; but here a side gives up after 10 s of silence, and
/// should have tried a few times by then.
pub const MAXIMUM: Duration = Duration::from_secs(1);

/// G of the RFC: by so much a program may be late that shares its processor with others.
const GRANULARITY: Duration = Duration::from_millis(10);

/// A program that shares its processor is often late by this much, and it means nothing.
pub const SCHEDULER: Duration = Duration::from_millis(2);

/// Estimates of the round trip.
#[derive(Debug, Clone, Copy, Default)]
pub struct RoundTrip {
    estimate: Option<Estimate>,
}

#[derive(Debug, Clone, Copy)]
struct Estimate {
    smoothed: Duration,
    variation: Duration,
    minimum: Duration,
}

impl RoundTrip {
    /// Takes one measured round trip in.
    pub fn sample(&mut self, measured: Duration) {
        self.estimate = Some(match self.estimate {
            None => Estimate { smoothed: measured, variation: measured / 2, minimum: measured },
            Some(Estimate { smoothed, variation, minimum }) => Estimate {
                variation: (variation * 3 + smoothed.abs_diff(measured)) / 4,
                smoothed: (smoothed * 7 + measured) / 8,
                minimum: minimum.min(measured),
            },
        });
    }

    /// SRTT, once there was a sample.
    pub fn smoothed(&self) -> Option<Duration> {
        self.estimate.map(|estimate| estimate.smoothed)
    }

    /// How much longer than the shortest the round trip has become, if that is more than its usual variation: a queue that
    /// is filling. Zero if not.
    pub fn growth(&self) -> Duration {
        let Some(Estimate { smoothed, variation, minimum }) = self.estimate else { return Duration::ZERO };
        let growth = smoothed - minimum;
        if growth > 4 * variation { growth } else { Duration::ZERO }
    }

    /// How long to wait for an acknowledgement of the last flight before asking for one: two round trips (RFC 8985, section 7.2), and
    /// what a scheduler may take.
    pub fn probe(&self) -> Duration {
        self.estimate.map_or(INITIAL, |estimate| 2 * estimate.smoothed + SCHEDULER)
    }

    /// How long to wait after `timeouts` timeouts in a row.
    pub fn timeout(&self, timeouts: u32) -> Duration {
        let once = match self.estimate {
            None => INITIAL,
            Some(Estimate { smoothed, variation, .. }) => smoothed + GRANULARITY.max(4 * variation),
        };
        (once.clamp(MINIMUM, MAXIMUM) * (1 << timeouts.min(10))).min(MAXIMUM)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn milliseconds(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    #[test]
    fn the_formulas_of_the_rfc() {
        let mut round_trip = RoundTrip::default();
        assert_eq!(round_trip.timeout(0), INITIAL);
        round_trip.sample(milliseconds(100));
        assert_eq!(round_trip.smoothed(), Some(milliseconds(100)));
        assert_eq!(round_trip.timeout(0), milliseconds(300));
        round_trip.sample(milliseconds(180));
        // RTTVAR = (3·50 + 80) / 4 = 57.5, SRTT = (7·100 + 180) / 8 = 110
        assert_eq!(round_trip.smoothed(), Some(milliseconds(110)));
        assert_eq!(round_trip.timeout(0), milliseconds(340));
        assert_eq!(round_trip.timeout(1), milliseconds(680));
        assert_eq!(round_trip.timeout(60), MAXIMUM);
    }

    #[test]
    fn the_timeout_stays_within_its_bounds() {
        let mut round_trip = RoundTrip::default();
        for _ in 0..100 {
            round_trip.sample(Duration::from_micros(50));
        }
        assert_eq!(round_trip.timeout(0), MINIMUM);
        assert_eq!(round_trip.timeout(1), 2 * MINIMUM);
        round_trip.sample(Duration::from_secs(60));
        assert_eq!(round_trip.timeout(0), MAXIMUM);
    }

    #[test]
    fn growth_is_seen_only_above_the_noise() {
        let mut round_trip = RoundTrip::default();
        for index in 0..200 {
            round_trip.sample(milliseconds(40 + index % 2 * 10));
        }
        assert_eq!(round_trip.growth(), Duration::ZERO);
        for _ in 0..200 {
            round_trip.sample(milliseconds(90));
        }
        assert!(round_trip.growth() > milliseconds(45));
    }
}
