//! A client that comes once: connects, asks, waits until its timeout, stays, leaves (notes, figure 4.5).
//!
//! ```text
//! connecting ─▶ waiting ─▶ staying ─────▶ gone      served
//!     └───────────┴─▶ timeout ─────────▶ gone      gave up
//!     └───────────┴──────────┴─▶ hung up ─▶ gone  refused
//! ```
//!
//! Its timeout counts from setting out, not per system call as `settimeout` does in the notes: a client that waits does
//! not care in which queue.

use super::client::{Client, ClientBase, LoopState};
use super::context::{LoopContext, Reading};
use super::decisions::request_text;
use super::numbers;
use super::observer::Event;
use super::plan::{Plan, Scenario};
use super::workload::Input;
use crate::protocol::random;
use crate::report::ClientOutcome;

pub(super) struct OneShotClient {
    base: ClientBase,
    request: Vec<u8>,
    expected: Expected,
    is_staying: bool,
}

/// What the server must send.
enum Expected {
    /// Any byte: the offer of a service, without a request.
    Offer,
    /// These bytes, or what is left of them.
    Exactly(Vec<u8>),
    /// Two random points, without a request; so far these bytes have come.
    Points(Vec<u8>),
}

/// What bytes that came make of the answer.
enum Progress {
    Partial,
    Whole,
    Wrong,
}

impl Expected {
    fn take(&mut self, bytes: &[u8]) -> Progress {
        match self {
            Expected::Offer => Progress::Whole,
            Expected::Exactly(rest) if !rest.starts_with(bytes) => Progress::Wrong,
            Expected::Exactly(rest) => {
                rest.drain(..bytes.len());
                if rest.is_empty() { Progress::Whole } else { Progress::Partial }
            }
            Expected::Points(so_far) => {
                so_far.extend_from_slice(bytes);
                match so_far.len() {
                    ..random::LENGTH => Progress::Partial,
                    _ if random::points(so_far).is_some() => Progress::Whole,
                    _ => Progress::Wrong,
                }
            }
        }
    }
}

impl OneShotClient {
    pub(super) fn new(base: ClientBase, plan: &Plan) -> OneShotClient {
        let number = base.number as u64;
        let (request, expected) = match plan.scenario {
            Scenario::Heavy | Scenario::Crowd => {
                let text = request_text(plan.seed, number, plan.bytes);
                (text.clone(), Expected::Exactly(text))
            }
            Scenario::Factor => {
                let (ask, answer) = numbers::question(plan.seed, number, plan.bits);
                (ask, Expected::Exactly(answer))
            }
            Scenario::Random => (Vec::new(), Expected::Points(Vec::new())),
            _ => (Vec::new(), Expected::Offer),
        };
        OneShotClient { base, request, expected, is_staying: false }
    }

    fn receive(&mut self, bytes: &[u8], state: &mut LoopState<'_>, context: &mut LoopContext) {
        match self.expected.take(bytes) {
            Progress::Partial => return,
            Progress::Wrong => return self.base.fail(None, state, context),
            Progress::Whole => {}
        }
        if !matches!(self.expected, Expected::Offer) {
            let since_ns = context.now_ns() - self.base.timeline.began_ns;
            state.run.latency.saturating_record(since_ns);
        }
        state.run.requests += 1;
        self.base.served(state, context);
        let stay = state.plan.scaled_stay();
        if stay.is_zero() {
            return self.finish(state, context);
        }
        self.is_staying = true;
        // Only an early end can wake a client that stays. A server that has offered its service may have shut down its
        // sending half long ago, as the notes' does; a server that echoes may not.
        let reading = if self.request.is_empty() { Reading::Nothing } else { Reading::EndOnly };
        context.set_reading(self.base.index, reading);
        context.set_deadline(self.base.index, context.now_ns() + stay.as_nanos() as u64);
    }

    fn finish(&mut self, state: &mut LoopState<'_>, context: &mut LoopContext) {
        state.happened(self.base.number, &Event::Finished);
        self.base.leave(Some(ClientOutcome::Served), state, context);
    }
}

impl Client for OneShotClient {
    fn set_out(&mut self, state: &mut LoopState<'_>, context: &mut LoopContext) {
        self.base.set_out(state, context);
        context.outgoing(self.base.index).extend(&self.request);
    }

    fn handle_input(&mut self, input: Input<'_>, state: &mut LoopState<'_>, context: &mut LoopContext) {
        match input {
            Input::Connected => self.base.connected(state, context),
            Input::Received(bytes) => self.receive(bytes, state, context),
            Input::Refused(error) | Input::Broken(error) => self.base.fail(Some(&error), state, context),
            Input::Timeout if self.is_staying => self.finish(state, context),
            Input::Timeout => {
                state.happened(self.base.number, &Event::TimedOut);
                self.base.leave(Some(ClientOutcome::GaveUp), state, context);
            }
        }
    }

    fn interrupt(&mut self, state: &mut LoopState<'_>, context: &mut LoopContext) {
        if !self.base.is_gone {
            self.base.leave(None, state, context);
        }
    }
}
