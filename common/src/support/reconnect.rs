//! When a client connects again after its connection has broken: soon, then less and less often, and not for ever.
//!
//! ```text
//!   broken ── 100..200 ms ── try ── 200..400 ms ── try ── 400..800 ms ── … ── 2.5..5 s ── try ── … ── over after --reconnect-for
//! ```
//!
//! **Why longer each time?** A server that has just started must not be stopped again by a thousand clients that try at once.
//! **Why at random?** They have all lost it in the same moment, and would all come back in the same moment (jitter).

use std::time::{Duration, Instant};

use clap::Args;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::support::connect::timeout;

/// The longest first wait.
pub const FIRST_WAIT: Duration = Duration::from_millis(200);
/// No wait is longer.
pub const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Whether and for how long a client connects again.
#[derive(Debug, Clone, Args)]
pub struct ReconnectArgs {
    /// End when the connection breaks, and do not connect again: for scripts that must see it
    #[arg(long, conflicts_with = "reconnect_for")]
    pub no_reconnect: bool,
    /// Try for so long to connect again when the connection breaks. The waits between two tries grow from 0.2s to 5s
    #[arg(long, value_name = "TIME", value_parser = timeout, default_value = "5m")]
    pub reconnect_for: Duration,
}

impl ReconnectArgs {
    /// The waits, or `None` with `--no-reconnect`.
    #[must_use]
    pub fn backoff(&self) -> Option<Backoff> {
        (!self.no_reconnect).then(|| Backoff::new(self.reconnect_for, rand::random()))
    }
}

/// The waits between the tries, sans-I/O.
#[derive(Debug)]
pub struct Backoff {
    limit: Duration,
    wait: Duration,
    broken: Option<Instant>,
    random: StdRng,
}

impl Backoff {
    /// Tries end `limit` after the connection has broken. The same seed waits for the same times.
    #[must_use]
    pub fn new(limit: Duration, seed: u64) -> Backoff {
        Backoff { limit, wait: FIRST_WAIT, broken: None, random: StdRng::seed_from_u64(seed) }
    }

    /// The connection has broken, or a try has failed: how long to wait before the next try. `None`: it has lasted too long.
    pub fn failed(&mut self, now: Instant) -> Option<Duration> {
        let broken = *self.broken.get_or_insert(now);
        let left = self.limit.checked_sub(now.saturating_duration_since(broken))?;
        let wait = self.random.random_range(self.wait / 2..=self.wait);
        self.wait = (self.wait * 2).min(LONGEST_WAIT);
        Some(wait.min(left)).filter(|wait| !wait.is_zero())
    }

    /// The server is there again and has answered. To be accepted is not enough: a server that accepts and ends at once would be
    /// asked without a pause. Whether it was gone before.
    pub fn succeeded(&mut self) -> bool {
        self.wait = FIRST_WAIT;
        self.broken.take().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_waits_grow_differ_and_end() {
        let waits = |seed| {
            let (mut backoff, mut now, mut waits) =
                (Backoff::new(Duration::from_secs(60), seed), Instant::now(), Vec::new());
            let begin = now;
            while let Some(wait) = backoff.failed(now) {
                now += wait;
                waits.push(wait);
            }
            assert_eq!(now - begin, Duration::from_secs(60), "no longer, no shorter");
            waits
        };
        let one = waits(1);
        for (number, wait) in one[..one.len() - 1].iter().enumerate() {
            let longest = (FIRST_WAIT * 2_u32.pow(number.min(10) as u32)).min(LONGEST_WAIT);
            assert!(*wait >= longest / 2 && *wait <= longest, "{number}: {wait:?}");
        }
        assert!(one.len() < 30, "{} tries", one.len());
        assert_eq!(one, waits(1));
        assert_ne!(one, waits(2));
    }

    #[test]
    fn after_an_answer_it_begins_with_short_waits_again() {
        let mut backoff = Backoff::new(Duration::from_secs(60), 1);
        let now = Instant::now();
        for _ in 0..10 {
            backoff.failed(now);
        }
        assert!(backoff.succeeded() && !backoff.succeeded());
        assert!(backoff.failed(now + Duration::from_secs(100)).is_some_and(|wait| wait <= FIRST_WAIT));
    }
}
