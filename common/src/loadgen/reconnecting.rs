//! A child of csdesign's client: opens one connection after another, asks in each for a number of bytes, reads exactly
//! that many and closes.
//!
//! ```text
//! connect ─ "3000" ─ 3000 bytes ─ close ─ connect ─ "3000" ─ …        latency: from connect to the last byte
//! ```
//!
//! A server of another protocol is asked with the plan's fixed bytes instead of the number.
//!
//! The child closes first, so that the local port of each connection rests in TIME_WAIT for a minute. On loopback Linux
//! gives such a port to a new connection after a second (`net.ipv4.tcp_tw_reuse`); beyond that, source addresses are
//! taken in turn (see `sockets.rs`).

use std::io;

use super::client::{Client, ClientBase, LoopState};
use super::context::LoopContext;
use super::observer::Event;
use super::plan::Plan;
use super::workload::Input;
use crate::report::ClientOutcome;

pub(super) struct ReconnectingClient {
    base: ClientBase,
    /// What it asks in each connection, and how many bytes come back.
    ask: Vec<u8>,
    answer_length: usize,
    /// When this connection was begun.
    connecting_ns: u64,
    received: usize,
    /// Connections made or failed.
    connections: usize,
    broken: usize,
    /// One of them because of wrong bytes.
    is_deceived: bool,
}

impl ReconnectingClient {
    pub(super) fn new(base: ClientBase, plan: &Plan) -> ReconnectingClient {
        let (ask, answer_length) = match &plan.exchange {
            Some(exchange) => (exchange.ask().to_vec(), exchange.answer_length()),
            None => {
                let end = if plan.newline { "\n" } else { "" };
                (format!("{}{end}", plan.bytes).into_bytes(), plan.bytes)
            }
        };
        ReconnectingClient {
            base,
            ask,
            answer_length,
            connecting_ns: 0,
            received: 0,
            connections: 0,
            broken: 0,
            is_deceived: false,
        }
    }

    /// A connection is begun.
    fn ask(&mut self, context: &mut LoopContext) {
        (self.connecting_ns, self.received) = (context.now_ns(), 0);
        context.outgoing(self.base.index).extend(&self.ask);
    }

    fn receive(&mut self, bytes: &[u8], state: &mut LoopState<'_>, context: &mut LoopContext) {
        let is_fixed = state.plan.exchange.is_some();
        let wrong = if self.received + bytes.len() > self.answer_length {
            Some("more bytes than asked for")
        } else {
            let is_wrong = is_fixed && !state.script.accepts(self.received as u64, bytes);
            is_wrong.then_some("wrong bytes")
        };
        if let Some(wrong) = wrong {
            self.is_deceived = true;
            state.wrong(self.base.number);
            return self.count_broken(&io::Error::other(wrong), state, context);
        }
        self.received += bytes.len();
        if self.received < self.answer_length {
            return;
        }
        self.base.served(state, context);
        if self.connections + 1 == state.plan.connections {
            self.base.keep_port(state, context);
        }
        state.run.requests += 1;
        state.run.latency.saturating_record(context.now_ns() - self.connecting_ns);
        self.go_on(state, context);
    }

    fn count_broken(&mut self, error: &io::Error, state: &mut LoopState<'_>, context: &mut LoopContext) {
        self.broken += 1;
        state.run.broken += 1;
        state.refused(self.base.number, error);
        self.go_on(state, context);
    }

    /// This connection is over: begins the next one, or leaves when all are done.
    fn go_on(&mut self, state: &mut LoopState<'_>, context: &mut LoopContext) {
        self.connections += 1;
        state.advance();
        if self.connections < state.plan.connections {
            self.base.connect(state, context);
            self.ask(context);
        } else {
            let outcome = match self.broken {
                0 => ClientOutcome::Served,
                _ if self.is_deceived => ClientOutcome::Deceived,
                _ => self.base.timeline.failure(),
            };
            self.base.leave(Some(outcome), state, context);
        }
    }
}

impl Client for ReconnectingClient {
    fn set_out(&mut self, state: &mut LoopState<'_>, context: &mut LoopContext) {
        self.base.set_out(state, context);
        self.ask(context);
    }

    fn handle_input(&mut self, input: Input<'_>, state: &mut LoopState<'_>, context: &mut LoopContext) {
        match input {
            Input::Connected if self.base.timeline.connected_ns.is_some() => {}
            Input::Connected => self.base.connected(state, context),
            Input::Received(bytes) => self.receive(bytes, state, context),
            Input::Refused(error) | Input::Broken(error) => self.count_broken(&error, state, context),
            Input::Timeout => {
                state.happened(self.base.number, &Event::TimedOut);
                state.run.broken += 1;
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
