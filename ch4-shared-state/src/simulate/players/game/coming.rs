//! Who comes, and who leaves to come again under another name.
//!
//! ```text
//!   p0 ── S:; D:p0; A:; S:; ──► nobody else there?     then p1, p2, …  64 at a time
//!                                                      p7 hangs up, whatever is under way, and is p200
//! ```

use std::time::Duration;

use common::loadgen::{LoopContext, NEVER};
use rand::RngExt;

use super::Game;
use crate::guessword::wire::Request;
use crate::simulate::players::plan::Load;
use crate::simulate::players::player::{Out, Player};
use crate::simulate::players::seat::Seat;
use crate::simulate::players::words::Ideas;

/// Players who are on their way to the table at once.
const COMING_AT_ONCE: usize = 64;
/// How soon it is looked again for somebody to leave.
const AGAIN: Duration = Duration::from_millis(1);

impl Game<'_> {
    /// Some come and join. The first one comes alone: it hears everything, and so the others find their place.
    pub(super) fn some_come(&mut self, context: &mut LoopContext) {
        let at_once = if self.measurement.is_empty() { 1 } else { COMING_AT_ONCE };
        for slot in self.measurement.admit(at_once) {
            self.players.push(Player::new(self.referee.comes(), Ideas::new(self.plan.seed, slot)));
            self.sit_down(slot, context);
        }
    }

    /// All are there. Not all play at once, if they take their time.
    pub(super) fn begin(&mut self, context: &mut LoopContext) {
        let Load::Think(think) = self.plan.load else { return };
        for slot in 0..self.players.len() {
            let first = self.random.random_range(Duration::ZERO..=think);
            context.set_deadline(slot, context.now_ns() + first.as_nanos() as u64);
        }
    }

    /// So many per second leave. Says when the next one does.
    pub(super) fn some_leave(&mut self, rate: f64, now: Duration, context: &mut LoopContext) -> Duration {
        // Who is about to come stays; the first one always does, or nobody would hear everything.
        while (self.left as f64) < (now.as_secs_f64() * rate).floor() {
            let slot = self.random.random_range(1..self.players.len());
            if !self.plays(slot) {
                break;
            }
            self.leave(slot, context);
        }
        // Not at once if those who have left are still about to come.
        Duration::from_secs_f64((self.left + 1) as f64 / rate).max(now + AGAIN)
    }

    /// Asks to join.
    fn sit_down(&mut self, slot: usize, context: &mut LoopContext) {
        let player = &mut self.players[slot];
        let seat = player.seat;
        self.slots.insert(seat, slot);
        context.connect(slot, None);
        let outgoing = context.outgoing(slot);
        player.ask(&Request::Scores, Out::Scores(false), outgoing);
        player.ask(&Request::Join(Some(seat.name())), Out::Join, outgoing);
        if seat == Seat(0) {
            // Whose notices come first is written down first, and only it can be alone.
            player.place = Some(self.referee.beginning());
            player.ask(&Request::State, Out::State, outgoing);
            player.ask(&Request::Scores, Out::Scores(true), outgoing);
        }
    }

    /// Hangs up, whatever is under way, and comes again.
    fn leave(&mut self, slot: usize, context: &mut LoopContext) {
        let player = &mut self.players[slot];
        self.referee.leaves(player.seat);
        self.slots.remove(&player.seat);
        player.come_again(self.referee.comes());
        self.left += 1;
        context.set_deadline(slot, NEVER);
        self.sit_down(slot, context);
    }

    /// Whether this player has joined, and been told.
    fn plays(&self, slot: usize) -> bool {
        let player = &self.players[slot];
        player.place.is_some() && !player.out.iter().any(|out| matches!(out, Out::Join))
    }
}
