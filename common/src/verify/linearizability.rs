//! The search for an order: Wing and Gong (1993), with the memory of Lowe (2017).
//!
//! ```text
//!   events by time    [a  [b  a]  [c  b]  c]          [x  a call begins       x]  it returns
//!
//!   take a call from the front, as long as no return stands before it, and try it in the model:
//!     the answer fits ─► cross out its two events, begin again at the front
//!     it does not     ─► the next call
//!   a return at the front ─► this call had to come before it, and fits nowhere: take the last choice back
//!   no return is left     ─► the choices are an order
//! ```
//!
//! The problem is NP-complete (Gibbons and Korach, 1997): the search is exponential in the number of calls that are open at once, and
//! in luck. Three things keep it short. *Memory*: the same calls crossed out with the same state between are not tried
//! again. *Reads*: a call that changes nothing and fits now need never be tried later. *A bound*: after so many steps the verdict is
//! [`Unknown`](Verdict::Unknown), after the same number on every machine; or after so much time, since a step of a long history of
//! many clients takes longer than one of a short history. What is remembered is a 128-bit hash, not the state: it takes a
//! constant 16 bytes, and to be wrong once in 10^20 searches of this size is better than the memory chips are.
//!
//! When there is no order, one fact comes for free: the furthest return that the search ever had at the front. All returns before it
//! could be passed, and the choices that did so are an order for them; it itself was never passed, by any choice. So that is the
//! first answer that makes the history wrong, and not just some answer: first for one who knows already what the calls that were
//! open then were answered later.
//!
//! Not done: splitting a history by objects (Herlihy and Wing's locality; Horn and Kroening, 2015). It makes a store of a thousand
//! registers a thousand small searches, but a board's ids and a game's rounds tie all its calls together.

use std::collections::HashSet;
use std::hash::{Hash, Hasher};

use siphasher::sip128::{Hasher128, SipHasher13};

use super::history::{Call, History};
use super::specification::Specification;
use events::{Event, Events};

mod events;

/// Steps after which a search is given up, where nobody says otherwise: a few seconds with a few clients, and at most some 70 MB.
pub const STEPS: u64 = 2_000_000;

/// Steps between two questions whether the time is over: a millisecond, or less.
const UNWATCHED: u64 = 32;

/// When a search is given up.
#[derive(Clone, Copy)]
pub struct Limit<'a> {
    /// After so many steps.
    pub steps: u64,
    /// When the time is over, if it is to be asked: the search has no clock of its own.
    pub is_late: Option<&'a dyn Fn() -> bool>,
}

impl From<u64> for Limit<'_> {
    /// So many steps, however long they take: the same verdict on every machine.
    fn from(steps: u64) -> Self {
        Limit { steps, is_late: None }
    }
}

impl Limit<'_> {
    fn is_hit(self, steps: u64) -> bool {
        steps >= self.steps
            || (steps.is_multiple_of(UNWATCHED) && self.is_late.is_some_and(|is_late| is_late()))
    }
}

/// What was found, and how long it took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchResult {
    /// The answer.
    pub verdict: Verdict,
    /// Calls tried in the model, never more than the limit. Fewer than it with [`Verdict::Unknown`]: the time was over.
    pub steps: u64,
}

/// Whether there is an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// There is: these calls, by their indices, one after another. Of those that never returned it has the ones that it needs.
    Linearizable(Vec<usize>),
    /// There is none.
    Violation(Violation),
    /// The limit was hit before either was found.
    Unknown,
}

/// Where the history becomes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The call whose return is the first that no order explains.
    pub culprit: usize,
    /// An order of all calls that returned before it did, and of some that were open then.
    pub order: Vec<usize>,
}

/// Searches an order of the calls in which each is answered as the specification says, until the limit: [`Limit`], or a number of steps.
pub fn check<'a, S: Specification>(
    specification: &S,
    history: &History<S::Operation, S::Answer>,
    limit: impl Into<Limit<'a>>,
) -> SearchResult {
    let mut search = Search::new(specification, history.calls());
    let verdict = search.run(limit.into());
    SearchResult { verdict, steps: search.steps }
}

struct Search<'a, S: Specification> {
    specification: &'a S,
    calls: &'a [Call<S::Operation, S::Answer>],
    events: Events,
    state: S::State,
    chosen: Vec<Choice<S::State>>,
    is_chosen: Bits,
    seen: HashSet<u128>,
    furthest: Option<(usize, Violation)>,
    steps: u64,
}

/// A call that is crossed out, and how to take that back.
struct Choice<State> {
    call: usize,
    before: Option<State>,
    is_read: bool,
}

impl<'a, S: Specification> Search<'a, S> {
    fn new(specification: &'a S, calls: &'a [Call<S::Operation, S::Answer>]) -> Search<'a, S> {
        Search {
            specification,
            calls,
            events: Events::of(calls),
            state: specification.initial(),
            chosen: Vec::new(),
            is_chosen: Bits::for_calls(calls.len()),
            seen: HashSet::new(),
            furthest: None,
            steps: 0,
        }
    }

    fn run(&mut self, limit: Limit<'_>) -> Verdict {
        let mut at = self.events.front();
        loop {
            match self.events.at(at) {
                // Only calls that never returned are left, and they need not have happened.
                Event::End => return Verdict::Linearizable(self.order()),
                Event::Call(call) => {
                    if limit.is_hit(self.steps) {
                        return Verdict::Unknown;
                    }
                    self.steps += 1;
                    at = if self.choose(call) { self.events.front() } else { self.events.after(at) };
                }
                Event::Return(call) => {
                    self.reached(at, call);
                    match self.take_back() {
                        Some(next) => at = next,
                        None => {
                            let furthest = self.furthest.take();
                            let (_, violation) = furthest.expect("the search has just reached a return");
                            return Verdict::Violation(violation);
                        }
                    }
                }
            }
        }
    }

    /// Tries a call in the present state; crosses it out if its answer fits and this is not known to lead nowhere.
    fn choose(&mut self, index: usize) -> bool {
        let call = &self.calls[index];
        let (right, after) = self.specification.step(&self.state, &call.operation);
        let is_read = match call.answer() {
            Some(given) if !self.specification.agrees(&right, given) => return false,
            Some(given) => self.specification.is_read(&call.operation, given),
            // It need not have happened, and here it makes no difference whether it did.
            None if after.is_none() => return false,
            None => false,
        };
        self.is_chosen.flip(index);
        if !self.seen.insert(fingerprint(&self.is_chosen, after.as_ref().unwrap_or(&self.state))) {
            self.is_chosen.flip(index);
            return false;
        }
        let before = after.map(|after| std::mem::replace(&mut self.state, after));
        self.events.cross_out(index);
        self.chosen.push(Choice { call: index, before, is_read });
        true
    }

    /// Takes the last choice back, and says where to go on; `None` when none is left. Reads go with it: whatever order there is
    /// with such a call later, there is one with the call where it was.
    fn take_back(&mut self) -> Option<usize> {
        loop {
            let choice = self.chosen.pop()?;
            self.events.put_back(choice.call);
            self.is_chosen.flip(choice.call);
            if let Some(before) = choice.before {
                self.state = before;
            }
            if !choice.is_read {
                return Some(self.events.after(self.events.beginning(choice.call)));
            }
        }
    }

    /// A return is at the front.
    fn reached(&mut self, at: usize, culprit: usize) {
        let place = self.events.place(at);
        if self.furthest.as_ref().is_none_or(|(furthest, _)| place > *furthest) {
            self.furthest = Some((place, Violation { culprit, order: self.order() }));
        }
    }

    fn order(&self) -> Vec<usize> {
        self.chosen.iter().map(|choice| choice.call).collect()
    }
}

/// A set of calls.
#[derive(Hash)]
struct Bits(Vec<u64>);

impl Bits {
    fn for_calls(count: usize) -> Bits {
        Bits(vec![0; count.div_ceil(64)])
    }

    fn flip(&mut self, index: usize) {
        self.0[index / 64] ^= 1 << (index % 64);
    }
}

fn fingerprint(chosen: &Bits, state: &impl Hash) -> u128 {
    struct Wide(SipHasher13);
    impl Hasher for Wide {
        fn write(&mut self, bytes: &[u8]) {
            self.0.write(bytes);
        }
        fn finish(&self) -> u64 {
            self.0.finish()
        }
    }
    // The keys are constant, so that the same history takes the same steps.
    let mut hasher = Wide(SipHasher13::new());
    chosen.hash(&mut hasher);
    state.hash(&mut hasher);
    hasher.0.finish128().as_u128()
}

#[cfg(test)]
mod tests;
