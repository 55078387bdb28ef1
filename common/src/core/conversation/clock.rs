//! When a conversation's time is over: one deadline, which depends on what is waited for.
//!
//! ```text
//!   unfinished request:   deadline = min(now + grace, deadline + bytes / rate)      at every read
//! ```
//!
//! So a request that comes fast may pause for the grace, one that comes at the rate or faster goes on for ever, and one that
//! comes byte by byte ends when the grace is used up.

use std::time::{Duration, Instant};

use crate::core::limits::Timeouts;

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// The first byte of the first request.
    FirstRequest,
    /// The rest of a request.
    Request,
    /// The next request.
    Idle,
    /// Room for bytes to the client.
    Sending,
    /// The client's end, briefly.
    Lingering,
    /// Something that has no limit.
    Untimed,
}

/// The deadline of one conversation.
#[derive(Debug)]
pub(super) struct Clock {
    timeouts: Timeouts,
    phase: Phase,
    deadline: Option<Instant>,
    progressed: bool,
}

impl Clock {
    pub fn new(timeouts: Timeouts) -> Clock {
        Clock { timeouts, phase: Phase::Untimed, deadline: None, progressed: false }
    }

    pub fn phase(&self) -> Phase {
        self.phase
    }

    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    pub fn is_over(&self, now: Instant) -> bool {
        self.deadline.is_some_and(|deadline| now >= deadline)
    }

    /// This is waited for now. The time runs on while that stays the same and nothing [progresses](Clock::progress).
    pub fn wait_for(&mut self, phase: Phase, now: Instant) {
        if phase == self.phase && !self.progressed {
            return;
        }
        let limit = match phase {
            Phase::FirstRequest => self.timeouts.first_request,
            Phase::Request => self.timeouts.grace,
            Phase::Idle => self.timeouts.idle,
            Phase::Sending => Some(self.timeouts.stall),
            Phase::Lingering => Some(self.timeouts.linger),
            Phase::Untimed => None,
        };
        (self.phase, self.progressed) = (phase, false);
        self.deadline = limit.and_then(|limit| now.checked_add(limit));
    }

    /// What was waited for has come, if only in part: the time begins anew with the next wait.
    pub fn progress(&mut self) {
        self.progressed = true;
    }

    /// `count` bytes of a request have come.
    pub fn receive(&mut self, count: usize, now: Instant) {
        if self.phase == Phase::Request
            && let (Some(deadline), Some(grace)) = (self.deadline, self.timeouts.grace)
        {
            let bought = Duration::from_nanos(
                (count as u64).saturating_mul(1_000_000_000) / self.timeouts.rate.max(1),
            );
            self.deadline = Some((deadline + bought).min(now + grace));
        }
    }
}
