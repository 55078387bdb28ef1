//! What the notes' client asks and when, to tell it from clients that find the ends of messages themselves. Sans-I/O.
//!
//! ```text
//!   the notes' client                              who finds frames itself, for example
//!   2:; ──► 1:…;                                   1:SGVsbG8=;      begins with a message
//!           7:; ──► 2:; ──► 1:…;                   2:;2:;           asks again, and nobody has told it to
//!   1:…; ─► 7:; 0:; ──► 1:…;                       1:…;1:…;         publishes, and does not wait for `0:;`
//! ```
//!
//! The notes' client first asks what is new. It asks again once for each notification, and publishes its next message when the last is
//! acknowledged. Whoever once does anything else is none; from then on its messages may come together.
//!
//! **A client that finds frames says so by `2:;2:;` on connecting**, in one call. Any server of this wire answers `1:…;1:;`. This one
//! sees that the second question was not caused by a notification: one that comes before or between the two is held back, a gap behind
//! the client's arrival or the first `1:…;`, and counts when it leaves.
//!
//! These rules bound what is held back for a client, too: no more acknowledgements than one, and no more answers than one for each
//! notification that it was sent. The rest of the bound is in [`subscriber`](super::subscriber).

use std::collections::VecDeque;
use std::time::Instant;

/// What a client asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    /// `2:;`
    News,
    /// `1:…;`
    Publish,
    /// What makes no sense.
    Nonsense,
}

/// What one client has done so far, as long as it was what the notes' client would do.
#[derive(Debug)]
pub struct Habit {
    has_asked: bool,
    /// How many questions it may ask: one at the beginning, and one for each notification.
    questions: u64,
    /// When the notifications leave that have not left yet: none of them was answered by a question.
    notifications: VecDeque<Instant>,
    /// When the last acknowledgement leaves.
    acknowledged: Option<Instant>,
}

impl Default for Habit {
    fn default() -> Habit {
        Habit { has_asked: false, questions: 1, notifications: VecDeque::new(), acknowledged: None }
    }
}

impl Habit {
    /// A notification leaves for it then.
    pub fn notified(&mut self, leaves: Instant, now: Instant) {
        self.notifications.push_back(leaves);
        self.count_what_has_left(now);
    }

    /// The acknowledgement of its message leaves then.
    pub fn acknowledged(&mut self, leaves: Instant) {
        self.acknowledged = Some(leaves);
    }

    /// It asks; tells whether the notes' client would.
    pub fn fits(&mut self, asks: Asks, now: Instant) -> bool {
        self.count_what_has_left(now);
        let fits = match asks {
            Asks::News => self.questions > 0,
            Asks::Publish => self.has_asked && self.acknowledged.is_none_or(|leaves| leaves <= now),
            Asks::Nonsense => false,
        };
        self.has_asked = true;
        self.questions = self.questions.saturating_sub(u64::from(asks == Asks::News));
        fits
    }

    fn count_what_has_left(&mut self, now: Instant) {
        while self.notifications.front().is_some_and(|&leaves| leaves <= now) {
            self.notifications.pop_front();
            self.questions += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const GAP: Duration = Duration::from_millis(5);

    #[test]
    fn what_the_notes_client_does_fits() {
        let start = Instant::now();
        let mut habit = Habit::default();
        assert!(habit.fits(Asks::News, start));
        for turn in 1..100 {
            let now = start + 10 * GAP * turn;
            assert!(habit.fits(Asks::Publish, now));
            habit.notified(now, now);
            habit.acknowledged(now + GAP);
            // While the acknowledgement is held back.
            assert!(habit.fits(Asks::News, now));
            // Another's message.
            habit.notified(now + 3 * GAP, now + 2 * GAP);
            assert!(habit.fits(Asks::News, now + 3 * GAP));
        }
        assert!(!habit.fits(Asks::News, start + 10_000 * GAP));
    }

    #[test]
    fn anything_else_does_not() {
        let now = Instant::now();
        assert!(!Habit::default().fits(Asks::Publish, now), "it begins with a message");
        assert!(!Habit::default().fits(Asks::Nonsense, now));
        let asked = || {
            let mut habit = Habit::default();
            assert!(habit.fits(Asks::News, now));
            habit
        };
        assert!(!asked().fits(Asks::News, now), "it was told nothing");
        let mut early = asked();
        early.notified(now + GAP, now);
        assert!(!early.fits(Asks::News, now), "it was told nothing yet");
        let mut hasty = asked();
        assert!(hasty.fits(Asks::Publish, now));
        hasty.acknowledged(now + GAP);
        assert!(!hasty.fits(Asks::Publish, now), "it was not told that its message is there");
        let mut patient = asked();
        patient.acknowledged(now + GAP);
        assert!(patient.fits(Asks::Publish, now + GAP));
    }

    #[test]
    fn what_is_remembered_of_notifications_is_no_more_than_what_is_held_back() {
        let start = Instant::now();
        let mut habit = Habit::default();
        for turn in 0..1000 {
            habit.notified(start + GAP * turn, start + GAP * turn);
            assert!(habit.notifications.is_empty());
        }
    }
}
