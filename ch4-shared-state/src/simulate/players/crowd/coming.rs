//! Who comes, and who leaves to come again under another name.
//!
//! ```text
//!   p0 ── S:; D:p0; A:; S:; ──► nobody else there?     then p1, p2, …  64 at a time
//!                                                      p7 hangs up, whatever is under way, and is p200
//! ```

use std::cmp::Reverse;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::guessword::wire::Request;
use anyhow::bail;
use rand::RngExt;

use super::{Crowd, Phase};
use crate::simulate::engine::{self, Clock};
use crate::simulate::players::Load;
use crate::simulate::players::player::{Out, Player};
use crate::simulate::players::seat::Seat;
use crate::simulate::players::words::Ideas;
use crate::simulate::poll::{PATIENCE, Poll, connect};

/// Players who are on their way to the table at once.
const COMING_AT_ONCE: usize = 64;
const ARRIVING_MS: u8 = 50;
/// How soon it is looked again for somebody to leave.
const AGAIN: Duration = Duration::from_millis(1);

impl Crowd<'_> {
    /// All come and join. The first one comes alone: it hears everything, and so the others find their place.
    ///
    /// # Errors
    /// They are not let in within 10 s, or somebody plays there already.
    pub fn arrive(&mut self, poll: &Poll, interrupted: &AtomicBool) -> anyhow::Result<()> {
        let clock = Clock::new(self.plan.course);
        let (mut joined, mut since) = (0, Instant::now());
        while self.tally.joined < self.plan.players {
            let at_once = if self.tally.joined == 0 { 1 } else { COMING_AT_ONCE };
            while self.players.len() < self.plan.players.min(self.tally.joined + at_once) {
                let slot = self.players.len();
                let (seat, stream) = (self.referee.comes(), connect(self.plan.target)?);
                self.players.push(Player::new(seat, stream, Ideas::new(self.plan.seed, slot)));
                self.sit_down(poll, slot)?;
            }
            engine::turn(self, poll, &clock, ARRIVING_MS)?;
            if interrupted.load(Ordering::Relaxed) {
                bail!("interrupted before anything was counted");
            }
            if joined != self.tally.joined {
                (joined, since) = (self.tally.joined, Instant::now());
            } else if since.elapsed() > PATIENCE {
                let all = self.plan.players;
                bail!(
                    "only {joined} of {all} players are served: has the server's model room for all of them?"
                );
            }
        }
        self.phase = Phase::Playing;
        if let Load::Think(think) = self.plan.load {
            for player in &self.players {
                // Not all at once, if they take their time.
                let first = self.random.random_range(Duration::ZERO..=think);
                self.thinking.push(Reverse((first, player.seat)));
            }
        }
        Ok(())
    }

    /// So many per second leave. Says when the next one does.
    pub(super) fn some_leave(&mut self, poll: &Poll, rate: f64, now: Duration) -> anyhow::Result<Duration> {
        // Who is about to come stays; the first one always does, or nobody would hear everything.
        while (self.left as f64) < (now.as_secs_f64() * rate).floor() {
            let slot = self.random.random_range(1..self.players.len());
            if !self.plays(slot) {
                break;
            }
            self.leave(poll, slot)?;
        }
        // Not at once if those who have left are still about to come.
        Ok(Duration::from_secs_f64((self.left + 1) as f64 / rate).max(now + AGAIN))
    }

    /// Asks to join.
    fn sit_down(&mut self, poll: &Poll, slot: usize) -> anyhow::Result<()> {
        let player = &mut self.players[slot];
        let seat = player.seat;
        self.slots.insert(seat, slot);
        player.stream.set_nonblocking(true)?;
        poll.listen(&player.stream, slot as u64)?;
        let hello = [(Request::Scores, Out::Scores(false)), (Request::Join(Some(seat.name())), Out::Join)];
        player.ask(&hello)?;
        if seat == Seat(0) {
            // Whose notices come first is written down first, and only it can be alone.
            player.place = Some(self.referee.beginning());
            player.ask(&[(Request::State, Out::State), (Request::Scores, Out::Scores(true))])?;
        }
        Ok(())
    }

    /// Hangs up, whatever is under way, and comes again.
    fn leave(&mut self, poll: &Poll, slot: usize) -> anyhow::Result<()> {
        let player = &mut self.players[slot];
        self.referee.leaves(player.seat);
        self.slots.remove(&player.seat);
        player.come_again(self.referee.comes(), connect(self.plan.target)?);
        self.left += 1;
        self.sit_down(poll, slot)
    }

    /// Whether this player has joined, and been told.
    fn plays(&self, slot: usize) -> bool {
        let player = &self.players[slot];
        player.place.is_some() && !player.out.iter().any(|out| matches!(out, Out::Join))
    }
}
