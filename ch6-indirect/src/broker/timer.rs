//! Which queues are to be looked at, and when: one entry for a queue, at its next deadline or before it.

use super::keys::QueueKey;
use super::{Broker, Now};

/// How many messages expire in one go: the broker serves others in between.
const AT_ONCE: usize = 10_000;

impl Broker {
    /// Enters a queue for its next deadline. One that is entered for an earlier time stays: it is looked at in vain, once.
    pub(super) fn set_timer(&mut self, key: QueueKey) {
        let Some(queue) = self.queues.get_mut(key) else { return };
        let Some(deadline) = queue.deadline() else { return };
        if let Some(timer) = queue.timer {
            if timer <= deadline {
                return;
            }
            self.timers.remove(&(timer, key));
        }
        queue.timer = Some(deadline);
        self.timers.insert((deadline, key));
    }

    /// Looks at the queues whose time has come.
    pub(super) fn run_timers(&mut self, now: Now) {
        let mut left = AT_ONCE;
        while let Some((_, key)) =
            self.timers.first().copied().filter(|(at, _)| *at <= now.instant && left > 0)
        {
            self.timers.pop_first();
            let Some(queue) = self.queues.get_mut(key) else { continue };
            queue.timer = None;
            if queue.expires_at().is_some_and(|at| at <= now.instant) {
                self.delete_queue(key);
                continue;
            }
            left -= self.expire(key, left, |expires| expires <= now.instant);
            self.set_timer(key);
        }
    }
}
