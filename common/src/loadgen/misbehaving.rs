//! The state machine of a faulty client: connect, misbehave until the server or the kind says it is over, come again.

use super::client::{Client, LoopState};
use super::context::{LoopContext, Reading};
use super::decisions;
use super::faulty::FaultyKind;
use super::workload::Input;

/// Pause before a faulty client comes again.
const AGAIN_NS: u64 = 20_000_000;
/// Pause of the slow reader between two bytes.
const SLOW_NS: u64 = 10_000_000;
/// How long a garbage client waits for the server to hang up.
const GARBAGE_NS: u64 = 1_000_000_000;
/// What one connection may ask for at most: enough to fill every buffer, and no endless work for a server that
/// throws all of it away.
const FLOOD: u64 = 16 << 20;
const SMALL_BUFFER: usize = 2048;
/// What a garbage client reads at once.
const CHEW: usize = 4096;

pub(super) struct FaultyClient {
    index: usize,
    number: u64,
    kind: FaultyKind,
    /// It is away until its deadline.
    is_away: bool,
    /// Connections begun.
    turn: u64,
    sent: u64,
    /// What a garbage client sends on this connection.
    garbage: Vec<u8>,
}

impl FaultyClient {
    pub(super) fn new(index: usize, number: u64, kind: FaultyKind) -> FaultyClient {
        FaultyClient { index, number, kind, is_away: false, turn: 0, sent: 0, garbage: Vec::new() }
    }

    /// Ends this connection and comes again.
    fn again(&mut self, context: &mut LoopContext) {
        context.disconnect(self.index);
        self.is_away = true;
        context.set_deadline(self.index, context.now_ns() + AGAIN_NS);
    }

    /// How many bytes it wants to have sent on this connection.
    fn most(&self, state: &LoopState<'_>) -> u64 {
        let whole = state.script.ask_length;
        match self.kind {
            FaultyKind::SlowReader | FaultyKind::NeverReader => FLOOD,
            FaultyKind::HalfOpen => whole.div_ceil(2),
            FaultyKind::Rst => whole,
            FaultyKind::Garbage => self.garbage.len() as u64,
        }
    }
}

impl Client for FaultyClient {
    fn set_out(&mut self, state: &mut LoopState<'_>, context: &mut LoopContext) {
        (self.is_away, self.sent) = (false, 0);
        self.turn += 1;
        if self.kind == FaultyKind::Garbage {
            self.garbage = decisions::garbage(state.plan.seed, self.number, self.turn);
        }
        context.connect(self.index, (self.kind == FaultyKind::SlowReader).then_some(SMALL_BUFFER));
    }

    fn handle_input(&mut self, input: Input<'_>, state: &mut LoopState<'_>, context: &mut LoopContext) {
        match input {
            Input::Connected => {
                state.run.faulty.connections += 1;
                let (reading, wait_ns) = match self.kind {
                    FaultyKind::SlowReader => (Reading::Nothing, Some(SLOW_NS)),
                    FaultyKind::NeverReader => (Reading::Nothing, None),
                    FaultyKind::HalfOpen | FaultyKind::Rst => (Reading::EndOnly, None),
                    FaultyKind::Garbage => (Reading::UpTo(CHEW), Some(GARBAGE_NS)),
                };
                context.set_reading(self.index, reading);
                if let Some(wait_ns) = wait_ns {
                    context.set_deadline(self.index, context.now_ns() + wait_ns);
                }
            }
            Input::Received(bytes) => {
                state.run.faulty.bytes_received += bytes.len() as u64;
                if self.kind == FaultyKind::SlowReader {
                    context.set_reading(self.index, Reading::Nothing);
                    context.set_deadline(self.index, context.now_ns() + SLOW_NS);
                }
            }
            Input::Broken(_) => {
                state.run.faulty.hung_up_on += 1;
                self.again(context);
            }
            Input::Refused(_) => self.again(context),
            Input::Timeout if self.is_away => self.set_out(state, context),
            Input::Timeout if self.kind == FaultyKind::SlowReader => {
                context.set_reading(self.index, Reading::UpTo(1));
            }
            Input::Timeout => self.again(context),
        }
    }

    fn poll_transmit<'a>(&'a self, state: &'a LoopState<'_>) -> &'a [u8] {
        match self.kind {
            FaultyKind::Garbage => &self.garbage[self.sent as usize..],
            _ => state.script.to_send(self.sent, self.most(state).saturating_sub(self.sent)),
        }
    }

    fn handle_transmitted(&mut self, bytes: usize, state: &mut LoopState<'_>, context: &mut LoopContext) {
        self.sent += bytes as u64;
        state.run.faulty.bytes_sent += bytes as u64;
        let all = self.sent >= self.most(state);
        match self.kind {
            FaultyKind::Rst => {
                context.reset(self.index);
                state.run.faulty.resets += 1;
                self.again(context);
            }
            FaultyKind::Garbage if all => context.finish_sending(self.index),
            FaultyKind::NeverReader if all => context.set_reading(self.index, Reading::EndOnly),
            _ => {}
        }
    }
}
