//! A client that stays connected and exchanges message after message, in a closed loop or an open one.
//!
//! ```text
//! sent      ├────────────────────────▶│ pending ▶│        offsets into the pattern, no bytes are kept
//! received  ├───────────▶│  outstanding │
//!                        │ 16 × t1 │ 9 × t2 │            batches: how many messages were meant for which moment
//! ```

use std::collections::VecDeque;
use std::io;

use super::client::{Client, ClientBase, LoopState};
use super::context::LoopContext;
use super::exchange::Script;
use super::observer::Event;
use super::poll::NEVER;
use super::workload::Input;
use crate::report::ClientOutcome;

pub(super) struct PersistentClient {
    base: ClientBase,
    stage: Stage,
    /// Where its pattern starts.
    phase: u64,
    /// Bytes sent and still to be sent.
    sent: u64,
    pending: u64,
    /// Bytes received, and how many of them belong to an answer that is not whole.
    received: u64,
    partial: u64,
    /// Messages without an answer, oldest first. In the closed loop at most as many as the window; in the open loop a
    /// stalled server lets it grow by 16 bytes per request, for that is what an open loop means.
    outstanding: VecDeque<Batch>,
}

/// Messages that were meant to be sent at the same moment.
#[derive(Debug, Clone, Copy)]
struct Batch {
    at_ns: u64,
    messages: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Connecting,
    /// Connected, and the others are not.
    Idle,
    Running,
    /// No more requests; the last answers are awaited.
    Draining,
}

impl PersistentClient {
    pub(super) fn new(base: ClientBase, script: &Script) -> PersistentClient {
        PersistentClient {
            phase: script.phase(base.number as u64),
            base,
            stage: Stage::Connecting,
            sent: 0,
            pending: 0,
            received: 0,
            partial: 0,
            outstanding: VecDeque::new(),
        }
    }

    fn push(&mut self, at_ns: u64, messages: u64, state: &LoopState<'_>) {
        self.outstanding.push_back(Batch { at_ns, messages });
        self.pending += messages * state.script.ask_length;
    }

    fn receive(&mut self, bytes: &[u8], state: &mut LoopState<'_>, context: &mut LoopContext) {
        let is_right = state.script.accepts(self.phase + self.received, bytes);
        self.received += bytes.len() as u64;
        self.partial += bytes.len() as u64;
        let answers = self.partial / state.script.answer_length;
        self.partial %= state.script.answer_length;
        if !is_right || !self.account(answers, state, context) {
            return self.fail(None, state, context);
        }
        if self.stage == Stage::Draining && self.outstanding.is_empty() {
            self.finish(state, context);
        }
    }

    /// Whole answers have come: takes the oldest messages off the list, and in the closed loop asks again for each. False
    /// when there were more answers than questions.
    fn account(&mut self, answers: u64, state: &mut LoopState<'_>, context: &LoopContext) -> bool {
        if answers == 0 {
            return true;
        }
        let now_ns = context.now_ns();
        // An answer that comes after the measured time, because others have left, is not the service that was asked for.
        if now_ns < state.measured.end {
            self.base.served(state, context);
        }
        if state.measured.contains(&now_ns) {
            state.run.requests += answers;
        }
        let mut rest = answers;
        while rest > 0 {
            let Some(batch) = self.outstanding.front_mut() else { return false };
            let messages = batch.messages.min(rest);
            let at_ns = batch.at_ns;
            batch.messages -= messages;
            rest -= messages;
            if batch.messages == 0 {
                self.outstanding.pop_front();
            }
            record(at_ns, messages, now_ns, state);
        }
        if self.stage == Stage::Running && state.plan.rate.is_none() {
            self.push(now_ns, answers, state);
        }
        true
    }

    /// Nothing more is awaited. A report that left out what has no answer would show a stalled or dead server as a fast one.
    fn give_up(&mut self, state: &mut LoopState<'_>, context: &LoopContext) {
        let now_ns = context.now_ns();
        let mut waiting = 0;
        for batch in std::mem::take(&mut self.outstanding) {
            waiting += batch.messages;
            record(batch.at_ns, batch.messages, now_ns, state);
        }
        // In the closed loop nothing is due before the answer to what was sent.
        let unsent = match state.plan.rate {
            Some(_) => self.pending.div_ceil(state.script.ask_length).min(waiting),
            None => 0,
        };
        state.run.never_sent += unsent;
        state.run.unanswered += waiting - unsent;
    }

    fn fail(&mut self, error: Option<&io::Error>, state: &mut LoopState<'_>, context: &mut LoopContext) {
        self.give_up(state, context);
        self.base.fail(error, state, context);
    }

    fn finish(&mut self, state: &mut LoopState<'_>, context: &mut LoopContext) {
        state.happened(self.base.number, &Event::Finished);
        self.base.leave(Some(self.outcome()), state, context);
    }

    /// How a client without an error ends.
    fn outcome(&self) -> ClientOutcome {
        if self.base.timeline.served_ns.is_some() { ClientOutcome::Served } else { ClientOutcome::GaveUp }
    }

    fn time_out(&mut self, state: &mut LoopState<'_>, context: &mut LoopContext) {
        match self.stage {
            Stage::Running if self.outstanding.is_empty() => return self.finish(state, context),
            Stage::Running => {
                self.stage = Stage::Draining;
                return context.set_deadline(self.base.index, state.measured.end + state.timeout_ns());
            }
            Stage::Draining => self.give_up(state, context),
            Stage::Connecting | Stage::Idle => {}
        }
        state.happened(self.base.number, &Event::TimedOut);
        self.base.leave(Some(self.outcome()), state, context);
    }
}

impl Client for PersistentClient {
    fn set_out(&mut self, state: &mut LoopState<'_>, context: &mut LoopContext) {
        self.base.set_out(state, context);
    }

    fn handle_input(&mut self, input: Input<'_>, state: &mut LoopState<'_>, context: &mut LoopContext) {
        match input {
            Input::Connected => {
                context.set_deadline(self.base.index, NEVER);
                self.stage = Stage::Idle;
                self.base.connected(state, context);
            }
            Input::Received(bytes) => self.receive(bytes, state, context),
            Input::Refused(error) | Input::Broken(error) => self.fail(Some(&error), state, context),
            Input::Timeout => self.time_out(state, context),
        }
    }

    fn begin(&mut self, state: &mut LoopState<'_>, context: &mut LoopContext) {
        if self.base.is_gone {
            return;
        }
        self.stage = Stage::Running;
        context.set_deadline(self.base.index, state.measured.end);
        if state.plan.rate.is_none() {
            self.push(context.now_ns(), state.plan.window as u64, state);
            context.transmit(self.base.index);
        }
    }

    /// An arrival for a client that is gone is never sent.
    fn handle_arrival(&mut self, at_ns: u64, state: &mut LoopState<'_>) {
        if self.stage == Stage::Running && !self.base.is_gone {
            self.push(at_ns, 1, state);
        } else {
            state.run.never_sent += 1;
        }
    }

    fn poll_transmit<'a>(&'a self, state: &'a LoopState<'_>) -> &'a [u8] {
        state.script.to_send(self.phase + self.sent, self.pending)
    }

    fn handle_transmitted(&mut self, bytes: usize, _state: &mut LoopState<'_>, _context: &mut LoopContext) {
        self.sent += bytes as u64;
        self.pending -= bytes as u64;
    }

    fn interrupt(&mut self, state: &mut LoopState<'_>, context: &mut LoopContext) {
        if !self.base.is_gone {
            let outcome = Some(self.outcome()).filter(|outcome| *outcome == ClientOutcome::Served);
            self.base.leave(outcome, state, context);
        }
    }
}

fn record(at_ns: u64, messages: u64, now_ns: u64, state: &mut LoopState<'_>) {
    if state.measured.contains(&at_ns) {
        state.run.latency.saturating_record_n(now_ns.saturating_sub(at_ns), messages);
    }
}
