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
use crate::report::ClientOutcome;

pub(super) struct OneShotClient {
    base: ClientBase,
    /// Empty where the server speaks first.
    request: Vec<u8>,
    /// What must come back for it.
    expected: Vec<u8>,
    answered: usize,
    is_staying: bool,
}

impl OneShotClient {
    pub(super) fn new(base: ClientBase, plan: &Plan) -> OneShotClient {
        let number = base.number as u64;
        let (request, expected) = match plan.scenario {
            Scenario::Heavy | Scenario::Crowd => {
                let text = request_text(plan.seed, number, plan.bytes);
                (text.clone(), text)
            }
            Scenario::Factor => numbers::question(plan.seed, number, plan.bits),
            _ => (Vec::new(), Vec::new()),
        };
        OneShotClient { base, request, expected, answered: 0, is_staying: false }
    }

    fn receive(&mut self, bytes: &[u8], state: &mut LoopState<'_>, context: &mut LoopContext) {
        if !self.expected.is_empty() {
            if !self.expected[self.answered..].starts_with(bytes) {
                return self.base.fail(None, state, context);
            }
            self.answered += bytes.len();
            if self.answered < self.expected.len() {
                return;
            }
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
