//! One clock for all clients, and a lane for each: what it called, from when to when, and what came back.

use std::time::{Duration, Instant};

use common::verify::{Call, History};

/// The clock that all lanes of a history share.
#[derive(Debug, Clone, Copy)]
pub struct Clock(Instant);

/// The calls of one client.
#[derive(Debug)]
pub struct Lane<O, A> {
    client: usize,
    clock: Clock,
    calls: Vec<Call<O, A>>,
}

impl Clock {
    /// It begins at zero.
    pub fn start() -> Clock {
        Clock(Instant::now())
    }

    /// The time since it was started.
    pub fn now(self) -> Duration {
        self.0.elapsed()
    }
}

impl<O: Clone, A: Clone> Lane<O, A> {
    /// An empty lane.
    pub fn new(client: usize, clock: Clock) -> Lane<O, A> {
        Lane { client, clock, calls: Vec::new() }
    }

    /// Records a call: the clock is read before it and after its answer. One that fails has never returned: whether it took effect,
    /// nobody knows.
    ///
    /// # Errors
    /// What the call says.
    pub fn call<E>(&mut self, operation: O, ask: impl FnOnce(&O) -> Result<A, E>) -> Result<A, E> {
        let called = self.clock.now();
        let answer = ask(&operation);
        let at = self.clock.now();
        let returned = answer.as_ref().ok().map(|answer| (at, answer.clone()));
        self.calls.push(Call { client: self.client, operation, called, returned });
        answer
    }

    /// Whether any call has returned.
    pub fn has_answers(&self) -> bool {
        self.calls.iter().any(|call| call.returned.is_some())
    }
}

/// The lanes as one history.
pub fn history<O, A>(lanes: impl IntoIterator<Item = Lane<O, A>>) -> History<O, A> {
    History::new(lanes.into_iter().flat_map(|lane| lane.calls).collect())
}
