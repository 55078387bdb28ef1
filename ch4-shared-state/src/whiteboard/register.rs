//! One pixel as a conflict-free replicated data type: a last-writer-wins register. Notes, chapter 4: *shared state*
//! ("collaborative coordination"); M. Shapiro and others, "A comprehensive study of Convergent and Commutative Replicated
//! Data Types", 2011, section 3.2.1.
//!
//! A merge keeps the write with the greater stamp. That is commutative, associative and idempotent, so replicas that have
//! merged the same writes hold the same pixel: in whatever order they came, and however often. No author gives one stamp to two
//! writes; somebody else may do it in their name, and then what the writes say decides. If the first to come stayed, one liar
//! could set the replicas apart for ever.
//!
//! Which writes **collided** the stamps alone cannot say: Lamport times order all writes, also those that knew nothing of
//! each other. So a write says what it was painted `over`, and then it did not know whatever lies between:
//!
//! ```text
//!   stamps ──────── over ┈┈┈┈┈┈┈ not known to it ┈┈┈┈┈┈┈ stamp ───►
//! ```
//!
//! Never a false alarm: whatever its author had merged is at or before `over`, because the register it was painted over
//! was the greatest of it. Writes of one author in a row may all say what the first of them was painted over, as long as the author
//! has heard of no other write to the pixel in between: so the page does, and a stroke over one's own stroke hides no collision. Nobody
//! collides with themselves. The price of remembering one step only: when the pixel has been painted by a third meanwhile, a
//! late write that collided with the one before is not reported by those who hold the one after.

use std::cmp::Ordering;

use super::canvas::Colour;
use super::clock::Stamp;

/// A write to a pixel, which is also the pixel's state: the greatest write that it has seen. The default is the blank pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Write {
    /// What was painted.
    pub colour: Colour,
    /// When in logical time, and by whom.
    pub stamp: Stamp,
    /// The stamp that the pixel had when its author painted it.
    pub over: Stamp,
    /// When by its author's wall clock, milliseconds since 1970. To be looked at only: wall clocks disagree, so it decides
    /// nothing.
    pub at_ms: u64,
}

/// What became of a merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Merge {
    /// It was here already.
    Known,
    /// It is the pixel now.
    Won {
        /// The write that it beat without having known it.
        collided: Option<Write>,
    },
    /// The pixel stays.
    Lost {
        /// The pixel, if its author did not know the write that lost.
        collided: Option<Write>,
    },
}

impl Write {
    /// Merges another write into this pixel.
    pub fn merge(&mut self, other: Write) -> Merge {
        match other.place().cmp(&self.place()) {
            Ordering::Greater => {
                let beaten = std::mem::replace(self, other);
                Merge::Won { collided: self.missed(&beaten).then_some(beaten) }
            }
            Ordering::Equal => Merge::Known,
            Ordering::Less => Merge::Lost { collided: self.missed(&other).then_some(*self) },
        }
    }

    /// Where it is in the one order of all writes.
    fn place(&self) -> impl Ord + use<> {
        (self.stamp, self.colour, self.over, self.at_ms)
    }

    /// Whether the author of this write did not know that `earlier` one.
    fn missed(&self, earlier: &Write) -> bool {
        self.over < earlier.stamp && earlier.stamp < self.stamp && earlier.stamp.by != self.stamp.by
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::whiteboard::clock::Replica;
    use proptest::prelude::*;

    fn write(time: u64, by: u32) -> Write {
        Write {
            colour: Colour::try_from(((time * 7 + u64::from(by)) % 16) as u8).unwrap(),
            stamp: Stamp { time, by: Replica(by) },
            over: Stamp { time: time / 2, by: Replica(by / 2) },
            at_ms: time,
        }
    }

    prop_compose! {
        fn any_write()(time in 0u64..20, by in 0u32..4, colour in 0u8..16, at_ms in 0u64..3) -> Write {
            Write { colour: colour.try_into().unwrap(), at_ms, ..write(time, by) }
        }
    }

    fn merged(mut left: Write, right: Write) -> Write {
        left.merge(right);
        left
    }

    proptest! {
        #[test]
        fn merging_is_commutative(a in any_write(), b in any_write()) {
            prop_assert_eq!(merged(a, b), merged(b, a));
        }

        #[test]
        fn merging_is_associative(a in any_write(), b in any_write(), c in any_write()) {
            prop_assert_eq!(merged(merged(a, b), c), merged(a, merged(b, c)));
        }

        #[test]
        fn merging_is_idempotent(a in any_write(), b in any_write()) {
            prop_assert_eq!(merged(a, a), a);
            prop_assert_eq!(merged(merged(a, b), b), merged(a, b));
        }
    }

    #[test]
    fn who_painted_over_what_they_saw_did_not_collide() {
        let first = Write { over: Stamp::default(), ..write(3, 1) };
        let second = Write { over: first.stamp, ..write(4, 2) };
        let mut pixel = first;
        assert_eq!(pixel.merge(second), Merge::Won { collided: None });
        assert_eq!(pixel.merge(first), Merge::Lost { collided: None });
        assert_eq!(pixel.merge(second), Merge::Known);
    }

    /// The page paints a stroke over its own as if over what was there before both.
    #[test]
    fn nobody_collides_with_themselves() {
        let first = Write { over: Stamp::default(), ..write(3, 1) };
        let second = Write { over: Stamp::default(), ..write(5, 1) };
        let mut pixel = first;
        assert_eq!(pixel.merge(second), Merge::Won { collided: None });
        assert_eq!(pixel.merge(first), Merge::Lost { collided: None });
        let other = Write { over: Stamp::default(), ..write(4, 2) };
        assert_eq!(pixel.merge(other), Merge::Lost { collided: Some(second) });
    }

    #[test]
    fn two_writes_of_one_stamp_set_no_replicas_apart() {
        let honest = Write { colour: Colour::try_from(3).unwrap(), ..write(5, 1) };
        let forged = Write { colour: Colour::try_from(9).unwrap(), ..honest };
        let (mut here, mut there) = (honest, forged);
        assert_eq!(here.merge(forged), Merge::Won { collided: None });
        assert_eq!(there.merge(honest), Merge::Lost { collided: None });
        assert_eq!(here, there);
    }

    #[test]
    fn who_painted_at_once_collided_and_all_name_the_same_winner() {
        let ann = Write { over: Stamp::default(), ..write(3, 1) };
        let bob = Write { over: Stamp::default(), ..write(3, 2) };
        let (mut here, mut there) = (ann, bob);
        assert_eq!(here.merge(bob), Merge::Won { collided: Some(ann) });
        assert_eq!(there.merge(ann), Merge::Lost { collided: Some(bob) });
        assert_eq!((here, there), (bob, bob));
    }
}
