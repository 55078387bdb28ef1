//! What a client of a scenario is, and what the clients of one event loop share: the plan, and the count of what happened.

use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};

use super::context::LoopContext;
use super::exchange::Script;
use super::observer::{Event, Observer};
use super::plan::{Plan, Scenario};
use super::poll::NEVER;
use super::run::{ClientTimeline, Run};
use super::workload::Input;
use crate::core::trace::monotonic_ns;
use crate::report::ClientOutcome;

/// One simulated client: a state machine that is told what happens and says what it sends.
pub(super) trait Client {
    /// It sets out.
    fn set_out(&mut self, state: &mut LoopState<'_>, context: &mut LoopContext);
    fn handle_input(&mut self, input: Input<'_>, state: &mut LoopState<'_>, context: &mut LoopContext);
    fn poll_transmit<'a>(&'a self, _state: &'a LoopState<'_>) -> &'a [u8] {
        &[]
    }
    fn handle_transmitted(&mut self, _bytes: usize, _state: &mut LoopState<'_>, _context: &mut LoopContext) {}
    /// The simulation ends: a real client must be gone when this returns.
    fn interrupt(&mut self, _state: &mut LoopState<'_>, _context: &mut LoopContext) {}
    /// All clients are connected, the clock of `echo` starts.
    fn begin(&mut self, _state: &mut LoopState<'_>, _context: &mut LoopContext) {}
    /// An arrival of the open loop: a request that was meant for `at_ns`.
    fn handle_arrival(&mut self, _at_ns: u64, _state: &mut LoopState<'_>) {}
}

/// What all real clients have: their numbers, and how far they came.
pub(super) struct ClientBase {
    /// Its number in the loop, and in the simulation; both count from 0.
    pub(super) index: usize,
    pub(super) number: usize,
    pub(super) timeline: ClientTimeline,
    pub(super) is_gone: bool,
}

impl ClientBase {
    pub(super) fn new(index: usize, number: usize) -> ClientBase {
        ClientBase { index, number, timeline: ClientTimeline::new(number + 1), is_gone: false }
    }

    pub(super) fn set_out(&mut self, state: &LoopState<'_>, context: &mut LoopContext) {
        state.happened(self.number, &Event::Connecting);
        self.connect(state, context);
        self.timeline.began_ns = context.now_ns();
    }

    /// Begins a connection, which has its own timeout.
    pub(super) fn connect(&self, state: &LoopState<'_>, context: &mut LoopContext) {
        context.connect(self.index, None);
        context.set_deadline(self.index, context.now_ns() + state.timeout_ns());
    }

    pub(super) fn connected(&mut self, state: &mut LoopState<'_>, context: &LoopContext) {
        state.connecting -= 1;
        self.timeline.connected_ns = Some(context.now_ns());
        self.keep_port(state, context);
        state.happened(self.number, &Event::Connected);
    }

    /// The local port is asked for only where it is kept: it costs a system call.
    pub(super) fn keep_port(&mut self, state: &LoopState<'_>, context: &LoopContext) {
        if state.keeps(self.number) {
            self.timeline.port = context.local_port(self.index);
        }
    }

    /// Service began, or the first answer is there.
    pub(super) fn served(&mut self, state: &LoopState<'_>, context: &LoopContext) {
        if self.timeline.served_ns.is_none() {
            self.timeline.served_ns = Some(context.now_ns());
            state.happened(self.number, &Event::Served);
        }
    }

    /// It has no connection any more, and it got wrong bytes or this error.
    pub(super) fn fail(
        &mut self,
        error: Option<&io::Error>,
        state: &mut LoopState<'_>,
        context: &mut LoopContext,
    ) {
        let outcome = match error {
            Some(error) => {
                state.refused(self.number, error);
                self.timeline.failure()
            }
            None => {
                state.wrong(self.number);
                ClientOutcome::Deceived
            }
        };
        self.leave(Some(outcome), state, context);
    }

    /// It is gone; `None` when it had to go because of an interruption.
    pub(super) fn leave(
        &mut self,
        outcome: Option<ClientOutcome>,
        state: &mut LoopState<'_>,
        context: &mut LoopContext,
    ) {
        self.is_gone = true;
        context.disconnect(self.index);
        context.set_deadline(self.index, NEVER);
        state.gone(&self.timeline, outcome);
    }
}

/// What the clients of one event loop share.
pub(super) struct LoopState<'a> {
    pub(super) plan: &'a Plan,
    pub(super) script: &'a Script,
    pub(super) run: Run,
    /// The measured time of `echo`: answers within it are counted.
    pub(super) measured: Range<u64>,
    /// Real clients that are neither connected nor gone.
    pub(super) connecting: usize,
    /// Real clients of this loop that are not gone.
    pub(super) live: usize,
    pub(super) coordinator: &'a Coordinator<'a>,
}

/// What the loops of one simulation have in common.
pub(super) struct Coordinator<'a> {
    pub(super) observer: &'a dyn Observer,
    pub(super) interrupted: &'a AtomicBool,
    /// A loop could not go on: the others leave too.
    pub(super) failed: AtomicBool,
    /// Loops whose clients are all connected or gone.
    pub(super) ready: AtomicUsize,
    /// When the clock started; 0 before.
    pub(super) started_ns: AtomicU64,
    /// Loops that still have real clients: the faulty ones stay as long.
    pub(super) busy: AtomicUsize,
    pub(super) done: AtomicU64,
    pub(super) threads: usize,
}

impl Coordinator<'_> {
    /// Whether all clients must leave at once.
    pub(super) fn must_end(&self) -> bool {
        self.interrupted.load(SeqCst) || self.failed.load(SeqCst)
    }
}

impl LoopState<'_> {
    /// The client has come to this point of its timeline. `client` counts from 0.
    pub(super) fn happened(&self, client: usize, event: &Event<'_>) {
        self.coordinator.observer.happened(client + 1, event);
    }

    /// A step of the work that the progress shows.
    pub(super) fn advance(&self) {
        self.coordinator.done.fetch_add(1, SeqCst);
    }

    /// How long a client waits, nanoseconds.
    pub(super) fn timeout_ns(&self) -> u64 {
        self.plan.effective_timeout().as_nanos() as u64
    }

    /// The client was refused for this reason.
    pub(super) fn refused(&mut self, client: usize, error: &io::Error) {
        self.run.first_error.get_or_insert_with(|| error.to_string());
        self.happened(client, &Event::Refused(error));
    }

    /// The client got wrong bytes.
    pub(super) fn wrong(&mut self, client: usize) {
        self.run.wrong += 1;
        self.run.first_error.get_or_insert_with(|| "the server answered wrong bytes".to_string());
        self.happened(client, &Event::WrongBytes);
    }

    fn gone(&mut self, timeline: &ClientTimeline, outcome: Option<ClientOutcome>) {
        let client = timeline.client - 1;
        self.happened(client, &Event::Disconnected);
        self.live -= 1;
        match timeline.connected_ns {
            Some(_) => self.run.connected += 1,
            None => self.connecting -= 1,
        }
        match outcome {
            Some(ClientOutcome::Served) => self.run.served += 1,
            Some(ClientOutcome::GaveUp) => self.run.gave_up += 1,
            Some(failed) => {
                self.run.refused += 1;
                self.run.lost += u64::from(failed == ClientOutcome::Lost);
                self.run.deceived += u64::from(failed == ClientOutcome::Deceived);
            }
            None => self.run.unfinished += 1,
        }
        if let Some(served_ns) = timeline.served_ns.filter(|_| outcome == Some(ClientOutcome::Served)) {
            self.run.wait.saturating_record(served_ns - timeline.began_ns);
        }
        if let Some(outcome) = outcome.filter(|_| self.keeps(client)) {
            let ended_ns = monotonic_ns();
            self.run.timelines.push(ClientTimeline { outcome, ended_ns, ..timeline.clone() });
        }
        if self.plan.scenario != Scenario::Connect {
            self.advance();
        }
    }

    /// Whether this client's timeline is kept.
    fn keeps(&self, client: usize) -> bool {
        client < self.plan.keep_timelines
    }
}
