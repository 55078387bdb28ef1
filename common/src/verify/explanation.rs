//! A violation made small enough to read.
//!
//! ```text
//!   400 calls ──► those begun before the culprit returned ──► without reads ──► 6 calls
//! ```
//!
//! Calls may be left out only where that cannot *make* a violation: a read changes nothing for the others. A write is never left
//! out, or whoever read it would stand there as the culprit; and neither is a call that never returned, which may have been one. So
//! what is kept is still a violation, for the same reason, and the search says so each time.

use std::time::Duration;

use super::history::{Call, History};
use super::linearizability::{Limit, Verdict, Violation, check};
use super::specification::Specification;

/// Most reads that are left out one by one, when leaving out all of them at once leaves no violation.
const ONE_BY_ONE: usize = 200;

/// Why there is no order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The call whose answer is the first that no order explains.
    pub culprit: usize,
    /// An order of the calls before it.
    pub order: Vec<usize>,
    /// What the culprit would have been answered in that order, in the places where it might stand.
    pub right: Vec<String>,
    /// The calls that were open together with the culprit and are needed for the violation.
    pub rivals: Vec<usize>,
    /// The calls that are a violation by themselves, in the order of their beginnings: the culprit, its rivals and those before.
    pub needed: Vec<usize>,
}

/// Explains a violation that [`check`] has found in this history. Each search in it takes at most `limit`; one that takes more
/// leaves the explanation longer than it need be.
pub fn explain<'a, S: Specification>(
    specification: &S,
    history: &History<S::Operation, S::Answer>,
    violation: &Violation,
    limit: impl Into<Limit<'a>>,
) -> Explanation {
    let calls = history.calls();
    let culprit = &calls[violation.culprit];
    let needed = needed(specification, calls, violation.culprit, limit.into());
    let is_rival = |&index: &usize| index != violation.culprit && calls[index].overlaps(culprit);
    Explanation {
        culprit: violation.culprit,
        order: violation.order.clone(),
        right: right_answers(specification, calls, violation),
        rivals: needed.iter().copied().filter(is_rival).collect(),
        needed,
    }
}

/// What the culprit would be answered in the places of the order where it may stand and takes nothing from those behind it: behind all
/// calls that returned before it began. At the very end it is in nobody's way, so there is always one.
fn right_answers<S: Specification>(
    specification: &S,
    calls: &[Call<S::Operation, S::Answer>],
    violation: &Violation,
) -> Vec<String> {
    let culprit = &calls[violation.culprit];
    let is_before = |&index: &usize| calls[index].end() < culprit.called;
    let first_place = violation.order.iter().rposition(is_before).map_or(0, |place| place + 1);
    let mut state = specification.initial();
    let mut answers: Vec<String> = Vec::new();
    for place in 0..=violation.order.len() {
        if place >= first_place {
            let (right, after) = specification.step(&state, &culprit.operation);
            let after = after.unwrap_or_else(|| state.clone());
            if explains(specification, calls, &violation.order[place..], after)
                && !answers.contains(&right.to_string())
            {
                answers.push(right.to_string());
            }
        }
        if let Some(&next) = violation.order.get(place) {
            state = specification.step(&state, &calls[next].operation).1.unwrap_or(state);
        }
    }
    answers
}

/// Whether these calls, one after another from this state, are answered as they were.
fn explains<S: Specification>(
    specification: &S,
    calls: &[Call<S::Operation, S::Answer>],
    order: &[usize],
    mut state: S::State,
) -> bool {
    order.iter().all(|&index| {
        let (right, after) = specification.step(&state, &calls[index].operation);
        if let Some(after) = after {
            state = after;
        }
        calls[index].answer().is_none_or(|given| specification.agrees(&right, given))
    })
}

fn needed<S: Specification>(
    specification: &S,
    calls: &[Call<S::Operation, S::Answer>],
    culprit: usize,
    limit: Limit<'_>,
) -> Vec<usize> {
    let begun = calls.partition_point(|call| call.called <= calls[culprit].end());
    let is_read = |&index: &usize| {
        let call: &Call<_, _> = &calls[index];
        index != culprit && call.answer().is_some_and(|answer| specification.is_read(&call.operation, answer))
    };
    let is_violation = |kept: &[usize]| {
        let history = History::new(kept.iter().map(|&index| calls[index].clone()).collect());
        matches!(check(specification, &history, limit).verdict, Verdict::Violation(_))
    };

    let writes: Vec<usize> = (0..begun).filter(|index| !is_read(index)).collect();
    if is_violation(&writes) {
        return writes;
    }
    // A read that is needed is most likely one of the last.
    let mut kept: Vec<usize> = (0..begun).collect();
    let reads: Vec<usize> = kept.iter().copied().filter(is_read).collect();
    for read in reads.into_iter().take(ONE_BY_ONE) {
        let without: Vec<usize> = kept.iter().copied().filter(|&index| index != read).collect();
        if is_violation(&without) {
            kept = without;
        }
    }
    kept
}

/// The time from the first of these calls to the end of the last that returned.
pub(super) fn span<O, A>(calls: &[Call<O, A>], indices: &[usize]) -> (Duration, Duration) {
    let begin = indices.iter().map(|&index| calls[index].called).min().unwrap_or_default();
    let ends = indices.iter().filter_map(|&index| calls[index].returned.as_ref().map(|(at, _)| *at));
    (begin, ends.max().unwrap_or(begin))
}
