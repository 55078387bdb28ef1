//! All players in one loop: whose turn it is, and what they are answered. Who comes and leaves is in `coming.rs`.
//!
//! ```text
//!   closed loop:  answer ──► think ──► request ──► answer …            one request out per player
//!   open loop:    │ │  │ │ │   │       due times, dealt to players      a player takes them one after another
//! ```

mod coming;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::Duration;

use crate::guessword::wire::{Request, Response};
use anyhow::{bail, ensure};
use hdrhistogram::Histogram;
use nix::sys::epoll::EpollFlags;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::outcome::Outcome;
use super::player::{Answered, Fault, Out, Player};
use super::referee::{Asked, Referee};
use super::seat::Seat;
use super::{Load, Plan};
use crate::simulate::engine::{self, Clock};
use crate::simulate::outcome::Latency;
use crate::simulate::poll::{Poll, allow_descriptors};

const READ_AT_ONCE: usize = 256 * 1024;
/// Notices in the transcript before it is looked whether some can be forgotten.
const KEEP: u64 = 4096;

/// The players of a plan.
pub struct Crowd<'a> {
    plan: &'a Plan,
    players: Vec<Player>,
    /// Who sits where: an index of `players`.
    slots: BTreeMap<Seat, usize>,
    referee: Referee,
    phase: Phase,
    /// Whose time to think ends when.
    thinking: BinaryHeap<Reverse<(Duration, Seat)>>,
    /// Guesses that were dealt in the open loop, and players who have left.
    dealt: u64,
    left: u64,
    random: StdRng,
    scratch: Vec<u8>,
    answered: Vec<Answered>,
    tally: Tally,
    latency: Histogram<u64>,
    /// How long the transcript was when something was forgotten last.
    tidied: u64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Phase {
    Arriving,
    Playing,
    /// Nothing new is due.
    Ending,
    /// The points were asked for.
    Counting,
}

#[derive(Default)]
struct Tally {
    /// Players who have arrived and been answered.
    joined: usize,
    guesses: u64,
    scored: u64,
    heard: u64,
    answered: u64,
    points_compared: bool,
}

/// What is counted.
#[derive(Debug, Clone, Copy)]
pub struct Count {
    /// Guesses.
    pub answered: u64,
    /// Notices.
    pub heard: u64,
    /// Rounds that have begun.
    pub rounds: u32,
}

impl<'a> Crowd<'a> {
    /// Nobody yet.
    ///
    /// # Errors
    /// Too few descriptors.
    pub fn new(plan: &'a Plan) -> anyhow::Result<Crowd<'a>> {
        allow_descriptors(plan.players + 64)?;
        Ok(Crowd {
            plan,
            players: Vec::with_capacity(plan.players),
            slots: BTreeMap::new(),
            referee: Referee::default(),
            phase: Phase::Arriving,
            thinking: BinaryHeap::new(),
            dealt: 0,
            left: 0,
            random: StdRng::seed_from_u64(plan.seed),
            scratch: vec![0; READ_AT_ONCE],
            answered: Vec::new(),
            tally: Tally::default(),
            latency: Latency::histogram(),
            tidied: 0,
        })
    }

    /// Answer times in nanoseconds.
    #[must_use]
    pub fn latency(&self) -> &Histogram<u64> {
        &self.latency
    }

    /// What has been counted from beginning to end.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        let answers = |player: &Player| player.out.len() + player.due.len();
        let unheard = |player: &Player| player.place.map_or(1, |place| self.referee.written() - place.heard);
        Outcome {
            guesses: self.tally.guesses,
            scored: self.tally.scored,
            rounds_in_all: self.referee.rounds(),
            heard: self.tally.heard,
            left: self.left,
            points_compared: self.tally.points_compared,
            missing_answers: self.players.iter().map(answers).sum::<usize>() as u64,
            missing_notices: self.players.iter().map(unheard).sum::<u64>() + self.referee.leaving(),
            ..Outcome::default()
        }
    }

    /// Makes the next request of a player that has none out, if it has one to make.
    fn play(&mut self, slot: usize, now: Duration) -> Result<(), Fault> {
        let player = &mut self.players[slot];
        let Some(place) = player.place.filter(|_| player.out.is_empty()) else { return Ok(()) };
        let due = match self.plan.load {
            Load::Think(_) if self.phase == Phase::Playing => now,
            Load::Rate(_) if let Some(&due) = player.due.front() => due,
            _ => return Ok(()),
        };
        let state = self.referee.state(place);
        if !state.there {
            let word = player.ideas.word();
            self.referee.proposes(player.seat, &word);
            player.ask(&[(Request::Propose(Some(word)), Out::Play(Asked::Word(state), due))])
        } else if let Some(letter) = player.ideas.letter(state) {
            player.due.pop_front();
            self.tally.guesses += 1;
            player.ask(&[(Request::Guess(Some(letter)), Out::Play(Asked::Guess(letter, state), due))])
        } else {
            Ok(())
        }
    }

    /// Answers have come to this player.
    fn take_answers(&mut self, slot: usize, clock: &Clock) -> anyhow::Result<()> {
        let now = clock.now();
        let is_free = !self.answered.is_empty() && self.players[slot].out.is_empty();
        let mut answered = std::mem::take(&mut self.answered);
        for Answered { out, response } in answered.drain(..) {
            match (out, response) {
                (Out::Join, Response::Join(false)) => {
                    let name = self.players[slot].seat;
                    bail!("the name {name} is in use: the players need the game for themselves");
                }
                (Out::State, Response::State(word)) if !word.is_empty() => {
                    bail!("a word is being guessed there ({word}): the players need the game for themselves");
                }
                (Out::Scores(true), Response::Scores(scores)) if self.phase == Phase::Arriving => {
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
                    if clock.counts(due) {
                        let late = now.saturating_sub(due).as_nanos() as u64;
                        self.latency.saturating_record(late.max(1));
                    }
                }
                _ => {}
            }
        }
        self.answered = answered;
        match (self.phase, self.plan.load) {
            _ if !is_free => {}
            (Phase::Arriving, _) => self.tally.joined += 1,
            (_, Load::Think(think)) if !think.is_zero() => {
                self.thinking.push(Reverse((now + think, self.players[slot].seat)));
            }
            _ => self.play(slot, now)?,
        }
        Ok(())
    }
}

impl engine::Crowd for Crowd<'_> {
    type Count = Count;

    fn count(&self) -> Count {
        let Tally { answered, heard, .. } = self.tally;
        Count { answered, heard, rounds: self.referee.rounds() }
    }

    fn act(&mut self, poll: &Poll, now: Duration) -> anyhow::Result<Option<Duration>> {
        while let Some(&Reverse((due, seat))) = self.thinking.peek()
            && due <= now
        {
            self.thinking.pop();
            if let Some(&slot) = self.slots.get(&seat) {
                self.play(slot, now)?;
            }
        }
        let mut next = self.thinking.peek().map(|&Reverse((due, _))| due);
        let mut earlier = |due: Duration| next = Some(next.map_or(due, |next| next.min(due)));
        let count = self.players.len();
        if let Load::Rate(rate) = self.plan.load {
            while (self.dealt as f64) < now.as_secs_f64() * rate {
                let slot = self.random.random_range(0..count);
                self.players[slot].due.push_back(Duration::from_secs_f64(self.dealt as f64 / rate));
                self.dealt += 1;
                self.play(slot, now)?;
            }
            earlier(Duration::from_secs_f64(self.dealt as f64 / rate));
        }
        if let Some(rate) = self.plan.leave {
            earlier(self.some_leave(poll, rate, now)?);
        }
        Ok(next)
    }

    fn hear(&mut self, _: &Poll, key: u64, _: EpollFlags, clock: &Clock) -> anyhow::Result<()> {
        let slot = key as usize;
        self.tally.heard +=
            self.players[slot].read(&mut self.scratch, &mut self.referee, &mut self.answered)?;
        self.take_answers(slot, clock)?;
        // Whoever has been told so by the others may now read what it has been told itself.
        while let Some((seat, place)) = self.referee.joined() {
            let Some(&slot) = self.slots.get(&seat).filter(|_| seat != Seat(0)) else { continue };
            self.players[slot].place = Some(place);
            self.tally.heard += self.players[slot].go_on(&mut self.referee, &mut self.answered)?;
            self.take_answers(slot, clock)?;
        }
        Ok(())
    }

    fn tidy(&mut self) {
        if self.referee.written() > self.tidied + KEEP {
            self.tidied = self.referee.written();
            // Whoever is about to join is told where, and nobody else is before that.
            let heard = self.players.iter().filter_map(|player| player.place.map(|place| place.heard));
            self.referee.forget(heard.min().unwrap_or(0));
        }
    }

    fn has_settled(&mut self) -> anyhow::Result<bool> {
        let all_heard = |player: &Player| {
            player.place.is_some_and(|place| place.heard == self.referee.written())
                && player.out.is_empty()
                && player.due.is_empty()
        };
        let quiet = self.referee.leaving() == 0 && self.players.iter().all(all_heard);
        match self.phase {
            Phase::Arriving | Phase::Playing => self.phase = Phase::Ending,
            Phase::Ending if quiet => {
                self.players[0].ask(&[(Request::Scores, Out::Scores(true))])?;
                self.phase = Phase::Counting;
            }
            Phase::Ending => {}
            Phase::Counting => return Ok(quiet),
        }
        Ok(false)
    }
}
