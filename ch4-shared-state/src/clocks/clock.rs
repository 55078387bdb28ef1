//! A clock that is wrong: a function of the real clock, so that the experiment knows by how much.

use std::time::Duration;

use rand::RngExt;
use rand::rngs::StdRng;

/// Nanoseconds on some clock, or between two readings.
pub type Nanos = i64;

/// A clock with an offset and a drift.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Clock {
    /// What it shows when the experiment begins, nanoseconds.
    pub offset: Nanos,
    /// Nanoseconds that it gains in a second, or loses. A quartz: some ten thousand, which is 10 ppm.
    pub drift: Nanos,
}

impl Clock {
    /// One that is right.
    pub const TRUE: Clock = Clock { offset: 0, drift: 0 };

    /// One that is wrong by at most so much.
    pub fn random(random: &mut StdRng, offset: Duration, drift: Nanos) -> Clock {
        let offset = nanos(offset);
        Clock { offset: random.random_range(-offset..=offset), drift: random.random_range(-drift..=drift) }
    }

    /// What it shows when so much real time has passed.
    #[must_use]
    pub fn read(&self, real: Duration) -> Nanos {
        let real = nanos(real);
        real + self.offset + (i128::from(real) * i128::from(self.drift) / 1_000_000_000) as Nanos
    }

    /// How much real time has passed when it shows this.
    #[must_use]
    pub fn when(&self, reading: Nanos) -> Nanos {
        const SECOND: i128 = 1_000_000_000;
        (i128::from(reading - self.offset) * SECOND / (SECOND + i128::from(self.drift))) as Nanos
    }

    /// Sets it forward, or back.
    pub fn adjust(&mut self, by: Nanos) {
        self.offset += by;
    }
}

/// A duration as nanoseconds.
#[must_use]
pub fn nanos(duration: Duration) -> Nanos {
    duration.as_nanos().try_into().unwrap_or(Nanos::MAX)
}

/// How far two clocks with at most this drift each may come apart in this time.
#[must_use]
pub fn apart(drift: Nanos, time: Nanos) -> Nanos {
    (2 * i128::from(drift) * i128::from(time.max(0)) / 1_000_000_000) as Nanos
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_off_and_drifts() {
        let clock = Clock { offset: -5, drift: 100_000 };
        assert_eq!(clock.read(Duration::ZERO), -5);
        assert_eq!(clock.read(Duration::from_secs(10)), 10_000_000_000 - 5 + 1_000_000);
        assert!((clock.when(clock.read(Duration::from_secs(10))) - 10_000_000_000).abs() <= 1);
        assert_eq!(apart(100_000, 10_000_000_000), 2_000_000);
    }
}
