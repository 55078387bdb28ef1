//! What becomes of a segment of a stream: as with [datagrams](mod@super::fate), a pure function of the seed, the link and the
//! segment's number.

use std::time::Duration;

use super::fate::{Dice, Question};
use super::profile::Profile;

/// What becomes of one segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SegmentFate {
    /// The connection is reset in its place.
    pub reset: bool,
    /// It waits for a retransmission.
    pub lost: bool,
    /// It waits for [`Profile::stall_for`].
    pub stalled: bool,
    /// It waits for the next one.
    pub merged: bool,
    /// It comes in two parts, the first of this length modulo what is possible.
    pub split: Option<u64>,
    /// The bit that is flipped, as in [`Passage::corrupt`](super::fate::Passage::corrupt).
    pub corrupt: Option<u64>,
    /// Its jitter.
    pub jitter: Duration,
}

/// The fate of segment number `index` (from 0) of this link: a function of its arguments alone, as
/// [`fate`](super::fate::fate) is.
#[must_use]
pub fn segment_fate(profile: &Profile, seed: u64, link: u64, index: u64) -> SegmentFate {
    let dice = Dice { seed, link, index };
    let happens = |question, probability| dice.happens(question, probability);
    SegmentFate {
        reset: happens(Question::Reset, profile.reset),
        lost: happens(Question::Loss, profile.loss),
        stalled: happens(Question::Stall, profile.stall),
        merged: happens(Question::Merge, profile.merge),
        split: happens(Question::Split, profile.split).then(|| dice.roll(Question::SplitAt)),
        corrupt: happens(Question::Corrupt, profile.corrupt).then(|| dice.roll(Question::Bit)),
        jitter: dice.share(Question::Jitter, profile.jitter),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_fates_of_seed_1_never_change() {
        let profile =
            Profile { split: 0.2, merge: 0.2, reset: 0.05, stall: 0.1, loss: 0.1, ..Profile::default() };
        let drawn: String = (0..60)
            .map(|index| match segment_fate(&profile, 1, 0, index) {
                SegmentFate { reset: true, .. } => 'R',
                SegmentFate { lost: true, .. } => 'x',
                SegmentFate { stalled: true, .. } => 's',
                SegmentFate { merged: true, .. } => 'm',
                SegmentFate { split: Some(_), .. } => '/',
                _ => '.',
            })
            .collect();
        assert_eq!(drawn, ".s...ms...s/.s./......mmm.s.//.sms...xxs..x.s...mx..mm/s.s./");
    }

    #[test]
    fn every_rate_is_right_over_100_000_segments() {
        let profile =
            Profile { split: 0.2, merge: 0.3, reset: 0.05, stall: 0.1, loss: 0.15, ..Profile::default() };
        let fates: Vec<SegmentFate> = (0..100_000).map(|index| segment_fate(&profile, 9, 3, index)).collect();
        let near = |share: f64, of: fn(&&SegmentFate) -> bool| {
            let count = fates.iter().filter(of).count() as f64;
            assert!((count - share * 1e5).abs() < 800.0, "{count}, expected {share}");
        };
        near(0.2, |fate| fate.split.is_some());
        near(0.3, |fate| fate.merged);
        near(0.05, |fate| fate.reset);
        near(0.1, |fate| fate.stalled);
        near(0.15, |fate| fate.lost);
    }
}
