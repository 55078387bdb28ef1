//! Lamport's logical clock, and the stamps that put all writes into one order. Notes, chapter 4: *shared state* ("global
//! ordering of distributed events"); L. Lamport, "Time, Clocks, and the Ordering of Events in a Distributed System", 1978.
//!
//! ```text
//!   Ann  ──1──2───────────────5──►   a write ticks the clock: time := time + 1
//!              ╲             ╱
//!   Bob  ───────3──4────────╱────►   what is heard moves it on: time := max(time, heard)
//! ```
//!
//! If one write was known to the author of another, its time is smaller. The converse does not hold: a smaller time says
//! nothing about who knew what, and that is why a register remembers what was overwritten, too (see `register`).

use serde::{Deserialize, Serialize};

/// The greatest logical time: the largest whole number that a browser counts to without a gap.
pub const LAST_TIME: u64 = (1 << 53) - 1;

/// The greatest time that a write can have, believed by whoever's wall clock shows `now_ms`, milliseconds since 1970: as if
/// somebody had written every microsecond since then.
///
/// Without a fence, a single write at [`LAST_TIME`] would win over everything that anybody could write after it, for ever.
/// With this one a liar wins for the microseconds until the fence has moved on, because nobody who is honest writes as fast
/// as it moves. No chain of lies gets beyond it, for it does not depend on what was heard before. And so a replica that knows
/// nothing yet believes all that another one has believed: a canvas outlives the server that it was drawn on.
///
/// A wall clock is enough for that, since it decides nothing: writes are in the order of their stamps.
#[must_use]
pub fn fence(now_ms: u64) -> u64 {
    now_ms.saturating_mul(1000).min(LAST_TIME)
}

/// Who writes: a random number that a page draws for itself, so that two pages that never met need nobody to tell them
/// apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Replica(pub u32);

/// When a write was made in logical time, and by whom: the order of all writes. The author breaks the tie, so that no two
/// writes are equal and all replicas agree on which is the later.
///
/// The default is before every write: nobody has written at time 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Stamp {
    /// Lamport time; in the server's room, the number that the server gave.
    pub time: u64,
    /// The author.
    pub by: Replica,
}

/// A Lamport clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct Clock {
    time: u64,
}

impl Clock {
    /// The time of the last event.
    #[must_use]
    pub fn time(self) -> u64 {
        self.time
    }

    /// An event here: the time of it.
    pub fn tick(&mut self) -> u64 {
        self.time = (self.time + 1).min(LAST_TIME);
        self.time
    }

    /// An event elsewhere was heard of.
    pub fn hear(&mut self, time: u64) {
        self.time = self.time.max(time.min(LAST_TIME));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_heard_before_a_write_has_a_smaller_time() {
        let (mut ann, mut bob) = (Clock::default(), Clock::default());
        ann.tick();
        let said = ann.tick();
        bob.hear(said);
        let answer = bob.tick();
        assert!(answer > said);
        ann.hear(answer);
        assert!(ann.tick() > answer);
    }

    #[test]
    fn to_hear_old_news_moves_nothing() {
        let mut clock = Clock { time: 7 };
        clock.hear(3);
        assert_eq!(clock.time(), 7);
    }

    #[test]
    fn the_author_breaks_the_tie() {
        let stamp = |time, by| Stamp { time, by: Replica(by) };
        assert!(stamp(1, 9) < stamp(2, 1));
        assert!(stamp(2, 1) < stamp(2, 2));
    }

    #[test]
    fn the_fence_moves_faster_than_anybody_writes_and_ends_where_numbers_do() {
        let (now_ms, second) = (1_700_000_000_000, 1000);
        assert_eq!(fence(now_ms + second) - fence(now_ms), 1_000_000);
        assert!(fence(now_ms) < LAST_TIME);
        assert_eq!((fence(0), fence(u64::MAX)), (0, LAST_TIME));
    }
}
