//! When a call is repeated: not for ever, not at once, not all together, and not more than the server can bear.
//!
//! ```text
//!   attempt 1 ✗ ── pause up to 20 ms ── 2 ✗ ── up to 40 ms ── 3 ✗ ── up to 80 ms ── 4 ✗   the error
//! ```
//!
//! The pause doubles, and each is a random part of it (jitter): clients that have failed together do not come back together.
//!
//! The budget is for the case that everything fails. Each repetition costs a token and ten successes earn one. So a server that is in
//! trouble gets a tenth more calls, and not four times as many.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// So many repetitions at once before the budget is used up.
const TOKENS: u32 = 10;

/// So many successes earn one token.
const SUCCESSES: u32 = 10;

/// When a call is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How often a call is sent, at most; 1 is never again.
    pub attempts: u32,
    /// The longest pause after the first attempt; it doubles after each.
    pub pause: Duration,
    /// No pause is longer.
    pub longest_pause: Duration,
}

impl Default for RetryPolicy {
    fn default() -> RetryPolicy {
        RetryPolicy { attempts: 4, pause: Duration::from_millis(20), longest_pause: Duration::from_secs(1) }
    }
}

impl RetryPolicy {
    /// Each call is sent once. For a front: the caller at the begin of the chain repeats, and if each link did so too, the last
    /// server would get the product.
    pub const NEVER: RetryPolicy =
        RetryPolicy { attempts: 1, pause: Duration::ZERO, longest_pause: Duration::ZERO };

    /// The pause after so many attempts; `jitter` is a random number from 0 to 1. `None`: no further one.
    #[must_use]
    pub fn pause(&self, attempt: u32, jitter: f64) -> Option<Duration> {
        if attempt >= self.attempts {
            return None;
        }
        let doubled = self.pause.saturating_mul(2u32.saturating_pow(attempt - 1));
        Some(doubled.min(self.longest_pause).mul_f64(jitter.clamp(0.0, 1.0)))
    }
}

/// The repetitions that all calls of a stub may have together.
#[derive(Debug)]
pub struct Budget {
    /// In parts of a token: a success earns one part.
    parts: Mutex<u32>,
}

impl Budget {
    /// Full.
    pub fn new() -> Budget {
        Budget { parts: Mutex::new(TOKENS * SUCCESSES) }
    }

    /// A call has had its result.
    pub fn succeeded(&self) {
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        *parts = (*parts + 1).min(TOKENS * SUCCESSES);
    }

    /// Takes a token, if there is one.
    pub fn withdraw(&self) -> bool {
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        let rest = parts.checked_sub(SUCCESSES);
        *parts = rest.unwrap_or(*parts);
        rest.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_have_an_end() {
        let policy = RetryPolicy {
            attempts: 6,
            pause: Duration::from_millis(20),
            longest_pause: Duration::from_millis(100),
        };
        let pauses: Vec<u128> =
            (1..).map_while(|attempt| policy.pause(attempt, 1.0)).map(|pause| pause.as_millis()).collect();
        assert_eq!(pauses, [20, 40, 80, 100, 100]);
        assert_eq!(policy.pause(2, 0.25), Some(Duration::from_millis(10)));
        assert_eq!(RetryPolicy::NEVER.pause(1, 1.0), None);
        let endless = RetryPolicy { attempts: u32::MAX, ..policy };
        assert_eq!(endless.pause(1_000_000, 1.0), Some(Duration::from_millis(100)));
    }

    #[test]
    fn what_always_fails_is_repeated_ten_times_and_then_a_tenth_as_often() {
        let budget = Budget::new();
        assert_eq!((0..100).filter(|_| budget.withdraw()).count(), 10);
        let mut repeated = 0;
        for _ in 0..1000 {
            budget.succeeded();
            repeated += usize::from(budget.withdraw());
        }
        assert_eq!(repeated, 100);
        (0..10_000).for_each(|_| budget.succeeded());
        assert_eq!((0..100).filter(|_| budget.withdraw()).count(), 10, "it does not grow without end");
    }
}
