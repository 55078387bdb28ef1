//! When a loop must look at a connection although its socket is not ready: a streamed answer has its next piece then.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::os::fd::RawFd;
use std::time::{Duration, Instant};

/// Times of connections, the earliest first. A connection that is gone meanwhile costs its loop one look in vain.
#[derive(Debug, Default)]
pub struct Timers {
    times: BinaryHeap<Reverse<(Instant, RawFd)>>,
}

impl Timers {
    /// Connection `fd` is to be looked at `then`, if it wants to be.
    pub fn set(&mut self, fd: RawFd, then: Option<Instant>) {
        if let Some(then) = then {
            self.times.push(Reverse((then, fd)));
        }
    }

    /// How long the loop may wait: until the earliest time, and `most` at the most.
    #[must_use]
    pub fn timeout(&self, most: Duration) -> Duration {
        match self.times.peek() {
            Some(Reverse((then, _))) => then.saturating_duration_since(Instant::now()).min(most),
            None => most,
        }
    }

    /// A connection whose time has come.
    pub fn poll_due(&mut self, now: Instant) -> Option<RawFd> {
        match self.times.peek() {
            Some(Reverse((then, _))) if *then <= now => self.times.pop().map(|Reverse((_, fd))| fd),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_comes_first_and_none_before_its_time() {
        let now = Instant::now();
        let second = |count| now + Duration::from_secs(count);
        let mut timers = Timers::default();
        for (fd, then) in [(5, Some(second(2))), (6, None), (7, Some(second(1)))] {
            timers.set(fd, then);
        }
        assert!(timers.timeout(Duration::MAX) <= Duration::from_secs(1));
        assert_eq!(timers.timeout(Duration::ZERO), Duration::ZERO);
        assert_eq!(
            [now, second(1), second(1), second(9)].map(|now| timers.poll_due(now)),
            [None, Some(7), None, Some(5)]
        );
    }
}
