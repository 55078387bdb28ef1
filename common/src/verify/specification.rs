//! What one caller alone would be answered: the thing under test, written as a sequential program.
//!
//! It is a second implementation, and the simplest one: no lock, no speed, no bytes. It is deterministic, so that there is one
//! right answer in each state; what only the server can know (the time of a message, say) is left out of the answers.

use std::fmt::Display;
use std::hash::Hash;

/// A sequential model. See [`board`](super::board) for one that is used.
pub trait Specification {
    /// What is asked.
    type Operation: Clone + Display;
    /// What is answered.
    type Answer: Clone + Display;
    /// What is remembered between calls. States that answer alike should be equal: the search remembers where it has been.
    type State: Clone + Hash;

    /// The state before the first call.
    fn initial(&self) -> Self::State;

    /// The right answer in this state, and the state afterwards; `None` when it is as before.
    fn step(&self, state: &Self::State, operation: &Self::Operation) -> (Self::Answer, Option<Self::State>);

    /// Whether the given answer may stand for the right one.
    fn agrees(&self, right: &Self::Answer, given: &Self::Answer) -> bool;

    /// Whether a call with this answer leaves **every** state as it was. The search need not try such a call later when it fits
    /// now, and a violation is still one without it. `false` costs time and is never wrong.
    fn is_read(&self, operation: &Self::Operation, answer: &Self::Answer) -> bool {
        let _ = (operation, answer);
        false
    }
}
