//! A connection at the table, and how messages are spaced for a client that takes one `recv` for one message.
//!
//! ```text
//!   e:…; ──► leaves at once      b:1; ──► held ──► 5 ms later the alarm rings ──► leaves
//! ```
//!
//! A segment of its own is not enough for the notes' client: on one machine it often wakes up after both segments have come, and
//! its `recv` returns both. A reader in Python on two busy cores got half of the pairs of notification and answer so; with a gap of
//! 2 ms one in a hundred, and with 10 ms one in seven hundred. So it is a matter of chance, as it is with the notes' own server.

use std::sync::Arc;
use std::time::{Duration, Instant};

use common::outbox::Outbox;

use super::alarm::Alarm;
use crate::game::PlayerId;

/// What is left between two messages, so that the notes' client has read the first when the second comes: nothing to a person.
pub const DEFAULT_GAP: &str = "5ms";

/// A connection, joined or not.
pub(super) struct Seat {
    pub(super) id: PlayerId,
    outbox: Outbox,
    gap: Duration,
    alarm: Arc<Alarm>,
    last: Option<(Kind, Instant)>,
}

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Answer,
    Notice,
}

impl Seat {
    pub(super) fn new(id: PlayerId, outbox: Outbox, gap: Duration, alarm: Arc<Alarm>) -> Seat {
        Seat { id, outbox, gap, alarm, last: None }
    }

    /// From now on messages may come together: this client can tell them apart.
    pub(super) fn finds_frames(&mut self) {
        self.gap = Duration::ZERO;
    }

    /// Leaves a message for the client. Who does not read is hung up on by the driver, which the push has called.
    pub(super) fn push(&mut self, bytes: Arc<[u8]>, kind: Kind) {
        let now = Instant::now();
        // An answer may follow an answer: who asks again has read the first, or can tell them apart.
        let too_close = self.last.filter(|&(before, _)| (before, kind) != (Kind::Answer, Kind::Answer));
        let due = too_close.map_or(now, |(_, left)| now.max(left + self.gap));
        let pushed = if due > now { self.outbox.push_held(bytes) } else { self.outbox.push(bytes) };
        if pushed.is_ok() && due > now {
            self.alarm.ring_at(due, self.outbox.clone());
        }
        let left = self.last.map_or(due, |(_, left)| due.max(left));
        self.last = Some((kind, left));
    }
}
