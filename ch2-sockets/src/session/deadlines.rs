//! When to look at which session: an alarm clock for many, at O(1) for those whose deadline only moves away.
//!
//! ```text
//! a session's timer      10:20 ── ack ──▶ 10:40 ── ack ──▶ 11:00          moves with each ack
//! its entry in the heap  10:20 ················· rings: not yet, set to 11:00
//! ```
//!
//! A timer that is put off with each acknowledgement would be a heap operation each time. So the entry stays where it is, and who
//! is woken too early looks at its real deadline and sets the clock again.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

/// Alarms, at most one of interest per slot.
#[derive(Debug, Default)]
pub struct Deadlines {
    heap: BinaryHeap<Reverse<(Duration, u32)>>,
    /// Which of a slot's entries counts.
    set: Vec<Option<Duration>>,
}

impl Deadlines {
    /// The slot is looked at by then at the latest. Does nothing if it is already going to be.
    pub fn set(&mut self, slot: u32, at: Duration) {
        let index = slot as usize;
        if index >= self.set.len() {
            self.set.resize(index + 1, None);
        }
        if self.set[index].is_none_or(|earlier| at < earlier) {
            self.set[index] = Some(at);
            self.heap.push(Reverse((at, slot)));
        }
    }

    /// The earliest alarm.
    pub fn deadline(&self) -> Option<Duration> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }

    /// A slot whose alarm has come; it has none then. Call until there is none.
    pub fn due(&mut self, now: Duration) -> Option<u32> {
        while let Some(&Reverse((at, slot))) = self.heap.peek().filter(|Reverse((at, _))| *at <= now) {
            self.heap.pop();
            let set = &mut self.set[slot as usize];
            if *set == Some(at) {
                *set = None;
                return Some(slot);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[test]
    fn the_earliest_comes_first_and_once() {
        let mut deadlines = Deadlines::default();
        for (slot, at) in [(7, 30), (1, 10), (2, 20), (1, 15), (2, 5)] {
            deadlines.set(slot, seconds(at));
        }
        assert_eq!(deadlines.deadline(), Some(seconds(5)));
        assert_eq!(deadlines.due(seconds(4)), None);
        assert_eq!(deadlines.due(seconds(100)), Some(2));
        assert_eq!(deadlines.due(seconds(100)), Some(1));
        assert_eq!(deadlines.due(seconds(100)), Some(7));
        assert_eq!(deadlines.due(seconds(100)), None);
        assert_eq!(deadlines.deadline(), None);
    }

    #[test]
    fn putting_off_costs_nothing() {
        let mut deadlines = Deadlines::default();
        for second in 10..10_000 {
            deadlines.set(3, seconds(second));
        }
        assert_eq!(deadlines.heap.len(), 1);
    }
}
