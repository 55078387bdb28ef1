//! A call that has not ended: what was sent of it, and what comes next.

use std::time::Duration;

use super::super::datagram::{CallId, Handling, Question};
use super::super::outcome::{NotDone, Outcome, Unknown};
use super::super::promise::Semantics;
use super::binding::Binding;

/// Between two probes at least. A call that takes long takes longer than a round trip, and a probe is no work to be in a hurry with.
const PROBE: Duration = Duration::from_millis(100);

/// One call.
#[derive(Debug)]
pub(super) struct Pending {
    body: Vec<u8>,
    /// Whose memory it was first sent to.
    pub binding: Option<Binding>,
    /// Datagrams of it that were sent, probes included.
    pub transmissions: u32,
    /// Timeouts in a row.
    pub timeouts: u32,
    pub last_sent: Duration,
    /// When it began, or when the server last said that it is alive and at it.
    pub last_heard: Duration,
    /// When the next one is sent.
    pub next: Option<Duration>,
    /// The server is at it: probes are sent now.
    pub in_progress: bool,
    /// The last that the server said was that it has no room.
    pub was_full: bool,
}

impl Pending {
    pub fn new(now: Duration, body: Vec<u8>) -> Pending {
        Pending {
            body,
            binding: None,
            transmissions: 0,
            timeouts: 0,
            last_sent: now,
            last_heard: now,
            next: Some(now),
            in_progress: false,
            was_full: false,
        }
    }

    /// When its caller is told that nothing is known.
    pub fn gives_up_at(&self, give_up: Duration) -> Duration {
        self.last_heard + give_up
    }

    /// What the caller is told then.
    pub fn unanswered(&self, now: Duration) -> Outcome<Vec<u8>> {
        match self.transmissions {
            0 => Outcome::NotDone(NotDone::NoServer),
            _ if self.was_full => Outcome::Unknown(Unknown::TableFull),
            _ => Outcome::Unknown(Unknown::Silent(now.saturating_sub(self.last_heard))),
        }
    }

    /// A datagram leaves; the next one after `timeout`, if there is to be one.
    pub fn sent(&mut self, now: Duration, timeout: Option<Duration>) {
        self.transmissions += 1;
        self.timeouts += 1;
        self.last_sent = now;
        self.next = timeout.map(|timeout| now + if self.in_progress { timeout.max(PROBE) } else { timeout });
    }

    /// The datagram.
    pub fn question(&self, id: CallId, semantics: Semantics, first_incomplete: u64) -> Question {
        let transmission = self.transmissions;
        let incarnation = self.binding.map_or(0, |binding| binding.incarnation);
        if self.in_progress {
            return Question::Probe { id, transmission, incarnation };
        }
        let handling = if semantics.is_remembered() {
            Handling::Once { incarnation, first_incomplete }
        } else {
            Handling::Plain
        };
        Question::Call { id, transmission, handling, body: self.body.clone() }
    }

    /// The server is at it.
    pub fn wait_for_the_end(&mut self, now: Duration, timer: Duration) {
        self.last_heard = now;
        self.in_progress = true;
        self.was_full = false;
        self.timeouts = 0;
        self.next = Some(now + timer.max(PROBE));
    }

    /// A server that was at it, or had it in its queue, has it no more.
    pub fn send_anew(&mut self, now: Duration) {
        self.last_heard = now;
        self.in_progress = false;
        self.timeouts = 0;
        self.next = Some(now);
    }
}
