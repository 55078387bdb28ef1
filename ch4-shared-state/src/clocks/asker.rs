//! The end that asks, sans-I/O: asks until it has as many answers as it wants, and again when one does not come.
//!
//! ```text
//!   ask ──► answer in time ──► pause ──► ask …
//!    └────► none in time ──► ask again, with a new number; the old answer may still come, and counts
//! ```

use std::collections::BTreeSet;
use std::time::Duration;

use super::clock::{Clock, Nanos};
use super::wire::{Request, Response};

/// So many requests in a row without an answer, and the other end is taken for dead.
const MOST_UNANSWERED: u32 = 20;

/// The four readings of one exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Sample {
    /// The request left, by the asker's clock.
    pub t1: Nanos,
    /// It came, by the answerer's clock.
    pub t2: Nanos,
    /// The answer left, by the answerer's clock.
    pub t3: Nanos,
    /// It came, by the asker's clock.
    pub t4: Nanos,
}

/// What it asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Goal {
    Samples(usize),
    Set(Nanos),
}

/// The asker of one other node.
#[derive(Debug)]
pub struct Asker {
    clock: Clock,
    goal: Goal,
    /// When it asks next, or gives up waiting: real time, as every machine has it for its timers.
    next: Duration,
    timeout: Duration,
    number: u64,
    unanswered: u32,
    seen: BTreeSet<u64>,
    samples: Vec<Sample>,
    done: bool,
}

impl Asker {
    /// Asks for `wanted` samples, from `begin` on.
    #[must_use]
    pub fn samples(clock: Clock, wanted: usize, begin: Duration, timeout: Duration) -> Asker {
        Asker::new(clock, Goal::Samples(wanted), begin, timeout)
    }

    /// Has the other clock set.
    #[must_use]
    pub fn set(clock: Clock, by: Nanos, begin: Duration, timeout: Duration) -> Asker {
        Asker::new(clock, Goal::Set(by), begin, timeout)
    }

    fn new(clock: Clock, goal: Goal, begin: Duration, timeout: Duration) -> Asker {
        Asker {
            clock,
            goal,
            next: begin,
            timeout,
            number: 0,
            unanswered: 0,
            seen: BTreeSet::new(),
            samples: Vec::new(),
            done: false,
        }
    }

    /// When [`poll_transmit`](Asker::poll_transmit) has something; `None`: it is done, or has given up.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        (!self.is_done()).then_some(self.next)
    }

    /// The next request, when it is time for it.
    pub fn poll_transmit(&mut self, real: Duration) -> Option<Vec<u8>> {
        if self.is_done() || real < self.next {
            return None;
        }
        self.unanswered += 1;
        self.next = real + self.timeout;
        let request = match self.goal {
            Goal::Samples(_) => {
                self.number += 1;
                Request::Time { number: self.number, t1: self.clock.read(real) }
            }
            Goal::Set(by) => Request::Set { number: 1, by }, // the same one again, so that it is done once
        };
        Some(request.encode())
    }

    /// A datagram came. What is no answer to us, or came already, is dropped.
    pub fn handle_datagram(&mut self, real: Duration, datagram: &[u8]) {
        match (self.goal, Response::parse(datagram)) {
            (Goal::Samples(wanted), Some(Response::Time { number, t1, t2, t3 }))
                if number <= self.number && self.seen.insert(number) =>
            {
                self.samples.push(Sample { t1, t2, t3, t4: self.clock.read(real) });
                self.unanswered = 0;
                self.next = self.next.min(real + self.timeout / 10);
                self.done = self.samples.len() >= wanted;
            }
            (Goal::Set(_), Some(Response::Set { number: 1 })) => self.done = true,
            _ => {}
        }
    }

    /// Whether nothing more is asked.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.done || self.has_given_up()
    }

    fn has_given_up(&self) -> bool {
        self.unanswered >= MOST_UNANSWERED && !self.done
    }

    /// Whether the other end has done what it was asked.
    #[must_use]
    pub fn has_succeeded(&self) -> bool {
        self.done
    }

    /// What was answered, in the order of arrival.
    #[must_use]
    pub fn into_samples(self) -> Vec<Sample> {
        self.samples
    }
}
