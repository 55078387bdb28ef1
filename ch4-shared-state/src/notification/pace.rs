//! How often all are notified, at most: a round of notifications costs a system call and an answer per client, whether it brings one
//! message or fifty.
//!
//! ```text
//!   messages   │ │  │             ││││││││││││││││││││││││││
//!   rounds     │ │  │             ││││││││││││ │   │   │   │      at once, until [`BURST`] rounds were too close together;
//!                                              └─15 ms ┘          then one per interval, with all that has come meanwhile
//! ```
//!
//! Whoever types never waits. Under hundreds of messages a second an interval's worth of delay saves most of the work, which is what
//! network cards do with their interrupts; under tens of thousands there are so many messages in a round anyway that none is too
//! early. The price is paid by who publishes one, waits until all have it, and publishes the next, hundreds of times. (It is the generic cell rate algorithm of ATM, also known as the
//! leaky bucket, which needs one point in time for its state.)

use std::time::{Duration, Instant};

/// So many rounds may come closer together than the interval.
pub const BURST: u32 = 20;

/// When the next round may be.
#[derive(Debug)]
pub struct Pace {
    interval: Duration,
    /// When the bucket will have run dry.
    dry_at: Option<Instant>,
}

impl Pace {
    /// One round per interval in the long run; zero: as many as there are messages.
    pub fn new(interval: Duration) -> Pace {
        Pace { interval, dry_at: None }
    }

    /// Whether a round may be now; if so, it is counted.
    ///
    /// # Errors
    /// The time at which it may be.
    pub fn take(&mut self, now: Instant) -> Result<(), Instant> {
        let dry_at = self.dry_at.map_or(now, |dry_at| dry_at.max(now));
        let allowance = self.interval * BURST;
        match dry_at.checked_duration_since(now + allowance) {
            Some(early) if !early.is_zero() => Err(now + early),
            _ => {
                self.dry_at = Some(dry_at + self.interval);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_millis(5);

    /// How many rounds there are for messages `gap` apart, `count` of them, when every refused round is made up for in time.
    fn rounds(gap: Duration, count: u32) -> u32 {
        let start = Instant::now();
        let (mut pace, mut rounds, mut due) = (Pace::new(INTERVAL), 0, None);
        for message in 0..count {
            let now = start + gap * message;
            if let Some(at) = due
                && at <= now
            {
                pace.take(at).unwrap();
                rounds += 1;
                due = None;
            }
            if due.is_none() {
                match pace.take(now) {
                    Ok(()) => rounds += 1,
                    Err(at) => due = Some(at),
                }
            }
        }
        rounds
    }

    #[test]
    fn who_is_slow_never_waits_and_who_is_fast_gets_a_round_per_interval() {
        assert_eq!(rounds(INTERVAL, 1000), 1000);
        assert_eq!(rounds(Duration::ZERO, 1000), BURST + 1);
        let fast = rounds(INTERVAL / 10, 10_000);
        assert!((1000..1000 + 2 * BURST).contains(&fast), "{fast}");
    }

    #[test]
    fn an_interval_of_zero_is_no_limit() {
        let mut pace = Pace::new(Duration::ZERO);
        let now = Instant::now();
        assert!((0..1000).all(|_| pace.take(now).is_ok()));
    }
}
