//! One who is connected: what it has got, and how its messages leave.
//!
//! ```text
//!                         ┌─ as the notes' client: 7:;  0:;  1:…;  into its outbox, held back, each a gap behind the other
//!   asks ──► Habit ──► ───┤
//!                         └─ anything else, once:  7:; into its outbox, the others are answers; all leave at once
//! ```
//!
//! **Answers are never dropped, and yet they are bounded.** Held back, an answer waits in the outbox, whose limit is for notifications: who
//! would be hung up on for an answer that this server holds back? But an answer is made only when it is asked for, and the notes' client
//! asks for few ([`Habit`]): its first question, one per notification, and one message at a time. One that lets notifications pile up and
//! then asks for each of them may still ask for many. So whoever asks while [`MOST_HELD`] bytes of answers wait is not waited for any
//! longer either, and from then on the [`Conversation`](common::core::conversation::Conversation)'s backpressure bounds it as all others. What
//! is held back is therefore never more than that and one answer.

use std::time::Instant;

use common::board::Id;
use common::core::outbox::Push;
use common::core::service::{Answer, Body, Peer};

use super::habit::{Asks, Habit};
use crate::spacing::Spaced;

/// Who has so many bytes of answers waiting and asks on is not spaced any more.
pub const MOST_HELD: usize = 256 * 1024;

/// One of them.
pub(super) struct Subscriber {
    client: Peer,
    outbox: Spaced,
    /// What it has not got yet begins here.
    pub(super) next: Id,
    /// It was notified of all before this.
    pub(super) notified: Id,
    hung_up: bool,
    was_answered: bool,
    /// `None` when its messages need no gap.
    habit: Option<Box<Habit>>,
}

impl Subscriber {
    /// One that has asked nothing yet.
    pub(super) fn new(client: Peer, mut outbox: Spaced) -> Subscriber {
        // Its first question, or its first two, come before its first notification: see [`Habit`].
        outbox.wait_a_gap();
        let habit = outbox.is_spaced().then(Box::default);
        let (next, notified) = (Id(0), Id(0));
        Subscriber { client, outbox, next, notified, hung_up: false, was_answered: false, habit }
    }

    /// It asks something. If that is what the notes' client would not do, all that is held back leaves, before the answer.
    pub(super) fn asks(&mut self, what: Asks) {
        if let Some(habit) = &mut self.habit
            && (!habit.fits(what, Instant::now()) || self.outbox.answers() >= MOST_HELD)
        {
            self.habit = None;
            self.outbox.finds_frames();
        }
    }

    /// Whether its answers go through [`answer`](Subscriber::answer).
    #[cfg(test)]
    pub(super) fn is_spaced(&self) -> bool {
        self.habit.is_some()
    }

    /// Tells it that there is something before `next`.
    pub(super) fn remind(&mut self, notify: &Push, next: Id) {
        self.notified = next;
        if self.hung_up {
            return; // by its own driver, soon
        }
        match self.outbox.push(notify.clone()) {
            Ok(true) => {
                if let (Some(habit), Some(leaves)) = (&mut self.habit, self.outbox.last_leaves()) {
                    habit.notified(leaves, Instant::now());
                }
            }
            Ok(false) => {}
            Err(_) => {
                self.hung_up = true;
                let Subscriber { client, outbox, .. } = self;
                tracing::info!(
                    "Client {client} is hung up on: {} bytes of notifications wait for it",
                    outbox.limit().bytes
                );
            }
        }
    }

    /// Answers it: here, in its place and in time, or by what is returned.
    pub(super) fn answer(&mut self, bytes: Body, acknowledges: bool) -> Answer {
        let Some(habit) = &mut self.habit else { return Answer::new(bytes) };
        let push = Push::answer(bytes.into_shared());
        let first = !std::mem::replace(&mut self.was_answered, true);
        let pushed = if first { self.outbox.push_close(push) } else { self.outbox.push(push) };
        if pushed.is_ok() // or it is being hung up on
            && acknowledges
            && let Some(leaves) = self.outbox.last_leaves()
        {
            habit.acknowledged(leaves);
        }
        Answer::new(Vec::new())
    }
}
