//! Pacing for the notes' board client, which takes one `recv` for one message. Sans-I/O. Only with `board-server --legacy-clients`.
//!
//! ```text
//!   7:; ──► leaves at once
//!   0:; ──► waits ──► a gap after 7:; ──► leaves
//!   1:…; ─► waits ──────► a gap after 0:; ──► leaves
//!   7:; ──► leaves ┈┈ no 2:; for 150 ms ┈┈► 7:; once more: the client may have lost it inside another message
//! ```
//!
//! TCP keeps no borders of messages. On one machine such a client often wakes up when two messages have come, and its `recv` returns
//! both: it takes them for one and loses the second. A gap between any two messages makes that rare, and a notification that is
//! repeated heals what is lost all the same. It is a matter of chance and never a promise. The price is latency for every client,
//! because nothing is guessed from what a client does.
//!
//! The notes' game client needs none of this: it reads byte by byte, up to the `;`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::core::outbox::Outbox;
use common::core::service::PeerId;

use super::wire::NOTIFY;

/// The usual gap: nothing to a person.
pub const DEFAULT_GAP: &str = "5ms";

/// A notification that no question has followed for this long is repeated.
const REPEAT: Duration = Duration::from_millis(150);

/// The messages that wait for all clients.
#[derive(Default)]
pub struct LegacyPacing {
    gap: Duration,
    lines: BTreeMap<PeerId, Line>,
    /// When to look at which client.
    due: BTreeSet<(Instant, PeerId)>,
}

/// The messages that wait for one client. While there are any, nothing more is read from it: so they are few, and it is not
/// closed before it has them.
struct Line {
    outbox: Outbox,
    waiting: VecDeque<Arc<[u8]>>,
    /// The next message leaves no earlier.
    free_at: Instant,
    /// When a notification has left that no question has followed.
    unanswered: Option<Instant>,
    due: Option<Instant>,
}

impl LegacyPacing {
    /// `gap` is kept between any two messages to one client.
    #[must_use]
    pub fn new(gap: Duration) -> LegacyPacing {
        LegacyPacing { gap, ..LegacyPacing::default() }
    }

    /// A client has come.
    pub fn arrive(&mut self, peer: PeerId, outbox: Outbox, now: Instant) {
        let line = Line { outbox, waiting: VecDeque::new(), free_at: now, unanswered: None, due: None };
        self.lines.insert(peer, line);
    }

    /// It has gone.
    pub fn leave(&mut self, peer: PeerId) {
        if let Some(due) = self.lines.remove(&peer).and_then(|line| line.due) {
            self.due.remove(&(due, peer));
        }
    }

    /// The client has asked what is new: no notification is lost.
    pub fn asked(&mut self, peer: PeerId) {
        if let Some(line) = self.lines.get_mut(&peer) {
            line.unanswered = None;
        }
    }

    /// Sends a message, in its turn.
    pub fn send(&mut self, peer: PeerId, message: Arc<[u8]>, now: Instant) {
        if let Some(line) = self.lines.get_mut(&peer) {
            line.waiting.push_back(message);
            line.outbox.pause();
            self.move_on(peer, now);
        }
    }

    /// Sends a notification, unless one waits: it stands for this one too.
    pub fn notify(&mut self, peer: PeerId, now: Instant) {
        if self
            .lines
            .get(&peer)
            .is_some_and(|line| !line.waiting.iter().any(|message| is_notification(message)))
        {
            self.send(peer, NOTIFY.into(), now);
        }
    }

    /// The stop: everything leaves now.
    pub fn stop(&mut self) {
        for line in self.lines.values_mut() {
            while let Some(message) = line.waiting.pop_front() {
                line.send(message);
            }
        }
    }

    /// When [`handle_timeout`](LegacyPacing::handle_timeout) is to be called.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.due.first().map(|(then, _)| *then)
    }

    /// The time is `now`: what is due leaves.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(&(then, peer)) = self.due.first()
            && then <= now
        {
            self.move_on(peer, now);
        }
    }

    /// Lets one message go if it is time, and notes when to look again.
    fn move_on(&mut self, peer: PeerId, now: Instant) {
        let Some(line) = self.lines.get_mut(&peer) else { return };
        if line.waiting.is_empty() && line.unanswered.is_some_and(|since| now >= since + REPEAT) {
            line.waiting.push_back(NOTIFY.into());
        }
        if line.free_at <= now
            && let Some(message) = line.waiting.pop_front()
        {
            line.free_at = now + self.gap;
            if is_notification(&message) {
                line.unanswered = Some(now);
            }
            line.send(message);
        }
        let next = if line.waiting.is_empty() {
            line.outbox.resume();
            line.unanswered.map(|since| since + REPEAT)
        } else {
            Some(line.free_at)
        };
        if let Some(due) = std::mem::replace(&mut line.due, next) {
            self.due.remove(&(due, peer));
        }
        if let Some(due) = next {
            self.due.insert((due, peer));
        }
    }
}

impl Line {
    /// A client that does not read is disconnected by its driver, which this wakes.
    fn send(&self, message: Arc<[u8]>) {
        let _ = self.outbox.push(message);
    }
}

fn is_notification(message: &[u8]) -> bool {
    message == NOTIFY
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::core::outbox::{OutboxLimit, WhenFull};

    const GAP: Duration = Duration::from_millis(5);
    const PEER: PeerId = PeerId(7);

    fn client(now: Instant) -> (LegacyPacing, Outbox) {
        let outbox = Outbox::new(OutboxLimit { bytes: 1000, when_full: WhenFull::Disconnect });
        let mut pacing = LegacyPacing::new(GAP);
        pacing.arrive(PEER, outbox.clone(), now);
        (pacing, outbox)
    }

    fn left(outbox: &Outbox) -> Vec<Vec<u8>> {
        std::iter::from_fn(|| outbox.pop()).map(|push| push.bytes.to_vec()).collect()
    }

    #[test]
    fn each_message_leaves_a_gap_after_the_last_one_and_the_client_is_read_from_when_none_waits() {
        let start = Instant::now();
        let (mut pacing, outbox) = client(start);
        for message in [&b"0:;"[..], b"1:;", b"1:a;"] {
            pacing.send(PEER, message.into(), start);
        }
        assert_eq!((left(&outbox), outbox.is_paused()), (vec![b"0:;".to_vec()], true));
        pacing.handle_timeout(start + GAP / 2);
        assert_eq!((left(&outbox), pacing.deadline()), (vec![], Some(start + GAP)));
        pacing.handle_timeout(start + GAP);
        assert_eq!((left(&outbox), outbox.is_paused()), (vec![b"1:;".to_vec()], true));
        pacing.handle_timeout(start + 9 * GAP);
        assert_eq!(
            (left(&outbox), outbox.is_paused(), pacing.deadline()),
            (vec![b"1:a;".to_vec()], false, None)
        );
    }

    #[test]
    fn a_notification_without_a_question_is_repeated_until_one_comes() {
        let start = Instant::now();
        let (mut pacing, outbox) = client(start);
        pacing.notify(PEER, start);
        assert_eq!(left(&outbox), [NOTIFY]);
        let mut now = start;
        for _ in 0..3 {
            now += REPEAT;
            assert_eq!(pacing.deadline(), Some(now));
            pacing.handle_timeout(now);
            assert_eq!(left(&outbox), [NOTIFY]);
        }
        pacing.asked(PEER);
        pacing.handle_timeout(now + REPEAT);
        assert_eq!((left(&outbox), pacing.deadline()), (vec![], None));
    }

    #[test]
    fn one_notification_that_waits_stands_for_all_and_a_client_that_leaves_is_forgotten() {
        let start = Instant::now();
        let (mut pacing, outbox) = client(start);
        pacing.send(PEER, Arc::from(*b"0:;"), start);
        for _ in 0..9 {
            pacing.notify(PEER, start);
        }
        pacing.stop();
        assert_eq!(left(&outbox), [b"0:;", NOTIFY], "at the stop everything leaves");
        pacing.leave(PEER);
        assert_eq!(pacing.deadline(), None);
    }
}
