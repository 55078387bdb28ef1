//! What a link does to what it carries: all its faults, each with its own knob.
//!
//! ```text
//!  sent ──▶ cut? ──▶ queue full? ──▶ rate ──▶ lost? ──▶ delay + jitter (+ reordered) ──▶ corrupted? ──▶ arrives
//!                                                             └──▶ duplicated: the same again
//! ```
//!
//! One knob has one effect. So jitter does not reorder, as it would under Linux's netem: datagrams queue behind one another, and
//! only those that `reorder` picks are overtaken.

use std::time::Duration;

/// The way a datagram goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
}

/// Which ways a [`Cut`] blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blocked {
    /// Only what the client sends.
    Up,
    /// Only what the server sends.
    Down,
    /// The whole cable.
    Both,
}

/// A cable that is pulled: nothing that is sent during the cut arrives. What is already under way does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// The ways that are blocked.
    pub blocked: Blocked,
    /// When.
    pub span: Span,
}

/// How long a [`Cut`] lasts. A span without an end lasts for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// From a time since the link's start to another, which is not part of it.
    Time {
        /// The first moment without a cable.
        from: Duration,
        /// The first moment with it again.
        to: Option<Duration>,
    },
    /// From a datagram of each flow and direction, counted from 0, to another, which is not part of it. Streams have no
    /// datagrams to count, so such a cut does not concern them.
    Index {
        /// The first datagram lost.
        from: u64,
        /// The first that comes through again.
        to: Option<u64>,
    },
}

/// A link's faults. The default is a perfect link.
///
/// Probabilities lie in `0.0..=1.0`; what is outside counts as the nearer end.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// Probability that a datagram is lost. A stream loses nothing, because TCP repairs it: there its bytes are held for a
    /// [retransmission timeout](super::stream::RETRANSMISSION).
    pub loss: f64,
    /// Probability that a datagram arrives twice.
    pub duplicate: f64,
    /// Probability that a datagram is held back, so that later ones overtake it.
    pub reorder: f64,
    /// How long it is held back.
    pub reorder_by: Duration,
    /// Probability that one bit of a datagram (or of a chunk of a stream) is flipped. Its checksum is made afresh on the way
    /// out, as by a faulty box on the way: the receiver's kernel notices nothing.
    pub corrupt: f64,
    /// How long every datagram travels.
    pub delay: Duration,
    /// How much longer what the server sends travels: the two ways are not alike, and no clock at an end of the link can tell.
    pub delay_down: Duration,
    /// At most how much longer it may take: evenly distributed, order kept.
    pub jitter: Duration,
    /// What the link carries, bytes of payload per second; `None` is without limit.
    pub rate: Option<u64>,
    /// Bytes that may wait for the rate. A datagram that finds no room is dropped (drop-tail); a stream is not read further.
    pub queue: usize,
    /// Pulled cables.
    pub cuts: Vec<Cut>,
    /// Streams: probability that a chunk is delivered in two parts.
    pub split: f64,
    /// Streams: probability that a chunk waits for the next and is delivered together with it.
    pub merge: f64,
    /// Streams: probability, per chunk, that the connection is reset.
    pub reset: f64,
    /// Streams: probability that a chunk is held for [`stall_for`](Profile::stall_for), and all behind it.
    pub stall: f64,
    /// How long a stalled chunk is held.
    pub stall_for: Duration,
}

impl Default for Profile {
    fn default() -> Profile {
        Profile {
            loss: 0.0,
            duplicate: 0.0,
            reorder: 0.0,
            reorder_by: Duration::from_millis(10),
            corrupt: 0.0,
            delay: Duration::ZERO,
            delay_down: Duration::ZERO,
            jitter: Duration::ZERO,
            rate: None,
            queue: 64 * 1024,
            cuts: Vec::new(),
            split: 0.0,
            merge: 0.0,
            reset: 0.0,
            stall: 0.0,
            stall_for: Duration::from_millis(200),
        }
    }
}

impl Profile {
    /// How long a datagram travels in this direction, without jitter.
    #[must_use]
    pub fn travel(&self, direction: Direction) -> Duration {
        match direction {
            Direction::Up => self.delay,
            Direction::Down => self.delay + self.delay_down,
        }
    }

    /// Whether datagram number `index` that is sent in `direction` at `now` finds the cable pulled.
    #[must_use]
    pub fn is_cut(&self, direction: Direction, now: Duration, index: u64) -> bool {
        self.cuts.iter().any(|cut| {
            cut.blocked.includes(direction)
                && match cut.span {
                    Span::Time { from, to } => from <= now && to.is_none_or(|to| now < to),
                    Span::Index { from, to } => from <= index && to.is_none_or(|to| index < to),
                }
        })
    }

    /// When a stream's bytes that are ready at `now` can enter the cable: `now` unless it is pulled, `None` if it stays so.
    #[must_use]
    pub fn whole_again(&self, direction: Direction, mut now: Duration) -> Option<Duration> {
        // Cuts may overlap in any order, so look again after each step; every step leaves one cut behind for good.
        while let Some(to) = self.cuts.iter().find_map(|cut| match cut.span {
            Span::Time { from, to } if cut.blocked.includes(direction) && from <= now => {
                to.is_none_or(|to| now < to).then_some(to)
            }
            _ => None,
        }) {
            now = to?;
        }
        Some(now)
    }

    /// How long the link is busy with `bytes`.
    #[must_use]
    pub fn serialisation(&self, bytes: usize) -> Duration {
        self.rate.map_or(Duration::ZERO, |rate| {
            let nanoseconds = bytes as u128 * 1_000_000_000 / u128::from(rate.max(1));
            Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
        })
    }

    /// Bytes that wait for the rate at `now`, when the link is busy until `busy_until`.
    #[must_use]
    pub(super) fn backlog(&self, now: Duration, busy_until: Duration) -> usize {
        let waiting = busy_until.saturating_sub(now).as_nanos();
        self.rate.map_or(0, |rate| {
            usize::try_from(waiting * u128::from(rate) / 1_000_000_000).unwrap_or(usize::MAX)
        })
    }
}

impl Blocked {
    /// Whether this way is blocked.
    #[must_use]
    pub fn includes(self, direction: Direction) -> bool {
        matches!(
            (self, direction),
            (Blocked::Both, _) | (Blocked::Up, Direction::Up) | (Blocked::Down, Direction::Down)
        )
    }
}

impl Direction {
    /// Both, in the order of their numbers.
    pub const BOTH: [Direction; 2] = [Direction::Up, Direction::Down];

    /// The way back.
    #[must_use]
    pub fn opposite(self) -> Direction {
        match self {
            Direction::Up => Direction::Down,
            Direction::Down => Direction::Up,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn cut(blocked: Blocked, from: u64, to: Option<u64>) -> Cut {
        Cut { blocked, span: Span::Time { from: s(from), to: to.map(s) } }
    }

    #[test]
    fn a_cut_blocks_its_ways_from_its_first_moment_to_before_its_last() {
        let profile = Profile { cuts: vec![cut(Blocked::Up, 2, Some(5))], ..Profile::default() };
        let blocked = |direction, at| profile.is_cut(direction, s(at), 0);
        assert_eq!([1, 2, 4, 5].map(|at| blocked(Direction::Up, at)), [false, true, true, false]);
        assert_eq!([1, 2, 4, 5].map(|at| blocked(Direction::Down, at)), [false; 4]);
    }

    #[test]
    fn a_cut_by_index_counts_datagrams() {
        let span = Span::Index { from: 100, to: Some(200) };
        let profile = Profile { cuts: vec![Cut { blocked: Blocked::Both, span }], ..Profile::default() };
        let blocked = [99, 100, 199, 200].map(|index| profile.is_cut(Direction::Down, s(0), index));
        assert_eq!(blocked, [false, true, true, false]);
        assert_eq!(profile.whole_again(Direction::Down, s(0)), Some(s(0)));
    }

    #[test]
    fn a_stream_waits_until_the_cable_is_whole_again() {
        let mut profile = Profile {
            cuts: vec![cut(Blocked::Up, 4, Some(6)), cut(Blocked::Both, 2, Some(5))],
            ..Profile::default()
        };
        assert_eq!(profile.whole_again(Direction::Up, s(1)), Some(s(1)));
        assert_eq!(profile.whole_again(Direction::Up, s(3)), Some(s(6)));
        assert_eq!(profile.whole_again(Direction::Down, s(3)), Some(s(5)));
        profile.cuts.push(cut(Blocked::Both, 6, None));
        assert_eq!(profile.whole_again(Direction::Up, s(3)), None);
        assert_eq!(profile.whole_again(Direction::Down, s(3)), Some(s(5)));
    }

    #[test]
    fn the_rate_takes_its_time_and_the_backlog_is_its_inverse() {
        let profile = Profile { rate: Some(1_000_000), ..Profile::default() };
        assert_eq!(profile.serialisation(1400), Duration::from_micros(1400));
        assert_eq!(profile.backlog(s(1), s(1) + Duration::from_micros(1400)), 1400);
        assert_eq!(profile.backlog(s(2), s(1)), 0);
        assert_eq!(Profile::default().serialisation(usize::MAX), Duration::ZERO);
    }
}
