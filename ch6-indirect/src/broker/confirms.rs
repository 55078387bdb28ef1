//! Publisher confirms of one channel: each publish has a number, each number is confirmed once, in order.
//!
//! ```text
//!   publish      1    2    3    4    5
//!   waits for   r10  r11   –   r12  refused          records of the log; – for nothing
//!
//!   synced up to r11:   ack 3 (multiple: 1, 2 and 3)     one method for a whole batch of the disk
//!   synced up to r12:   ack 4, nack 5
//! ```
//!
//! A confirm that waits for nothing still waits for those before it: so `multiple` never covers one that was confirmed already.

use std::collections::VecDeque;

use super::output::RecordNumber;

/// What became of a publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is safe when this record is; record 0 is there from the start.
    Safe(RecordNumber),
    /// A queue had no place, or it cannot be written.
    Refused,
}

/// The confirms that a channel owes.
#[derive(Debug, Default)]
pub struct Confirms {
    confirmed: u64,
    owed: VecDeque<Fate>,
}

/// One `basic.ack` or `basic.nack` to a publisher.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Confirm {
    pub tag: u64,
    pub is_multiple: bool,
    pub is_positive: bool,
}

impl Confirms {
    /// The next publish.
    pub fn push(&mut self, fate: Fate) {
        self.owed.push_back(fate);
    }

    pub fn len(&self) -> usize {
        self.owed.len()
    }

    /// The next confirm that can be sent: all in a row with the same answer.
    pub fn next(&mut self, synced: RecordNumber, has_failed: bool) -> Option<Confirm> {
        let answer = |fate: &Fate| match fate {
            Fate::Safe(record) if *record <= synced => Some(true),
            Fate::Safe(_) => has_failed.then_some(false),
            Fate::Refused => Some(false),
        };
        let is_positive = answer(self.owed.front()?)?;
        let count = self.owed.iter().take_while(|fate| answer(fate) == Some(is_positive)).count();
        self.owed.drain(..count);
        self.confirmed += count as u64;
        Some(Confirm { tag: self.confirmed, is_multiple: count > 1, is_positive })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(confirms: &mut Confirms, synced: u64, has_failed: bool) -> Vec<(u64, bool, bool)> {
        std::iter::from_fn(|| confirms.next(RecordNumber(synced), has_failed))
            .map(|confirm| (confirm.tag, confirm.is_multiple, confirm.is_positive))
            .collect()
    }

    #[test]
    fn each_is_confirmed_once_in_order() {
        let mut confirms = Confirms::default();
        for fate in [Fate::Safe(RecordNumber(10)), Fate::Safe(RecordNumber(11)), Fate::Safe(RecordNumber(0))]
        {
            confirms.push(fate);
        }
        confirms.push(Fate::Safe(RecordNumber(12)));
        confirms.push(Fate::Refused);
        assert_eq!(sent(&mut confirms, 9, false), []);
        assert_eq!(sent(&mut confirms, 11, false), [(3, true, true)]);
        assert_eq!(sent(&mut confirms, 11, false), []);
        assert_eq!(sent(&mut confirms, 12, false), [(4, false, true), (5, false, false)]);
    }

    #[test]
    fn a_broken_log_refuses_what_is_not_on_disk() {
        let mut confirms = Confirms::default();
        for record in 1..=4 {
            confirms.push(Fate::Safe(RecordNumber(record)));
        }
        assert_eq!(sent(&mut confirms, 2, true), [(2, true, true), (4, true, false)]);
    }
}
