//! As NTP does it (RFC 5905): four readings, and of several exchanges the one with the least delay.
//!
//! ```text
//!   offset = ((t2 − t1) + (t3 − t4)) / 2          delay = (t4 − t1) − (t3 − t2)
//! ```
//!
//! The server's work is not in the delay, since both its readings are sent. The error is at most half the delay, so the exchange with the
//! least delay says most. An old one says less: clocks drift on meanwhile.

use super::asker::Sample;
use super::clock::{Nanos, apart};
use super::cristian::Estimate;

/// What the network took, there and back.
#[must_use]
pub fn delay(sample: &Sample) -> Nanos {
    (sample.t4 - sample.t1) - (sample.t3 - sample.t2)
}

/// By how much the asker is behind, as this exchange says.
#[must_use]
pub fn offset(sample: &Sample) -> Nanos {
    ((sample.t2 - sample.t1) + (sample.t3 - sample.t4)) / 2
}

/// The best of these exchanges, for use when the asker's clock shows `now`. `None`: there is none.
#[must_use]
pub fn estimate(samples: &[Sample], drift: Nanos, now: Nanos) -> Option<(Sample, Estimate)> {
    let bound = |sample: &Sample| delay(sample).max(0) / 2 + apart(drift, now - sample.t1);
    let best = samples.iter().min_by_key(|sample| bound(sample))?;
    Some((*best, Estimate { offset: offset(best), bound: bound(best), at: now }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_work_is_left_out_and_the_quickest_exchange_counts() {
        let quick = Sample { t1: 0, t2: 1010, t3: 1050, t4: 60 };
        assert_eq!((offset(&quick), delay(&quick)), (1000, 20));
        let slow = Sample { t1: 100, t2: 1180, t3: 1180, t4: 190 };
        let (best, estimate) = estimate(&[slow, quick], 0, 200).unwrap();
        assert_eq!((best, estimate.offset, estimate.bound), (quick, 1000, 10));
        assert_eq!(super::estimate(&[], 0, 0), None);
    }

    #[test]
    fn what_is_quick_and_old_may_say_less() {
        let old = Sample { t1: 0, t2: 0, t3: 0, t4: 20 };
        let new = Sample { t1: 1_000_000, t2: 1_000_000, t3: 1_000_000, t4: 1_000_040 };
        let best = |drift| estimate(&[old, new], drift, 1_000_040).unwrap().0;
        assert_eq!((best(0), best(100_000)), (old, new));
    }

    /// The lesson: half the difference of the two ways is in the estimate, and in none of the readings.
    #[test]
    fn two_worlds_that_differ_by_asymmetry_give_the_same_readings() {
        let world = |ahead: Nanos, up: Nanos, down: Nanos| {
            let (t1, t2) = (0, up + ahead);
            Sample { t1, t2, t3: t2, t4: t2 - ahead + down }
        };
        let (even, uneven) = (world(1000, 20, 20), world(1010, 10, 30));
        assert_eq!(even, uneven);
        assert_eq!((offset(&uneven) - 1010), (10 - 30) / 2);
    }
}
