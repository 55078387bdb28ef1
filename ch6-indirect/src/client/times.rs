//! How long messages took, from the moment at which they were to be sent.
//!
//! A generator that waits before it sends, because the server is slow, must count that wait: otherwise the slowest moments of a server
//! are those that are measured least ("coordinated omission").

use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

use hdrhistogram::Histogram;

/// What took longer counts as this: a minute.
const LONGEST_NS: u64 = 60_000_000_000;

/// The times of messages that were sent, and how long those took that came.
#[derive(Debug)]
pub struct Times {
    /// When message `first` and those behind it were to be sent, nanoseconds from some moment.
    starts: VecDeque<u64>,
    first: u64,
    took: Histogram<u64>,
}

impl Default for Times {
    fn default() -> Times {
        let took = Histogram::new_with_bounds(1, LONGEST_NS, 3).expect("the bounds are in order");
        Times { starts: VecDeque::new(), first: 0, took }
    }
}

impl Times {
    /// The next message was to be sent at that time.
    pub fn started(&mut self, at_ns: u64) {
        self.starts.push_back(at_ns);
    }

    /// These messages have come, now. Each comes once, in any order.
    pub fn came(&mut self, numbers: Range<u64>, now_ns: u64) {
        for number in numbers {
            let Some(place) = number.checked_sub(self.first).and_then(|place| usize::try_from(place).ok())
            else {
                continue;
            };
            if let Some(start) = self.starts.get_mut(place).filter(|start| **start != u64::MAX) {
                self.took.saturating_record(now_ns.saturating_sub(*start));
                *start = u64::MAX;
            }
        }
        while self.starts.front() == Some(&u64::MAX) {
            self.starts.pop_front();
            self.first += 1;
        }
    }

    /// Forgets what has come so far: the warm-up is over.
    pub fn warm(&mut self) {
        self.took.reset();
    }

    /// How many have come.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.took.len()
    }

    /// So many of a hundred took no longer than this, microseconds.
    #[must_use]
    pub fn percentile_us(&self, percent: f64) -> f64 {
        self.took.value_at_quantile(percent / 100.0) as f64 / 1e3
    }

    /// The longest, microseconds.
    #[must_use]
    pub fn max_us(&self) -> f64 {
        self.took.max() as f64 / 1e3
    }
}

/// Nanoseconds as the histogram has them.
#[must_use]
pub fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_from_the_start_of_its_own_message() {
        let mut times = Times::default();
        for start in [0, 1000, 2000] {
            times.started(start);
        }
        times.came(1..3, 5000);
        assert_eq!((times.count(), times.max_us().round()), (2, 4.0));
        times.came(0..1, 50_000);
        assert_eq!((times.count(), times.max_us().round()), (3, 50.0));
        times.started(60_000);
        times.came(3..4, 61_000);
        assert_eq!(times.percentile_us(1.0), 1.0);
        times.warm();
        assert_eq!(times.count(), 0);
    }
}
