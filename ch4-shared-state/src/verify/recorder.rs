//! One clock for all clients, and a lane for each: what it called, from when to when, and what came back.

use std::fmt;
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
    unanswered: usize,
    lost: usize,
}

/// What was not heard in a run: the less was heard, the less the verdict says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Silence {
    /// Clients that were answered at least once.
    pub served: usize,
    /// Clients that asked, and were never answered.
    pub unserved: usize,
    /// Calls without an answer.
    pub unanswered: usize,
    /// Connections that were lost, whoever ended them.
    pub lost: usize,
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
        Lane { client, clock, calls: Vec::new(), unanswered: 0, lost: 0 }
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
        self.unanswered += usize::from(answer.is_err());
        let returned = answer.as_ref().ok().map(|answer| (at, answer.clone()));
        self.calls.push(Call { client: self.client, operation, called, returned });
        answer
    }

    /// A connection is lost, and the server may see it end: `end` may take effect at any time from now on, or never. *Now* is not when
    /// the client finds out, but the call that the server answered last over this connection: the server may have hung up right
    /// behind it. `is_over` tells the connection's calls.
    pub fn lose(&mut self, end: O, is_over: impl Fn(&O) -> bool) {
        let mut answered = self.calls.iter().rev().filter(|call| call.returned.is_some());
        let last = answered.find(|call| is_over(&call.operation));
        let called = last.map_or(Duration::ZERO, |call| call.called);
        self.calls.push(Call { client: self.client, operation: end, called, returned: None });
        self.lost += 1;
    }

    /// Whether any call has returned.
    pub fn has_answers(&self) -> bool {
        self.calls.iter().any(|call| call.returned.is_some())
    }
}

/// What was not heard.
pub fn silence<O: Clone, A: Clone>(lanes: &[Lane<O, A>]) -> Silence {
    let served = lanes.iter().filter(|lane| lane.has_answers()).count();
    let asked = lanes.iter().filter(|lane| !lane.calls.is_empty()).count();
    Silence {
        served,
        unserved: asked - served,
        unanswered: lanes.iter().map(|lane| lane.unanswered).sum(),
        lost: lanes.iter().map(|lane| lane.lost).sum(),
    }
}

impl Silence {
    /// Others asked, and at most one was answered: of what happens at once the history says nothing.
    pub fn is_nearly_all(self) -> bool {
        self.served <= 1 && self.unserved > 0
    }
}

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Silence { unserved, unanswered, lost, .. } = *self;
        if unserved > 0 {
            write!(f, " ({unserved} of them never served)")?;
        }
        if unanswered > 0 {
            write!(f, ", {unanswered} without an answer")?;
        }
        if lost > 0 {
            write!(f, ", {lost} of their connections lost")?;
        }
        Ok(())
    }
}

/// The lanes as one history.
pub fn history<O, A>(lanes: impl IntoIterator<Item = Lane<O, A>>) -> History<O, A> {
    History::new(lanes.into_iter().flat_map(|lane| lane.calls).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_connection_ends_at_any_time_since_its_last_answer() {
        let mut lane: Lane<&str, ()> = Lane::new(3, Clock::start());
        for (operation, answer) in [("old", Ok(())), ("old", Ok(())), ("new", Ok(())), ("old", Err(()))] {
            let _ = lane.call(operation, |_| answer);
        }
        lane.lose("end of old", |operation| *operation == "old");
        lane.lose("end of none", |operation| *operation == "none");
        let silence = silence(std::slice::from_ref(&lane));
        assert_eq!(silence, Silence { served: 1, unserved: 0, unanswered: 1, lost: 2 });
        let (second, old, none) = (&lane.calls[1], &lane.calls[4], &lane.calls[5]);
        assert_eq!(
            (old.called, old.returned),
            (second.called, None),
            "the server may have hung up behind the answer"
        );
        assert_eq!((none.called, none.client), (Duration::ZERO, 3));
    }
}
