//! Some time between the messages to a client that takes one `recv` for one message, as those of the notes do.
//!
//! ```text
//!   7:; ──► leaves at once
//!   0:; ──► held ──► 5 ms after 7:; the alarm rings ──► leaves
//!   1:…; ─► held behind it ──────► 5 ms after 0:; the alarm rings ──► leaves
//! ```
//!
//! A segment of its own is not enough for such a client: on one machine it often wakes up after both segments have come, and
//! its `recv` returns both. A reader in Python on two busy cores got half of the pairs of notification and answer so; with a gap of
//! 2 ms one in a hundred, and with 10 ms one in seven hundred. So it is a matter of chance, as it is with the notes' own servers,
//! and never a promise. What it costs is latency, and so whoever shows that it finds the ends of messages itself waits for nothing.
//!
//! | who | shows it by |
//! |---|---|
//! | a player of the game | a request that the notes do not have, `S:;` |
//! | a client of the notification board | asking what the notes' client would not: [`habit`](crate::notification::habit) |
//!
//! To hold back is the [`Outbox`]'s work, to ring the alarm's; and since an alarm may be late, the gap is measured again from what has
//! really left (`spacing/line.rs`).

mod alarm;
mod line;

use std::sync::Arc;
use std::time::{Duration, Instant};

use common::core::outbox::{Outbox, OutboxLimit, Push, QueueFull};

use alarm::Alarm;
use line::Line;

/// What is left between two messages, so that the notes' client has read the first when the second comes: nothing to a person.
pub const DEFAULT_GAP: &str = "5ms";

/// No message is held back for longer than so many gaps: more than one message per gap, for long, would make a queue without end.
const MOST_GAPS: u32 = 20;

/// A service's gap, and the alarm for all its clients.
#[derive(Default)]
pub struct Spacing {
    gap: Duration,
    alarm: Arc<Alarm>,
}

/// The outbox of one client, whose messages are held back until it is time, or not.
pub struct Spaced {
    outbox: Outbox,
    /// `None` when they need not be. A box: of ten thousand clients that wait for nothing, few should have one.
    gap: Option<Box<Gap>>,
}

struct Gap {
    line: Arc<Line>,
    alarm: Arc<Alarm>,
    /// When the last message leaves, if all goes in time.
    last: Option<Instant>,
}

impl Spacing {
    /// So much between two messages; zero is none. No thread is started before something is held back: a model may fork before
    /// that, and threads do not survive a fork.
    #[must_use]
    pub fn new(gap: Duration) -> Spacing {
        Spacing { gap, alarm: Arc::default() }
    }

    /// For one client.
    #[must_use]
    pub fn of(&self, outbox: Outbox) -> Spaced {
        let gap = |outbox: &Outbox| {
            let line = Arc::new(Line::new(outbox.clone(), self.gap));
            Box::new(Gap { line, alarm: Arc::clone(&self.alarm), last: None })
        };
        let gap = (!self.gap.is_zero()).then(|| gap(&outbox));
        Spaced { outbox, gap }
    }
}

impl Spaced {
    /// Leaves a push for the client, a gap behind the last one.
    ///
    /// # Errors
    /// As [`Outbox::put`], whose result it is.
    pub fn push(&mut self, push: Push) -> Result<bool, QueueFull> {
        let Some(gap) = &mut self.gap else { return self.outbox.put(push) };
        let (now, length) = (Instant::now(), gap.line.gap);
        let due = gap.last.map_or(now, |last| (last + length).clamp(now, now + length * MOST_GAPS));
        let held = !gap.line.leaves_now(due, now);
        let went_in = if held { self.outbox.put_held(push)? } else { self.outbox.put(push)? };
        if went_in {
            gap.last = Some(due);
        }
        if went_in && held {
            gap.line.hold();
            gap.alarm.ring_at(due, Arc::clone(&gap.line));
        }
        Ok(went_in)
    }

    /// The same, but close behind the last one.
    ///
    /// # Errors
    /// As [`push`](Spaced::push).
    pub fn push_close(&mut self, push: Push) -> Result<bool, QueueFull> {
        let went_in = self.outbox.put(push)?;
        self.wait_a_gap();
        Ok(went_in)
    }

    /// As if a message left now.
    pub fn wait_a_gap(&mut self) {
        if let Some(gap) = &mut self.gap {
            gap.last = gap.last.max(Some(Instant::now()));
        }
    }

    /// The client finds the ends of messages itself: what is held back leaves now, and nothing is held back any more.
    pub fn finds_frames(&mut self) {
        if self.gap.take().is_some() {
            self.outbox.release_all();
        }
    }

    /// How much may wait for it.
    #[must_use]
    pub fn limit(&self) -> OutboxLimit {
        self.outbox.limit()
    }

    /// Whether its messages are spaced.
    #[must_use]
    pub fn is_spaced(&self) -> bool {
        self.gap.is_some()
    }

    /// When the last message leaves, or has left; `None` for none, and where nothing is spaced.
    #[must_use]
    pub fn last_leaves(&self) -> Option<Instant> {
        self.gap.as_ref()?.last
    }

    /// How many bytes of answers wait.
    #[must_use]
    pub fn answers(&self) -> usize {
        self.outbox.answers()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::core::outbox::WhenFull;

    const DAY: Duration = Duration::from_secs(86_400);

    fn spaced(gap: Duration) -> (Spaced, Outbox) {
        let outbox = Outbox::new(OutboxLimit { bytes: 100, when_full: WhenFull::Skip });
        (Spacing::new(gap).of(outbox.clone()), outbox)
    }

    fn left(outbox: &Outbox) -> Vec<u8> {
        std::iter::from_fn(|| outbox.pop()).flat_map(|push| push.bytes.to_vec()).collect()
    }

    fn message(byte: u8) -> Push {
        Push::message(Arc::from([byte]))
    }

    #[test]
    fn each_leaves_a_gap_behind_the_last_one_or_when_the_client_finds_frames() {
        let (mut spaced, outbox) = spaced(DAY);
        let mut times = Vec::new();
        for byte in *b"abc" {
            assert_eq!(spaced.push(message(byte)), Ok(true));
            times.push(spaced.last_leaves().unwrap());
        }
        assert_eq!([times[1] - times[0], times[2] - times[1]], [DAY; 2]);
        assert_eq!(left(&outbox), b"a");
        spaced.finds_frames();
        assert_eq!(left(&outbox), b"bc");
        spaced.push(message(b'd')).unwrap();
        assert_eq!((left(&outbox), spaced.is_spaced(), spaced.last_leaves()), (b"d".to_vec(), false, None));
    }

    #[test]
    fn a_reminder_that_is_left_out_takes_no_time() {
        let (mut spaced, _outbox) = spaced(DAY);
        let news = || Push::reminder(Arc::from(*b"7:;"));
        assert_eq!(spaced.push(news()), Ok(true));
        let first = spaced.last_leaves();
        assert_eq!((spaced.push(news()), spaced.last_leaves()), (Ok(false), first));
    }

    #[test]
    fn in_a_flood_none_is_held_back_for_more_than_so_many_gaps() {
        let (mut spaced, _outbox) = spaced(DAY);
        for _ in 0..50 {
            spaced.push(message(b'a')).unwrap();
            assert!(spaced.last_leaves().unwrap() <= Instant::now() + DAY * MOST_GAPS);
        }
    }

    #[test]
    fn the_alarm_lets_all_of_them_go_in_time() {
        let (mut spaced, outbox) = spaced(Duration::from_millis(1));
        let (sender, woken) = std::sync::mpsc::channel();
        outbox.wake_with(move || sender.send(()).unwrap_or_default());
        let mut got = Vec::new();
        for byte in *b"abcde" {
            spaced.push(message(byte)).unwrap();
        }
        while got.len() < 5 {
            woken.recv_timeout(Duration::from_secs(20)).expect("each release wakes the driver");
            got.extend(left(&outbox));
        }
        assert_eq!(got, b"abcde");
    }

    #[test]
    fn a_gap_of_zero_is_none() {
        let (mut spaced, outbox) = spaced(Duration::ZERO);
        for byte in *b"ab" {
            spaced.push(message(byte)).unwrap();
        }
        assert_eq!((left(&outbox), spaced.is_spaced()), (b"ab".to_vec(), false));
    }
}
