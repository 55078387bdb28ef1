//! What came of one semantics under one fault: every call, and the figures of all.

use std::ops::RangeInclusive;

use common::netem::LinkEvent;
use serde::Serialize;

use super::outcome::Outcome;
use super::scenario::{Fault, Row};

/// One publish.
#[derive(Debug, Clone)]
pub struct CallRecord {
    /// Its number, from 1.
    pub number: u64,
    /// What the caller was told.
    pub outcome: Outcome<u64>,
    /// How often it was run, counted on the board when all is over.
    pub executions: u64,
    /// The numbers that its calls had on the wire: labels in the pictures begin with them.
    pub sequences: RangeInclusive<u64>,
}

/// All publishes of one cell.
#[derive(Debug, Clone)]
pub struct Cell {
    /// The semantics.
    pub row: Row,
    /// What went wrong.
    pub fault: Fault,
    /// Call by call.
    pub calls: Vec<CallRecord>,
    /// Datagrams on the wire, both ways.
    pub datagrams: u64,
    /// How often the server was started again.
    pub restarts: u64,
    /// What happened on the link.
    pub events: Vec<LinkEvent>,
}

/// The figures.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Figures {
    /// Calls.
    pub calls: u64,
    /// Run never.
    pub never: u64,
    /// Run once.
    pub once: u64,
    /// Run twice or more.
    pub more: u64,
    /// The most that one was run.
    pub most: u64,
    /// Callers that were told that it is done.
    pub done: u64,
    /// Callers that were told that it is not done.
    pub not_done: u64,
    /// Callers that were told that it is not known.
    pub unknown: u64,
    /// Datagrams for a call, both ways.
    pub datagrams_per_call: f64,
    /// Restarts of the server.
    pub restarts: u64,
}

impl Cell {
    /// Counts.
    #[must_use]
    pub fn figures(&self) -> Figures {
        let count =
            |is: &dyn Fn(&CallRecord) -> bool| self.calls.iter().filter(|call| is(call)).count() as u64;
        let told = |name| count(&|call| call.outcome.name() == name);
        let calls = self.calls.len() as u64;
        Figures {
            calls,
            never: count(&|call| call.executions == 0),
            once: count(&|call| call.executions == 1),
            more: count(&|call| call.executions > 1),
            most: self.calls.iter().map(|call| call.executions).max().unwrap_or_default(),
            done: told("done"),
            not_done: told("not done"),
            unknown: told("unknown"),
            datagrams_per_call: self.datagrams as f64 / calls.max(1) as f64,
            restarts: self.restarts,
        }
    }

    /// The promises that were broken, a sentence each. There should be none.
    #[must_use]
    pub fn broken(&self) -> Vec<String> {
        let most = self.row.promises(self.fault).unwrap_or(u64::MAX);
        let sentence = |call: &CallRecord| {
            let what = match &call.outcome {
                _ if call.executions > most => format!("was run {} times", call.executions),
                Outcome::Done(_) if call.executions == 0 => "is said to be done and was not run".into(),
                Outcome::NotDone(_) if call.executions > 0 => "is said to be not done and was run".into(),
                _ => return None,
            };
            Some(format!("{}, {}: call {} {what}", self.row.name(), self.fault.name(), call.number))
        };
        self.calls.iter().filter_map(sentence).collect()
    }

    /// The call that is worth a picture, with what was on the link for it.
    #[must_use]
    pub fn interesting(&self) -> Option<(&CallRecord, Vec<&LinkEvent>)> {
        let with_events = self.calls.iter().map(|call| (call, self.events_of(call)));
        with_events.max_by_key(|(call, events)| (call.interest(events.len()), u64::MAX - call.number))
    }

    /// What was on the link for it, also long after.
    fn events_of(&self, call: &CallRecord) -> Vec<&LinkEvent> {
        let sequence = |event: &LinkEvent| event.label.split(' ').next()?.parse().ok();
        let is_its =
            |event: &&LinkEvent| sequence(event).is_some_and(|number| call.sequences.contains(&number));
        self.events.iter().filter(is_its).collect()
    }
}

impl CallRecord {
    /// Run several times before run once, not known before known, many datagrams before few.
    #[must_use]
    pub fn interest(&self, datagrams: usize) -> (u64, bool, usize) {
        (self.executions.max(1), matches!(self.outcome, Outcome::Unknown(_)), datagrams)
    }
}

#[cfg(test)]
mod tests {
    use super::super::outcome::{NotDone, Unknown};
    use super::*;

    fn cell(row: usize, outcome: Outcome<u64>, executions: u64) -> Cell {
        let call = CallRecord { number: 1, outcome, executions, sequences: 1..=1 };
        let row = Row::ALL[row];
        Cell { row, fault: Fault::Loss, calls: vec![call], datagrams: 3, restarts: 0, events: vec![] }
    }

    #[test]
    fn a_broken_promise_is_found() {
        const AT_LEAST_ONCE: usize = 1;
        const AT_MOST_ONCE: usize = 3;
        for (row, outcome, executions, is_broken) in [
            (AT_LEAST_ONCE, Outcome::Done(1), 0, true),
            (AT_LEAST_ONCE, Outcome::Done(1), 2, false),
            (AT_MOST_ONCE, Outcome::Done(1), 2, true),
            (AT_MOST_ONCE, Outcome::NotDone(NotDone::Full), 1, true),
            (AT_MOST_ONCE, Outcome::Unknown(Unknown::Restarted), 1, false),
            (AT_MOST_ONCE, Outcome::Unknown(Unknown::Restarted), 0, false),
        ] {
            let cell = cell(row, outcome, executions);
            assert_eq!(!cell.broken().is_empty(), is_broken, "{cell:?}");
        }
    }
}
