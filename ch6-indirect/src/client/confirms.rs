//! Which publications are confirmed. A broker confirms them one by one or up to a number, in any order, and each once.
//!
//! ```text
//!   tag      1 2 3 │ 4 5 6 7 8 9 │ 10
//!            all   │ ✓   ✓       │ not published
//!                  └ low           ack 7, multiple ─► 5, 7 are new
//! ```

use std::collections::VecDeque;
use std::ops::Range;

use anyhow::ensure;

/// The confirms of a channel.
#[derive(Debug)]
pub struct Confirms {
    /// The lowest tag that is not confirmed.
    low: u64,
    /// Of the tags from `low` on, whether they are confirmed.
    ahead: VecDeque<bool>,
}

impl Default for Confirms {
    fn default() -> Confirms {
        Confirms { low: 1, ahead: VecDeque::new() }
    }
}

impl Confirms {
    /// So many more were published.
    pub fn published(&mut self, count: u64) {
        let length = self.ahead.len() + usize::try_from(count).expect("they were written");
        self.ahead.resize(length, false);
    }

    /// How many are not confirmed.
    #[must_use]
    pub fn open(&self) -> usize {
        self.ahead.iter().filter(|&&is_confirmed| !is_confirmed).count()
    }

    /// A confirm came. The publications that are confirmed by it, counted from 0, are appended to `new`.
    ///
    /// # Errors
    /// What was not published, or is confirmed already.
    pub fn confirm(&mut self, tag: u64, multiple: bool, new: &mut Vec<Range<u64>>) -> anyhow::Result<()> {
        let next = self.low + self.ahead.len() as u64;
        ensure!(tag < next, "publication {tag} is confirmed, and {} were published", next - 1);
        ensure!(tag >= self.low, "publication {tag} is confirmed twice");
        let place = usize::try_from(tag - self.low).expect("it is in the queue");
        if !multiple {
            ensure!(!self.ahead[place], "publication {tag} is confirmed twice");
            new.push(tag - 1..tag);
            self.ahead[place] = true;
            self.drop_confirmed();
            return Ok(());
        }
        for (is_confirmed, tag) in self.ahead.drain(..=place).zip(self.low..) {
            match (is_confirmed, new.last_mut()) {
                (true, _) => {}
                (false, Some(last)) if last.end == tag - 1 => last.end = tag,
                (false, _) => new.push(tag - 1..tag),
            }
        }
        self.low = tag + 1;
        self.drop_confirmed();
        Ok(())
    }

    fn drop_confirmed(&mut self) {
        while self.ahead.front() == Some(&true) {
            self.ahead.pop_front();
            self.low += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_confirmed_once_in_any_order() {
        let mut confirms = Confirms::default();
        let mut new = Vec::new();
        confirms.published(9);
        for (tag, multiple) in [(3, true), (4, false), (6, false), (8, true), (9, true)] {
            confirms.confirm(tag, multiple, &mut new).unwrap();
        }
        // 1–3, 4, 6, 5, 7–8, 9.
        assert_eq!(new, [0..3, 3..4, 5..6, 4..5, 6..9]);
        assert_eq!(confirms.open(), 0);
    }

    #[test]
    fn what_was_not_published_or_is_confirmed_already_is_a_fault() {
        let mut confirms = Confirms::default();
        let new = &mut Vec::new();
        assert!(confirms.confirm(1, false, new).is_err());
        confirms.published(3);
        confirms.confirm(2, false, new).unwrap();
        assert!(confirms.confirm(2, false, new).is_err());
        confirms.confirm(2, true, new).unwrap();
        assert!(confirms.confirm(2, true, new).is_err());
        assert!(confirms.confirm(1, false, new).is_err());
        assert!(confirms.confirm(4, true, new).is_err());
        assert_eq!(confirms.open(), 1);
    }
}
