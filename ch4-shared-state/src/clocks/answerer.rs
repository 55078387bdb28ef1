//! The end that is asked, sans-I/O.

use std::time::Duration;

use super::clock::{Clock, Nanos};
use super::wire::{Request, Response};

/// A node that answers for its clock.
#[derive(Debug, Clone)]
pub struct Answerer {
    /// Its clock.
    pub clock: Clock,
    /// How long it works on a request before it answers.
    pub busy: Duration,
    set: Option<u64>,
}

/// A request that came, and is answered when the node has worked on it.
#[derive(Debug, Clone, Copy)]
pub struct Work {
    request: Request,
    t2: Nanos,
}

impl Answerer {
    /// A node.
    #[must_use]
    pub fn new(clock: Clock, busy: Duration) -> Answerer {
        Answerer { clock, busy, set: None }
    }

    /// A datagram came at this real time; `None`: it is no request, and gets no answer.
    #[must_use]
    pub fn handle_datagram(&self, real: Duration, datagram: &[u8]) -> Option<Work> {
        Some(Work { request: Request::parse(datagram)?, t2: self.clock.read(real) })
    }

    /// The answer, when it leaves. A clock is set once for a request, however often it comes.
    pub fn answer(&mut self, real: Duration, work: Work) -> Vec<u8> {
        match work.request {
            Request::Time { number, t1 } => {
                Response::Time { number, t1, t2: work.t2, t3: self.clock.read(real) }
            }
            Request::Set { number, by } => {
                if self.set != Some(number) {
                    self.clock.adjust(by);
                    self.set = Some(number);
                }
                Response::Set { number }
            }
        }
        .encode()
    }
}
