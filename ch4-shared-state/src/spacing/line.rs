//! The messages that are held back for one client, and when the last one has really left.
//!
//! ```text
//!   due      a     b     c                          in time
//!   alarm             ▲a,b,c? no:  ▲a    ▲b    ▲c   it came late, and begins anew with the gap
//! ```
//!
//! On a busy machine the alarm's thread may get a processor when several of its calls are due, and the connection's driver when
//! several messages are there. Without a second look they would leave together, the very thing that is to be avoided.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use common::core::outbox::Outbox;

use super::MOST_GAPS;

/// One client's.
pub(super) struct Line {
    outbox: Outbox,
    pub(super) gap: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    held: usize,
    /// When the last message left.
    left: Option<Instant>,
}

impl Line {
    pub(super) fn new(outbox: Outbox, gap: Duration) -> Line {
        Line { outbox, gap, state: Mutex::default() }
    }

    /// Whether a message that is due then leaves at once; if so, that is noted.
    pub(super) fn leaves_now(&self, due: Instant, now: Instant) -> bool {
        let mut state = self.state();
        let leaves = due <= now && state.held == 0;
        if leaves {
            state.left = Some(now);
        }
        leaves
    }

    /// One more is held back.
    pub(super) fn hold(&self) {
        self.state().held += 1;
    }

    /// It was to leave at `due`. Lets it go, unless the last one has left too late.
    ///
    /// # Errors
    /// When to come again.
    pub(super) fn let_go(&self, due: Instant, now: Instant) -> Result<(), Instant> {
        let waits = self.outbox.is_due();
        let mut state = self.state();
        state.leaves_then(due, now, self.gap, waits)?;
        state.held = state.held.saturating_sub(1);
        state.left = Some(now);
        drop(state); // the release wakes a driver, and that may take its time
        self.outbox.release();
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// `waits`: the driver has not taken the last one yet.
    fn leaves_then(&self, due: Instant, now: Instant, gap: Duration, waits: bool) -> Result<(), Instant> {
        if now >= due + gap * MOST_GAPS {
            return Ok(()); // rather too close than never
        }
        if waits {
            return Err(now + gap);
        }
        match self.left.map(|left| left + gap) {
            Some(next) if next > now => Err(next),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GAP: Duration = Duration::from_millis(5);

    #[test]
    fn a_late_alarm_leaves_a_gap_all_the_same() {
        let start = Instant::now();
        let state = State { held: 2, left: Some(start + 3 * GAP) };
        let then = |now, waits| state.leaves_then(start + GAP, now, GAP, waits);
        assert_eq!(then(start + 3 * GAP, false), Err(start + 4 * GAP));
        assert_eq!(then(start + 4 * GAP, false), Ok(()));
        assert_eq!(then(start + 4 * GAP, true), Err(start + 5 * GAP), "the driver has not sent the last");
        assert_eq!(then(start + GAP * (MOST_GAPS + 1), true), Ok(()), "it is not waited for without end");
    }
}
