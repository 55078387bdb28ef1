//! What becomes of a datagram: a pure function of the seed, the link and the datagram's number.
//!
//! ```text
//! key (seed, link) ──▶ SipHash-2-4 ◀── index, question         one hash per question
//!                          │
//!                     64 even bits ── below the probability? ── yes: it happens
//! ```
//!
//! No generator with a state, because its numbers would depend on the order in which they are drawn: here the fate of datagram
//! 17 of flow 3 is the same whatever the other flows do, whether 16 others came before it or it is asked for alone, and whether
//! the link is a relay with real sockets or a test in virtual time. Turning one knob leaves the other decisions as they were,
//! and a higher loss loses everything that a lower one loses.

use std::hash::Hasher;
use std::time::Duration;

use siphasher::sip::SipHasher24;

use super::profile::{Direction, Profile};

/// What becomes of one datagram: no copy arrives (it is lost), one or two do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Fate {
    /// The copies that arrive. The second is there only if the first is.
    pub copies: [Option<Passage>; 2],
}

/// How one copy passes the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Passage {
    /// How long it takes beyond the link's delay: jitter, and `reorder_by` if it is reordered.
    pub extra_delay: Duration,
    /// It may be overtaken by those behind it.
    pub reordered: bool,
    /// The bit to flip, modulo the number of bits; bit 0 is the lowest of the first byte.
    pub corrupt: Option<u64>,
}

/// The number of one direction of a flow, as [`fate`] wants it.
#[must_use]
pub fn link(flow: u64, direction: Direction) -> u64 {
    flow * 2 + direction as u64
}

/// The fate of datagram number `index` (from 0) on this link. Cuts and full queues are not its fate but the time's: see
/// [`Wire`](super::wire::Wire).
#[must_use]
pub fn fate(profile: &Profile, seed: u64, link: u64, index: u64) -> Fate {
    let dice = Dice { seed, link, index };
    if dice.happens(Question::Loss, profile.loss) {
        return Fate::default();
    }
    let passage = |reorder, jitter, corrupt, bit| {
        let reordered = dice.happens(reorder, profile.reorder);
        let held_back = if reordered { profile.reorder_by } else { Duration::ZERO };
        Passage {
            extra_delay: dice.share(jitter, profile.jitter) + held_back,
            reordered,
            corrupt: dice.happens(corrupt, profile.corrupt).then(|| dice.roll(bit)),
        }
    };
    let first = passage(Question::Reorder, Question::Jitter, Question::Corrupt, Question::Bit);
    let second = dice.happens(Question::Duplicate, profile.duplicate).then(|| {
        let [reorder, jitter] = [Question::ReorderCopy, Question::JitterCopy];
        passage(reorder, jitter, Question::CorruptCopy, Question::BitCopy)
    });
    Fate { copies: [Some(first), second] }
}

impl Fate {
    /// Nothing arrives.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.copies[0].is_none()
    }

    /// The copies that arrive, none to two.
    pub fn copies(&self) -> impl Iterator<Item = Passage> {
        self.copies.into_iter().flatten()
    }
}

impl Passage {
    /// Flips the bit, if one is to be flipped and there is one.
    pub fn apply(&self, datagram: &mut [u8]) {
        if let Some(bit) = self.corrupt
            && !datagram.is_empty()
        {
            let bit = bit % (datagram.len() as u64 * 8);
            datagram[(bit / 8) as usize] ^= 1 << (bit % 8);
        }
    }
}

/// The fates of one link, one after another: for a program that loses datagrams inside itself, without a relay.
///
/// ```
/// use common::netem::{Fates, Profile};
/// let mut fates = Fates::new(Profile { loss: 0.2, ..Profile::default() }, 1, 0);
/// let arrived = fates.by_ref().take(1000).filter(|fate| !fate.is_lost()).count();
/// assert!((750..850).contains(&arrived));
/// ```
#[derive(Debug, Clone)]
pub struct Fates {
    profile: Profile,
    seed: u64,
    link: u64,
    index: u64,
}

impl Fates {
    /// The fates of this link from datagram 0 on.
    #[must_use]
    pub fn new(profile: Profile, seed: u64, link: u64) -> Fates {
        Fates { profile, seed, link, index: 0 }
    }
}

impl Iterator for Fates {
    type Item = Fate;

    /// The next datagram's fate. Never ends.
    fn next(&mut self) -> Option<Fate> {
        let fate = fate(&self.profile, self.seed, self.link, self.index);
        self.index += 1;
        Some(fate)
    }
}

/// What is asked about a datagram or a chunk. The numbers are part of the hash: never reuse one.
#[derive(Debug, Clone, Copy)]
pub(super) enum Question {
    Loss = 0,
    Duplicate = 1,
    Reorder = 2,
    Jitter = 3,
    Corrupt = 4,
    Bit = 5,
    ReorderCopy = 6,
    JitterCopy = 7,
    CorruptCopy = 8,
    BitCopy = 9,
    Split = 10,
    SplitAt = 11,
    Merge = 12,
    Reset = 13,
    Stall = 14,
}

/// All answers about one datagram.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dice {
    pub seed: u64,
    pub link: u64,
    pub index: u64,
}

impl Dice {
    /// 64 bits, evenly distributed.
    pub fn roll(self, question: Question) -> u64 {
        let mut hasher = SipHasher24::new_with_keys(self.seed, self.link);
        hasher.write(&self.index.to_le_bytes());
        hasher.write(&[question as u8]);
        hasher.finish()
    }

    /// Whether something of this probability happens. What is off is not even asked.
    pub fn happens(self, question: Question, probability: f64) -> bool {
        probability > 0.0 && self.unit(question) < probability
    }

    /// A part of the whole, evenly distributed, to a nanosecond.
    pub fn share(self, question: Question, whole: Duration) -> Duration {
        if whole.is_zero() { whole } else { whole.mul_f64(self.unit(question)) }
    }

    /// A number in `0.0..1.0`: the upper 53 bits, which are all that an `f64` holds.
    fn unit(self, question: Question) -> f64 {
        (self.roll(question) >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all_faults() -> Profile {
        Profile {
            loss: 0.2,
            duplicate: 0.1,
            reorder: 0.1,
            corrupt: 0.05,
            jitter: Duration::from_millis(5),
            ..Profile::default()
        }
    }

    #[test]
    fn the_same_seed_link_and_index_have_the_same_fate() {
        let profile = all_faults();
        let forwards: Vec<Fate> = (0..1000).map(|index| fate(&profile, 7, 3, index)).collect();
        let backwards: Vec<Fate> = (0..1000).rev().map(|index| fate(&profile, 7, 3, index)).collect();
        assert!(forwards.iter().eq(backwards.iter().rev()));
        assert!(forwards.iter().copied().eq(Fates::new(profile.clone(), 7, 3).take(1000)));
        let differs =
            |seed, link| !forwards.iter().copied().eq(Fates::new(profile.clone(), seed, link).take(1000));
        assert!(differs(8, 3) && differs(7, 2) && differs(3, 7));
    }

    /// Seeds are written into reports and tests: they must mean the same next year. A change of the hash, of a question's number
    /// or of their order is seen here.
    #[test]
    fn the_first_fates_of_seed_1_never_change() {
        let drawn: String = Fates::new(all_faults(), 1, 0)
            .take(60)
            .map(|fate| match fate.copies {
                [None, _] => 'x',
                [Some(_), Some(_)] => '2',
                [Some(passage), None] if passage.corrupt.is_some() => '!',
                [Some(passage), None] if passage.reordered => '~',
                [Some(_), None] => '.',
            })
            .collect();
        assert_eq!(drawn, "x.....~2..x...~..2..............x....xx..xx...2.2x...~......");
        let first =
            Fates::new(Profile { corrupt: 1.0, jitter: Duration::from_secs(1), ..Profile::default() }, 1, 0);
        let numbers: Vec<(u128, u64)> = first
            .take(3)
            .flat_map(|fate| {
                fate.copies().map(|p| (p.extra_delay.as_nanos(), p.corrupt.unwrap())).collect::<Vec<_>>()
            })
            .collect();
        assert_eq!(
            numbers,
            [
                (568_504_636, 1_470_344_064_571_342_497),
                (529_006_635, 10_860_013_575_527_791_622),
                (226_922_045, 10_755_427_207_834_206_143)
            ]
        );
    }

    #[test]
    fn every_rate_is_right_over_100_000_datagrams() {
        const N: usize = 100_000;
        let profile = all_faults();
        let fates: Vec<Fate> = Fates::new(profile, 42, 0).take(N).collect();
        // The deviation of a count is at most sqrt(N)/2 = 158; five of them never happen, and the seed is fixed.
        let near = |what: &str, count: usize, of: usize, share: f64| {
            let expected = of as f64 * share;
            assert!((count as f64 - expected).abs() < 800.0, "{what}: {count} of {of}, expected {expected}");
        };
        let arrived: Vec<Fate> = fates.iter().copied().filter(|fate| !fate.is_lost()).collect();
        near("lost", N - arrived.len(), N, 0.2);
        let doubled = arrived.iter().filter(|fate| fate.copies().count() == 2).count();
        near("duplicated", doubled, arrived.len(), 0.1);
        let copies: Vec<Passage> = arrived.iter().flat_map(Fate::copies).collect();
        near("reordered", copies.iter().filter(|copy| copy.reordered).count(), copies.len(), 0.1);
        near("corrupted", copies.iter().filter(|copy| copy.corrupt.is_some()).count(), copies.len(), 0.05);
        let half = |copy: &&Passage| !copy.reordered && copy.extra_delay < Duration::from_micros(2500);
        near("half the jitter", copies.iter().filter(half).count(), copies.len(), 0.45);
    }

    #[test]
    fn decisions_are_independent_of_one_another_and_of_other_knobs() {
        let lossy = Profile { loss: 0.3, ..Profile::default() };
        let lost = |profile: &Profile| (0..500).map(|i| fate(profile, 9, 1, i).is_lost()).collect::<Vec<_>>();
        assert_eq!(lost(&lossy), lost(&Profile { loss: 0.3, ..all_faults() }));
        let worse = lost(&Profile { loss: 0.5, ..Profile::default() });
        assert!(lost(&lossy).iter().zip(&worse).all(|(some, more)| *more || !*some));
        // Of two independent decisions with probabilities of a half, both happen in a quarter of the cases.
        let profile = Profile { duplicate: 0.5, corrupt: 0.5, ..Profile::default() };
        let both = Fates::new(profile, 3, 0)
            .take(10_000)
            .filter(|fate| matches!(fate.copies, [Some(Passage { corrupt: Some(_), .. }), Some(_)]));
        assert!((2300..2700).contains(&both.count()));
    }

    #[test]
    fn certain_and_impossible_are_meant_literally() {
        let all = Profile { loss: 1.0, ..Profile::default() };
        assert!(Fates::new(all, 1, 1).take(1000).all(|fate| fate.is_lost()));
        let perfect = Fate { copies: [Some(Passage::default()), None] };
        assert!(Fates::new(Profile::default(), 1, 1).take(1000).all(|fate| fate == perfect));
    }

    #[test]
    fn corruption_flips_exactly_one_bit() {
        let profile = Profile { corrupt: 1.0, ..Profile::default() };
        for (index, fate) in Fates::new(profile, 5, 0).take(1000).enumerate() {
            let mut datagram = vec![0xA5; 1 + index % 100];
            fate.copies().next().unwrap().apply(&mut datagram);
            let flipped: u32 = datagram.iter().map(|byte| (byte ^ 0xA5).count_ones()).sum();
            assert_eq!(flipped, 1, "datagram {index}");
        }
        Passage { corrupt: Some(3), ..Passage::default() }.apply(&mut []);
    }
}
