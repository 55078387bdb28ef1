//! Decides whether what the players hear is the game. Notes, chapter 4: *shared state*.
//!
//! ```text
//!   transcript:   p0 joined │ p1 joined │ p0 proposed … │ p1 guessed e │ p0 won …      who hears a notice first writes it down,
//!                                   p1 is here ▲               ▲ p0 is here            and the rules are applied to it; all
//!   the game:     no word     no word     ____            _e__           no word       others are compared with it, byte for byte
//! ```
//!
//! A right server changes the game, tells everybody and answers under one lock. So the notices that a player has heard say what the game
//! is when its answer comes, and the answer has one right value. No search for an order is needed, as
//! [`verify`](crate::verify) needs it, because here the order is heard.
//!
//! For a *no* the game is looked at from the request to its answer: it is right if the game was ever in between such that a no was right.
//! A *yes* needs its notice, heard before it.

mod rules;

use std::collections::VecDeque;

use crate::guessword::wire::{Event, Notice, SCORES_LIMIT, Score};

use super::seat::Seat;
use super::violation::Violation;
pub use rules::State;
use rules::{Presence, Round};

/// How far a player is in the transcript, and what it has brought about that it has not been answered yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Notices of the transcript that are before it.
    pub heard: u64,
    caused: Option<Caused>,
}

/// What a notice says that a player has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Caused {
    Joined,
    Proposed,
    Scored(char),
    Left,
}

/// What a player has asked, and what the game was then as far as the player knew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// A letter.
    Guess(char, State),
    /// A word; see [`Referee::proposes`].
    Word(State),
}

/// See the module.
#[derive(Debug, Default)]
pub struct Referee {
    entries: VecDeque<Entry>,
    /// Entries that were forgotten.
    forgotten: u64,
    state: State,
    round: Round,
    seats: Vec<Sitting>,
    joined: Vec<(Seat, u64)>,
    leaving: u64,
}

#[derive(Debug)]
struct Entry {
    frame: Box<[u8]>,
    seat: Seat,
    caused: Caused,
    after: State,
}

#[derive(Debug)]
struct Sitting {
    presence: Presence,
    /// Its last proposal.
    word: String,
    /// By its answers.
    points: u64,
}

impl Referee {
    /// Somebody is about to come, under the [name](Seat::name) of this seat.
    pub fn comes(&mut self) -> Seat {
        self.seats.push(Sitting { presence: Presence::Coming, word: String::new(), points: 0 });
        Seat(self.seats.len() - 1)
    }

    /// This player is about to propose this word.
    pub fn proposes(&mut self, seat: Seat, word: &str) {
        word.clone_into(&mut self.seats[seat.0].word);
    }

    /// This player, who has joined, hangs up.
    pub fn leaves(&mut self, seat: Seat) {
        self.seats[seat.0].presence = Presence::Leaving;
        self.leaving += 1;
    }

    /// The place of the first player, who hears everything.
    pub fn beginning(&self) -> Place {
        Place { heard: 0, caused: None }
    }

    /// Who has joined by the transcript since this was asked last, and the place from which they hear everything.
    pub fn joined(&mut self) -> Option<(Seat, Place)> {
        self.joined.pop().map(|(seat, heard)| (seat, Place { heard, caused: None }))
    }

    /// Notices in the transcript.
    pub fn written(&self) -> u64 {
        self.forgotten + self.entries.len() as u64
    }

    /// Rounds that have begun.
    pub fn rounds(&self) -> u32 {
        self.state.round
    }

    /// Players who have left, of whom nobody was told yet.
    pub fn leaving(&self) -> u64 {
        self.leaving
    }

    /// The game as a player knows it who is there.
    pub fn state(&self, place: Place) -> State {
        let last = place.heard.checked_sub(self.forgotten + 1);
        last.and_then(|last| self.entries.get(last as usize)).map_or(State::default(), |entry| entry.after)
    }

    /// How many of these bytes are the notice that the others have heard at this place; 0 when it is another, or none. Then
    /// [`hears`](Referee::hears) tells.
    pub fn follows(&self, seat: Seat, place: &mut Place, bytes: &[u8]) -> usize {
        match self.entries.get((place.heard - self.forgotten) as usize) {
            Some(entry) if bytes.starts_with(&entry.frame) => {
                let length = entry.frame.len();
                place.pass(seat, entry.seat, entry.caused);
                length
            }
            _ => 0,
        }
    }

    /// A notice that is not the next one of the transcript: it is the first to hear it, or something is wrong.
    pub fn hears(
        &mut self,
        seat: Seat,
        place: &mut Place,
        frame: &[u8],
        notice: &Notice,
    ) -> Result<(), Violation> {
        if place.heard != self.written() {
            return Err(Violation::OtherOrder { heard: place.heard, seat });
        }
        let (who, caused) = self.apply(notice)?;
        if caused == Caused::Joined {
            self.joined.push((who, place.heard));
        }
        self.entries.push_back(Entry { frame: frame.into(), seat: who, caused, after: self.state });
        place.pass(seat, who, caused);
        Ok(())
    }

    /// A join was answered with yes.
    pub fn joins(&self, seat: Seat, place: Option<&mut Place>) -> Result<(), Violation> {
        match place.and_then(|place| place.caused.take()) {
            Some(Caused::Joined) => Ok(()),
            _ => Err(Violation::AnswerFirst { seat, what: "to its name" }),
        }
    }

    /// A guess or a proposal was answered.
    pub fn answers(
        &mut self,
        seat: Seat,
        place: &mut Place,
        asked: Asked,
        yes: bool,
    ) -> Result<(), Violation> {
        let now = self.state(*place);
        let (wanted, what) = match asked {
            Asked::Guess(letter, _) => (Caused::Scored(letter), "to a letter"),
            Asked::Word(_) => (Caused::Proposed, "to a word"),
        };
        match (yes, place.caused.take()) {
            (true, Some(caused)) if caused == wanted => {
                self.seats[seat.0].points += u64::from(matches!(asked, Asked::Guess(..)));
                return Ok(());
            }
            (true, _) => return Err(Violation::AnswerFirst { seat, what }),
            (false, Some(_)) => return Err(Violation::NoForYes { seat, what }),
            (false, None) => {}
        }
        match asked {
            Asked::Guess(letter, then) if then.round == now.round && now.is_open(letter) => {
                Err(Violation::RefusedToTheFirst { round: now.round, letter, seat })
            }
            Asked::Word(then) if then.round == now.round && !then.there && !now.there => {
                Err(Violation::WordRefused { round: now.round, seat })
            }
            _ => Ok(()),
        }
    }

    /// The scores, when nobody plays any more.
    pub fn counts(&self, scores: &[Score]) -> Result<(), Violation> {
        let there = self.seats.iter().enumerate().filter(|(_, sitting)| sitting.presence == Presence::There);
        let mut answered: Vec<Score> = there
            .map(|(number, sitting)| Score { name: Seat(number).name(), points: sitting.points })
            .collect();
        // The wire promises no order of the scores.
        let mut scores = scores.to_vec();
        for list in [&mut answered, &mut scores] {
            list.sort_unstable_by(|a, b| b.points.cmp(&a.points).then_with(|| a.name.cmp(&b.name)));
        }
        answered.truncate(SCORES_LIMIT);
        let difference = answered.iter().zip(&scores).position(|(one, other)| one != other);
        let longer = (answered.len() != scores.len()).then(|| answered.len().min(scores.len()));
        let Some(at) = difference.or(longer) else { return Ok(()) };
        let name = answered.get(at).or(scores.get(at)).map(|score| score.name.clone()).unwrap_or_default();
        let points = |list: &[Score]| list.iter().find(|score| score.name == name).map(|score| score.points);
        Err(Violation::Points { scored: points(&scores), answered: points(&answered), name })
    }

    /// Forgets what everybody has heard who is before none of this.
    pub fn forget(&mut self, least: u64) {
        // The last one that somebody has heard stays: it says what the game is.
        while self.forgotten + 1 < least && self.entries.pop_front().is_some() {
            self.forgotten += 1;
        }
    }

    /// Applies the rules to something that has happened.
    fn apply(&mut self, notice: &Notice) -> Result<(Seat, Caused), Violation> {
        let impossible = |why| Err(Violation::Impossible { what: notice.to_string(), why });
        let Some(seat) = Seat::read(&notice.name).filter(|seat| seat.0 < self.seats.len()) else {
            return impossible("nobody here has this name: does somebody else play?");
        };
        let sitting = &mut self.seats[seat.0];
        match (&notice.event, sitting.presence) {
            (Event::Joined, Presence::Coming) => {
                sitting.presence = Presence::There;
                return Ok((seat, Caused::Joined));
            }
            (Event::Left, Presence::Leaving) => {
                sitting.presence = Presence::Gone;
                self.leaving -= 1;
                return Ok((seat, Caused::Left));
            }
            (Event::Joined, _) => return impossible("it was there"),
            (Event::Left, _) => return impossible("it has not hung up, or everybody was told before"),
            (_, Presence::Coming) => return impossible("nobody was told that it had joined"),
            (_, Presence::Gone) => return impossible("it had left"),
            (_, Presence::There | Presence::Leaving) => {}
        }
        let caused = match &notice.event {
            Event::Proposed { length } => {
                self.round.begin(&mut self.state, seat, &sitting.word, *length)?;
                Caused::Proposed
            }
            Event::Guessed(letter) => {
                self.round.score(&mut self.state, seat, *letter)?;
                Caused::Scored(*letter)
            }
            Event::Won { word } => Caused::Scored(self.round.win(&mut self.state, seat, word)?),
            Event::Joined | Event::Left | Event::Other(_) => return impossible("it is none of the game's"),
        };
        Ok((seat, caused))
    }
}

impl Place {
    /// One notice further. What the player has caused itself must be answered next.
    fn pass(&mut self, own: Seat, who: Seat, caused: Caused) {
        self.heard += 1;
        if own == who {
            self.caused = Some(caused);
        }
    }
}

#[cfg(test)]
mod tests;
