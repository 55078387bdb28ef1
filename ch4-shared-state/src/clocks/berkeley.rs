//! The Berkeley algorithm (Gusella and Zatti, 1989): nobody has the true time, and all agree on the mean.
//!
//! ```text
//!   coordinator asks all ──► offsets  +5  −3  (+900)  and its own 0
//!                            far from the middle one? left out
//!                            mean of the rest: +1
//!   coordinator has all set by mean − offset:  −4  +4  (−899)  +1
//! ```
//!
//! A clock that is far off is not asked for its opinion, but set. What is sent is by how much to set a clock, and not the time: it does not
//! grow old on its way.

use super::clock::Nanos;
use super::cristian::Estimate;

/// By how much each clock is to be set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreement {
    /// The coordinator's own.
    pub own: Nanos,
    /// One for each participant, in their order; `None` for one that has not answered.
    pub others: Vec<Option<Nanos>>,
    /// Those whose opinion was not counted.
    pub left_out: Vec<usize>,
    /// No two of those set are further apart afterwards.
    pub bound: Nanos,
}

/// What the coordinator decides. Each estimate says how far that participant is ahead of the coordinator; `None`: it has not answered. Who
/// is further than `tolerance` from the middle one is left out of the mean.
#[must_use]
pub fn agree(estimates: &[Option<Estimate>], tolerance: Nanos) -> Agreement {
    let heard = estimates.iter().flatten().map(|estimate| estimate.offset);
    let mut offsets: Vec<Nanos> = heard.chain([0]).collect();
    offsets.sort_unstable();
    let median = offsets[offsets.len() / 2];
    let counts = |offset: Nanos| (offset - median).abs() <= tolerance;
    let (sum, count) = offsets
        .iter()
        .filter(|&&offset| counts(offset))
        .fold((0, 0), |(sum, count), &offset| (sum + i128::from(offset), count + 1));
    let mean = (sum / count) as Nanos; // the median counts, so there is one
    let left_out = estimates
        .iter()
        .enumerate()
        .filter(|(_, estimate)| estimate.is_some_and(|estimate| !counts(estimate.offset)))
        .map(|(index, _)| index);
    let mut bounds: Vec<Nanos> = estimates.iter().flatten().map(|estimate| estimate.bound).collect();
    bounds.sort_unstable();
    Agreement {
        own: mean,
        others: estimates.iter().map(|estimate| Some(mean - (*estimate)?.offset)).collect(),
        left_out: left_out.collect(),
        bound: bounds.iter().rev().take(2).sum(), // two that are wrong in opposite directions
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ahead(offset: Nanos) -> Option<Estimate> {
        Some(Estimate { offset, bound: 10, at: 0 })
    }

    #[test]
    fn all_are_set_to_the_mean() {
        let agreement = agree(&[ahead(6), ahead(-3)], 100);
        assert_eq!((agreement.own, agreement.others), (1, vec![Some(-5), Some(4)]));
        assert_eq!(agreement.bound, 20);
    }

    #[test]
    fn a_clock_that_is_far_off_is_set_and_has_no_say() {
        let agreement = agree(&[ahead(6), ahead(900), None, ahead(-3)], 100);
        assert_eq!(agreement.own, 1);
        assert_eq!(agreement.others, [Some(-5), Some(-899), None, Some(4)]);
        assert_eq!(agreement.left_out, [1]);
    }

    #[test]
    fn alone_it_stays_as_it_is() {
        assert_eq!(agree(&[None], 100), Agreement { own: 0, others: vec![None], left_out: vec![], bound: 0 });
    }
}
