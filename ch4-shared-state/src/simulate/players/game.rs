//! All players as one workload: whose turn it is, and what they are answered. Who comes and leaves is in `coming.rs`.
//!
//! ```text
//!   closed loop:  answer ──► think ──► request ──► answer …            one request out per player
//!   open loop:    │ │  │ │ │   │       due times, dealt to players      a player takes them one after another
//! ```

mod coming;

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use common::loadgen::{Input, LoopContext, Workload, allow_files, drive, histogram};
use hdrhistogram::Histogram;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::outcome::Outcome;
use super::plan::{Load, Plan};
use super::player::{Answered, Out, Player};
use super::referee::{Asked, Referee};
use super::seat::Seat;
use crate::guessword::wire::{Request, Response};
use crate::simulate::measurement::{Measurement, Phase};
use crate::simulate::outcome::Latency;

const READ_AT_ONCE: usize = 256 * 1024;
/// Descriptors beside those of the players.
const OWN_FILES: u64 = 64;
/// Notices in the transcript before it is looked whether some can be forgotten.
const KEEP: u64 = 4096;

/// Plays. `look` is called when what is counted begins, and at its end.
///
/// # Errors
/// Nobody to connect to, too few descriptors, a connection that broke, somebody else who plays, or a
/// [`Violation`](super::violation::Violation).
pub fn run(plan: &Plan, interrupted: &AtomicBool, mut look: impl FnMut()) -> anyhow::Result<Outcome> {
    allow_files(plan.players as u64, OWN_FILES)?;
    let context = LoopContext::new(plan.target, plan.players, plan.players)?;
    let mut game = Game {
        plan,
        measurement: Measurement::new(plan.schedule, plan.players, interrupted, &mut look),
        phase: Phase::Arriving,
        is_counting: false,
        players: Vec::with_capacity(plan.players),
        slots: BTreeMap::new(),
        referee: Referee::default(),
        due: None,
        dealt: 0,
        left: 0,
        random: StdRng::seed_from_u64(plan.seed),
        answered: Vec::new(),
        tally: Tally::default(),
        latency: histogram(),
        tidied: 0,
    };
    drive(&mut game, context, READ_AT_ONCE)?;
    game.outcome()
}

/// A client is an index of `players`.
struct Game<'a> {
    plan: &'a Plan,
    measurement: Measurement<'a, Count>,
    /// Of this turn.
    phase: Phase,
    /// The points were asked for, in the end.
    is_counting: bool,
    players: Vec<Player>,
    /// Who sits where: an index of `players`.
    slots: BTreeMap<Seat, usize>,
    referee: Referee,
    /// When something is due that no player waits for.
    due: Option<Duration>,
    /// Guesses that were dealt in the open loop, and players who have left.
    dealt: u64,
    left: u64,
    random: StdRng,
    answered: Vec<Answered>,
    tally: Tally,
    latency: Histogram<u64>,
    /// How long the transcript was when something was forgotten last.
    tidied: u64,
}

#[derive(Default)]
struct Tally {
    guesses: u64,
    scored: u64,
    heard: u64,
    answered: u64,
    points_compared: bool,
}

/// What is counted: guesses, notices, rounds that have begun.
#[derive(Debug, Clone, Copy)]
struct Count {
    answered: u64,
    heard: u64,
    rounds: u32,
}

impl Game<'_> {
    fn outcome(&self) -> anyhow::Result<Outcome> {
        let span = self.measurement.span()?;
        let (from, to) = (span.from, span.to);
        let answered = to.answered - from.answered;
        let answers = |player: &Player| player.out.len() + player.due.len();
        let unheard = |player: &Player| player.place.map_or(1, |place| self.referee.written() - place.heard);
        Ok(Outcome {
            guesses: self.tally.guesses,
            scored: self.tally.scored,
            rounds_in_all: self.referee.rounds(),
            heard: self.tally.heard,
            left: self.left,
            points_compared: self.tally.points_compared,
            missing_answers: self.players.iter().map(answers).sum::<usize>() as u64,
            missing_notices: self.players.iter().map(unheard).sum::<u64>() + self.referee.leaving(),
            seconds: span.seconds,
            answered,
            guesses_per_s: answered as f64 / span.seconds,
            notices_per_s: (to.heard - from.heard) as f64 / span.seconds,
            rounds: to.rounds - from.rounds,
            latency_us: Latency::of(&self.latency),
            generator_busy: span.busy,
            server: None,
        })
    }

    /// What is due.
    fn deal(&mut self, now: Duration, context: &mut LoopContext) {
        let next = |count: u64, rate: f64| Duration::from_secs_f64(count as f64 / rate);
        let mut due = Vec::new();
        if let Load::Rate(rate) = self.plan.load {
            while (self.dealt as f64) < now.as_secs_f64() * rate {
                let slot = self.random.random_range(0..self.players.len());
                self.players[slot].due.push_back(next(self.dealt, rate));
                self.dealt += 1;
                self.play(slot, now, context);
            }
            due.push(next(self.dealt, rate));
        }
        if let Some(rate) = self.plan.leave {
            due.push(self.some_leave(rate, now, context));
        }
        self.due = due.into_iter().min();
    }

    /// Makes the next request of a player that has none out, if it has one to make.
    fn play(&mut self, slot: usize, now: Duration, context: &mut LoopContext) {
        let player = &mut self.players[slot];
        let Some(place) = player.place.filter(|_| player.out.is_empty()) else { return };
        let due = match self.plan.load {
            Load::Think(_) if matches!(self.phase, Phase::Running(_)) => now,
            Load::Rate(_) if let Some(&due) = player.due.front() => due,
            _ => return,
        };
        let state = self.referee.state(place);
        if !state.there {
            let word = player.ideas.word();
            self.referee.proposes(player.seat, &word);
            let out = Out::Play(Asked::Word(state), due);
            player.ask(&Request::Propose(Some(word)), out, context.outgoing(slot));
        } else if let Some(letter) = player.ideas.letter(state) {
            player.due.pop_front();
            self.tally.guesses += 1;
            let out = Out::Play(Asked::Guess(letter, state), due);
            player.ask(&Request::Guess(Some(letter)), out, context.outgoing(slot));
        }
    }

    fn hear(&mut self, slot: usize, bytes: &[u8], context: &mut LoopContext) -> anyhow::Result<()> {
        self.tally.heard +=
            self.players[slot].handle_received(bytes, &mut self.referee, &mut self.answered)?;
        self.take_answers(slot, context)?;
        // A player that the others were told of may now read what it has been told itself.
        while let Some((seat, place)) = self.referee.joined() {
            let Some(&slot) = self.slots.get(&seat).filter(|_| seat != Seat(0)) else { continue };
            self.players[slot].place = Some(place);
            self.tally.heard += self.players[slot].go_on(&mut self.referee, &mut self.answered)?;
            self.take_answers(slot, context)?;
        }
        Ok(())
    }

    /// Answers have come to this player.
    fn take_answers(&mut self, slot: usize, context: &mut LoopContext) -> anyhow::Result<()> {
        let now = self.measurement.since_start(context.now_ns());
        let is_free = !self.answered.is_empty() && self.players[slot].out.is_empty();
        let is_arriving = self.phase == Phase::Arriving;
        for Answered { out, response } in self.answered.drain(..) {
            match (out, response) {
                (Out::Join, Response::Join(false)) => {
                    let name = self.players[slot].seat;
                    bail!("the name {name} is in use: the players need the game for themselves");
                }
                (Out::State, Response::State(word)) if !word.is_empty() => {
                    bail!("a word is being guessed there ({word}): the players need the game for themselves");
                }
                (Out::Scores(true), Response::Scores(scores)) if is_arriving => {
                    ensure!(
                        scores.len() <= 1,
                        "somebody else plays there: the players need the game for themselves"
                    );
                }
                (Out::Scores(true), Response::Scores(scores)) => {
                    self.referee.counts(&scores)?;
                    self.tally.points_compared = true;
                }
                (Out::Play(Asked::Guess(..), due), response) => {
                    self.tally.answered += 1;
                    self.tally.scored += u64::from(response == Response::Guess(true));
                    if self.measurement.counts(due) {
                        let late = now.saturating_sub(due).as_nanos() as u64;
                        self.latency.saturating_record(late.max(1));
                    }
                }
                _ => {}
            }
        }
        match self.plan.load {
            _ if !is_free => {}
            _ if is_arriving => self.measurement.arrive(context.now_ns()),
            Load::Think(think) if !think.is_zero() => {
                context.set_deadline(slot, context.now_ns() + think.as_nanos() as u64);
            }
            _ => self.play(slot, now, context),
        }
        Ok(())
    }

    /// Forgets what everybody has heard.
    fn forget(&mut self) {
        if self.referee.written() > self.tidied + KEEP {
            self.tidied = self.referee.written();
            // Whoever is about to join is told where, and nobody else is before that.
            let heard = self.players.iter().filter_map(|player| player.place.map(|place| place.heard));
            self.referee.forget(heard.min().unwrap_or(0));
        }
    }

    /// After the end, when nothing new begins: the points are asked for when all is quiet, and it is over when they are there.
    fn settle(&mut self, context: &mut LoopContext) {
        let has_heard_all = |player: &Player| {
            player.place.is_some_and(|place| place.heard == self.referee.written())
                && player.out.is_empty()
                && player.due.is_empty()
        };
        if self.referee.leaving() > 0 || !self.players.iter().all(has_heard_all) {
            return;
        }
        if self.is_counting {
            return self.measurement.settle();
        }
        self.is_counting = true;
        self.players[0].ask(&Request::Scores, Out::Scores(true), context.outgoing(0));
    }
}

impl Workload for Game<'_> {
    type Error = anyhow::Error;

    fn act(&mut self, context: &mut LoopContext) -> anyhow::Result<()> {
        self.forget();
        let Tally { answered, heard, .. } = self.tally;
        let count = Count { answered, heard, rounds: self.referee.rounds() };
        let before = self.phase;
        self.phase = self.measurement.phase(context.now_ns(), count)?;
        match self.phase {
            Phase::Arriving => self.some_come(context),
            Phase::Running(now) => {
                if before == Phase::Arriving {
                    self.begin(context);
                }
                self.deal(now, context);
            }
            Phase::Settling => self.settle(context),
        }
        Ok(())
    }

    fn deadline(&mut self, now_ns: u64) -> Option<u64> {
        self.measurement.deadline(now_ns, self.due)
    }

    fn handle_input(
        &mut self,
        slot: usize,
        input: Input<'_>,
        context: &mut LoopContext,
    ) -> anyhow::Result<()> {
        match input {
            Input::Connected => Ok(()),
            Input::Received(bytes) => self.hear(slot, bytes, context),
            // It has thought long enough.
            Input::Timeout => {
                self.play(slot, self.measurement.since_start(context.now_ns()), context);
                Ok(())
            }
            Input::Refused(error) => {
                Err(error).with_context(|| format!("nobody listens at {}", self.plan.target))
            }
            Input::Broken(error) => {
                Err(error).with_context(|| format!("the connection of {} broke", self.players[slot].seat))
            }
        }
    }
}
