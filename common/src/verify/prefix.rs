//! A history that is too long for the search is not given up as a whole: its beginning may be decided.
//!
//! ```text
//!   the whole     ├────────────────────────────────┤ unknown
//!   half of it    ├────────────────┤ unknown
//!   a quarter     ├────────┤ linearizable
//!   between them  ├────────────┤ violation                  and so is the whole
//! ```
//!
//! If the whole had an order, so had each beginning: the same one, cut off. So a violation of the beginning is one of the whole.

use super::history::History;
use super::linearizability::{Limit, SearchResult, Verdict, check};
use super::specification::Specification;

/// The beginning of a history that was decided.
#[derive(Debug)]
pub struct Decided<O, A> {
    /// The beginning.
    pub history: History<O, A>,
    /// Its verdict: never [`Verdict::Unknown`].
    pub result: SearchResult,
}

/// Looks for a violation in beginnings of a history that is too long, or else for the longest beginning that has an order, about.
pub fn decided_prefix<S: Specification>(
    specification: &S,
    history: &History<S::Operation, S::Answer>,
    limit: Limit<'_>,
) -> Option<Decided<S::Operation, S::Answer>>
where
    S::Operation: Clone,
    S::Answer: Clone,
{
    let (mut decided, mut known, mut unknown) = (None, 0, history.returns());
    let near_enough = history.returns() / 32 + 1;
    while unknown - known > near_enough {
        let returns = (known + unknown) / 2;
        let prefix = history.prefix(returns);
        let result = check(specification, &prefix, limit);
        match result.verdict {
            Verdict::Unknown => unknown = returns,
            Verdict::Violation(_) => return Some(Decided { history: prefix, result }),
            Verdict::Linearizable(_) => {
                known = returns;
                decided = Some(Decided { history: prefix, result });
            }
        }
    }
    decided
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::board::{Answer, Board, Operation};
    use super::super::history::Call;
    use super::*;

    type BoardCall = Call<Operation, Answer>;

    /// The call with this number of one client after another.
    fn call(number: u64, operation: Operation, answer: Answer) -> BoardCall {
        let at = |half| Duration::from_millis(2 * number + half);
        Call { client: 0, operation, called: at(0), returned: Some((at(1), answer)) }
    }

    fn reads(count: u64) -> Vec<BoardCall> {
        (0..count).map(|number| call(number, Operation::Last(0), Answer::Ids(Vec::new()))).collect()
    }

    #[test]
    fn a_violation_before_the_search_is_given_up_is_found() {
        let mut calls = reads(1000);
        calls[300].returned = Some((calls[300].end(), Answer::Ids(vec![7])));
        let decided = decided_prefix(&Board::default(), &History::new(calls), 400.into()).unwrap();
        let Verdict::Violation(violation) = decided.result.verdict else { panic!("{:?}", decided.result) };
        assert_eq!(violation.culprit, 300);
    }

    #[test]
    fn the_longest_beginning_that_has_an_order_is_found_about() {
        let decided = decided_prefix(&Board::default(), &History::new(reads(1000)), 400.into()).unwrap();
        assert!(matches!(decided.result.verdict, Verdict::Linearizable(_)));
        assert!((360..=400).contains(&decided.history.returns()), "{}", decided.history.returns());
        assert!(decided_prefix(&Board::default(), &History::new(reads(1000)), 0.into()).is_none());
    }
}
