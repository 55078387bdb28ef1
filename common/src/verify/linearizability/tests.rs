//! Known histories of a register and of a queue, and random ones against a search that tries every order.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use proptest::prelude::*;

use super::*;

/// Write and read a number.
struct Register;

/// Put numbers in, take the oldest out.
struct Queue;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    Put(u8),
    Take,
}

use Operation::{Put, Take};

/// What came back: the number that was read or taken, if any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Answer(Option<u8>);

const DONE: Answer = Answer(None);

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl Specification for Register {
    type Operation = Operation;
    type Answer = Answer;
    type State = Option<u8>;

    fn initial(&self) -> Option<u8> {
        None
    }

    fn step(&self, state: &Option<u8>, operation: &Operation) -> (Answer, Option<Option<u8>>) {
        match operation {
            Put(value) => (DONE, Some(Some(*value))),
            Take => (Answer(*state), None),
        }
    }

    fn agrees(&self, right: &Answer, given: &Answer) -> bool {
        right == given
    }

    fn is_read(&self, operation: &Operation, _answer: &Answer) -> bool {
        *operation == Take
    }
}

impl Specification for Queue {
    type Operation = Operation;
    type Answer = Answer;
    type State = VecDeque<u8>;

    fn initial(&self) -> VecDeque<u8> {
        VecDeque::new()
    }

    fn step(&self, state: &VecDeque<u8>, operation: &Operation) -> (Answer, Option<VecDeque<u8>>) {
        let mut after = state.clone();
        match operation {
            Put(value) => {
                after.push_back(*value);
                (DONE, Some(after))
            }
            Take => {
                let taken = after.pop_front();
                (Answer(taken), taken.map(|_| after))
            }
        }
    }

    fn agrees(&self, right: &Answer, given: &Answer) -> bool {
        right == given
    }
}

type Calls = Vec<Call<Operation, Answer>>;

/// Each call in a lane of its own.
fn calls(calls: &[(u64, Option<u64>, Operation, Answer)]) -> History<Operation, Answer> {
    let at = Duration::from_micros;
    let call =
        |(client, &(called, end, operation, answer)): (usize, &(u64, Option<u64>, Operation, Answer))| Call {
            client,
            operation,
            called: at(called),
            returned: end.map(|end| (at(end), answer)),
        };
    History::new(calls.iter().enumerate().map(call).collect())
}

fn verdict<S>(specification: &S, history: &History<Operation, Answer>) -> Verdict
where
    S: Specification<Operation = Operation, Answer = Answer>,
{
    check(specification, history, STEPS).verdict
}

fn holds(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Linearizable(_))
}

const fn read(value: u8) -> Answer {
    Answer(Some(value))
}

#[test]
fn a_read_during_a_write_may_see_either() {
    for (value, fine) in [(DONE, true), (read(1), true), (read(2), false)] {
        let history = calls(&[(0, Some(10), Put(1), DONE), (5, Some(6), Take, value)]);
        assert_eq!(holds(&verdict(&Register, &history)), fine, "{value:?}");
    }
}

#[test]
fn once_read_the_new_value_stays() {
    // Both reads overlap the write, but the second begins after the first has ended.
    let history =
        calls(&[(0, Some(20), Put(1), DONE), (5, Some(6), Take, read(1)), (7, Some(8), Take, DONE)]);
    let Verdict::Violation(violation) = verdict(&Register, &history) else { panic!("new, then old") };
    assert_eq!(violation.culprit, 2);
    assert_eq!(violation.order, [0, 1], "the write must have happened, though it returned later");
}

#[test]
fn what_never_returned_may_have_happened_or_not() {
    let both = [DONE, read(1)];
    for (first, second) in [(0, 0), (0, 1), (1, 1), (1, 0)] {
        let history = calls(&[
            (0, None, Put(1), DONE),
            (10, Some(11), Take, both[first]),
            (12, Some(13), Take, both[second]),
        ]);
        assert_eq!(holds(&verdict(&Register, &history)), first <= second, "{first} {second}");
    }
}

#[test]
fn the_order_of_a_queue_is_found_from_what_was_taken() {
    let history = calls(&[
        (0, Some(10), Put(1), DONE),
        (0, Some(10), Put(2), DONE),
        (0, Some(10), Put(3), DONE),
        (11, Some(12), Take, read(3)),
        (13, Some(20), Take, read(1)),
        (13, Some(20), Take, read(2)),
    ]);
    let Verdict::Linearizable(order) = verdict(&Queue, &history) else {
        panic!("3, then 1 and 2 in any order")
    };
    assert_eq!(order[0], 2);
    assert_eq!(order.len(), 6);
}

#[test]
fn the_culprit_is_the_first_answer_that_fits_nowhere() {
    let history = calls(&[
        (0, Some(1), Put(1), DONE),
        (2, Some(3), Put(2), DONE),
        (4, Some(5), Take, read(2)),
        (6, Some(7), Take, read(7)),
    ]);
    let Verdict::Violation(violation) = verdict(&Queue, &history) else { panic!("1 was first") };
    assert_eq!(violation, Violation { culprit: 2, order: vec![0, 1] });
}

#[test]
fn the_bound_is_kept_and_said() {
    // Ten puts at once, and a queue that lost one: every order must be tried.
    let mut all: Vec<_> = (0..10).map(|value| (0, Some(10), Put(value), DONE)).collect();
    all.push((11, Some(12), Take, read(99)));
    let history = calls(&all);
    for limit in [0, 1, 1000] {
        assert_eq!(check(&Queue, &history, limit), SearchResult { verdict: Verdict::Unknown, steps: limit });
    }
    assert_eq!(check(&Queue, &calls(&[]), 0).verdict, Verdict::Linearizable(Vec::new()));
}

#[test]
fn the_search_keeps_its_time() {
    let history = calls(&[(0, Some(1), Put(1), DONE), (2, Some(3), Take, read(1))]);
    let within =
        |is_late: &dyn Fn() -> bool| check(&Queue, &history, Limit { steps: STEPS, is_late: Some(is_late) });
    assert_eq!(within(&|| true), SearchResult { verdict: Verdict::Unknown, steps: 0 });
    assert!(holds(&within(&|| false).verdict));
}

#[test]
fn what_never_returned_stays_in_the_explanation() {
    // Whether the put of 1 happened, nobody knows; that 3 was taken and never put cannot be. Without the put the culprit would be
    // explained by a call that is right: the take of 1.
    let history = calls(&[
        (0, None, Put(1), DONE),
        (1, Some(2), Take, read(1)),
        (3, Some(4), Put(2), DONE),
        (5, Some(6), Take, read(3)),
    ]);
    let Verdict::Violation(violation) = verdict(&Queue, &history) else { panic!("3 was never put") };
    assert_eq!(violation.culprit, 3);
    let explanation = crate::verify::explain(&Queue, &history, &violation, STEPS);
    assert_eq!(explanation.needed, [0, 1, 2, 3]);
}

#[test]
fn the_same_history_takes_the_same_steps() {
    let mut all: Vec<_> = (0..6).map(|value| (0, Some(10), Put(value), DONE)).collect();
    all.push((11, Some(12), Take, read(99)));
    let first = check(&Queue, &calls(&all), STEPS);
    assert!(matches!(first.verdict, Verdict::Violation(_)), "{first:?}");
    assert_eq!(check(&Queue, &calls(&all), STEPS), first);
}

/// Whether any order of the calls does, each call that never returned being in it or not.
fn some_order_does<S>(specification: &S, calls: &Calls) -> bool
where
    S: Specification<Operation = Operation, Answer = Answer>,
{
    fn from<S>(specification: &S, state: &S::State, left: &Calls) -> bool
    where
        S: Specification<Operation = Operation, Answer = Answer>,
    {
        let first_end = left.iter().map(Call::end).min();
        if left.iter().all(|call| call.returned.is_none()) {
            return true;
        }
        (0..left.len()).any(|index| {
            let mut rest = left.clone();
            let call = rest.remove(index);
            let (right, after) = specification.step(state, &call.operation);
            first_end.is_some_and(|end| call.called <= end)
                && call.answer().is_none_or(|given| *given == right)
                && from(specification, after.as_ref().unwrap_or(state), &rest)
        })
    }
    from(specification, &specification.initial(), calls)
}

/// Calls that were made one after another, their moments stretched to intervals.
fn stretched<S>(specification: &S, steps: &[(Operation, u64, u64)]) -> Calls
where
    S: Specification<Operation = Operation, Answer = Answer>,
{
    let mut state = specification.initial();
    let mut calls = Calls::new();
    for (index, &(operation, before, behind)) in steps.iter().enumerate() {
        let (answer, after) = specification.step(&state, &operation);
        state = after.unwrap_or(state);
        let moment = 10 * (index as u64 + 10);
        calls.push(Call {
            client: index,
            operation,
            called: Duration::from_micros(moment - before),
            returned: Some((Duration::from_micros(moment + behind), answer)),
        });
    }
    calls
}

fn operations() -> impl Strategy<Value = Vec<(Operation, u64, u64)>> {
    let operation = prop_oneof![(0..4u8).prop_map(Put), Just(Take)];
    prop::collection::vec((operation, 0..60u64, 0..60u64), 0..7)
}

fn check_like_brute_force<S>(specification: &S, calls: &Calls) -> Result<bool, TestCaseError>
where
    S: Specification<Operation = Operation, Answer = Answer>,
{
    let history = History::new(calls.clone());
    let outcome = check(specification, &history, STEPS);
    prop_assert_eq!(holds(&outcome.verdict), some_order_does(specification, calls), "{:?}", outcome);
    if let Verdict::Violation(violation) = &outcome.verdict {
        let end = history.calls()[violation.culprit].end();
        let begun: Calls = history.calls().iter().filter(|call| call.called <= end).cloned().collect();
        prop_assert!(!some_order_does(specification, &begun), "what began later has nothing to do with it");
        check_order(specification, &history, &violation.order, end)?;
    }
    if let Verdict::Linearizable(order) = &outcome.verdict {
        check_order(specification, &history, order, Duration::MAX)?;
    }
    Ok(holds(&outcome.verdict))
}

/// The order has all calls that returned before `end`, keeps to the times, and gives the answers.
fn check_order<S>(
    specification: &S,
    history: &History<Operation, Answer>,
    order: &[usize],
    end: Duration,
) -> Result<(), TestCaseError>
where
    S: Specification<Operation = Operation, Answer = Answer>,
{
    let calls = history.calls();
    prop_assert!((0..calls.len()).all(|index| calls[index].end() >= end || order.contains(&index)));
    let mut state = specification.initial();
    for (place, &index) in order.iter().enumerate() {
        prop_assert!(order[place..].iter().all(|&later| calls[later].end() >= calls[index].called));
        let (right, after) = specification.step(&state, &calls[index].operation);
        prop_assert!(calls[index].answer().is_none_or(|given| *given == right));
        state = after.unwrap_or(state);
    }
    Ok(())
}

proptest! {
    #[test]
    fn what_came_one_after_another_is_linearizable(steps in operations()) {
        prop_assert!(check_like_brute_force(&Register, &stretched(&Register, &steps))?);
        prop_assert!(check_like_brute_force(&Queue, &stretched(&Queue, &steps))?);
    }

    #[test]
    fn wrong_answers_and_lost_ones_are_judged_as_by_trying_every_order(
        steps in operations(),
        wrong in prop::collection::vec((0..7usize, prop::option::of(0..4u8)), 0..3),
        lost in prop::collection::vec(0..7usize, 0..3),
    ) {
        let spoil = |calls: &mut Calls| {
            for &(index, answer) in &wrong {
                if let Some(Call { operation: Take, returned: Some((_, old)), .. }) = calls.get_mut(index) {
                    *old = Answer(answer);
                }
            }
            for &index in &lost {
                if let Some(call) = calls.get_mut(index) {
                    call.returned = None;
                }
            }
        };
        let mut register = stretched(&Register, &steps);
        spoil(&mut register);
        check_like_brute_force(&Register, &register)?;
        let mut queue = stretched(&Queue, &steps);
        spoil(&mut queue);
        check_like_brute_force(&Queue, &queue)?;
    }
}
