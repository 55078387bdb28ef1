//! The guess-word game: the structure that alone decides. Notes, chapter 4: *shared state*.
//!
//! ```text
//!  join ─┐                       ┌─ Ok(Notice)   it happened, and every player is told, whoever did it too
//!  leave ├─►  Game (&mut self) ──┤
//! propose│    players, points    └─ Err(Refused) nothing happened, and only who asked is told
//!  guess ┘    word, tried letters
//! ```
//!
//! There is no lock in it, no socket and no clock. A server puts **one** lock around the whole of it, so that each call is one
//! step and all players see the steps in one order. That is what makes "the fastest scores" a fact: of two players who guess one
//! letter at once, one comes through the lock first.
//!
//! [`Game::guess`] is a check and an act: [`judge`](Game::judge) looks whether the letter scores, [`score`](Game::score) gives the
//! point. They are public only to show what happens when the lock is let go between them (`guessword-server --racy`): both
//! players pass the check, and both score. Each half holds the lock properly; a lock around each access does not make the two one.
//!
//! The rules, where the notes leave them open:
//! - A name has 1 to 32 bytes of UTF-8, no space and no character that is not seen, and is in use as long as its player is there.
//! - What a word is, and which letters are alike, is in [`word`].
//! - A letter that is right counts one point, however often it stands in the word. A wrong one costs nothing and is not told.
//! - Whoever proposed the word may guess too: alone one could not play otherwise.
//! - Points go with their player: who leaves and comes again begins at 0. A word stays when its proposer leaves.

mod refused;
pub mod word;

use std::collections::{BTreeMap, BTreeSet};

use crate::guessword::wire::{Event, NAME_LIMIT, Notice, SCORES_LIMIT, Score};
use common::support::terminal::is_visible;

pub use refused::Refused;
use word::{Letter, Word};

/// Most players at once.
pub const PLAYERS_LIMIT: usize = 1 << 16;

/// A player, for as long as they are in the game. The server gives the numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PlayerId(pub u64);

/// The game. See the module for how to share it.
#[derive(Debug, Default)]
pub struct Game {
    players: BTreeMap<PlayerId, Player>,
    names: BTreeSet<String>,
    round: Option<Round>,
}

#[derive(Debug)]
struct Player {
    name: String,
    points: u64,
}

/// The time between a proposal and a win.
#[derive(Debug)]
struct Round {
    word: Word,
    tried: BTreeSet<Letter>,
}

/// The judgement that a letter scores: true when it was made, and as long as nobody else has touched the game.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hit(Letter);

impl Game {
    /// Takes a player in, at any time.
    ///
    /// # Errors
    /// [`Refused::BadName`], [`Refused::NameInUse`], [`Refused::JoinedAlready`] or [`Refused::Full`].
    pub fn join(&mut self, id: PlayerId, name: &str) -> Result<Notice, Refused> {
        if self.players.contains_key(&id) {
            return Err(Refused::JoinedAlready);
        }
        if !is_name(name) {
            return Err(Refused::BadName);
        }
        if self.players.len() >= PLAYERS_LIMIT {
            return Err(Refused::Full);
        }
        if !self.names.insert(name.to_owned()) {
            return Err(Refused::NameInUse);
        }
        self.players.insert(id, Player { name: name.to_owned(), points: 0 });
        self.notice(id, Event::Joined)
    }

    /// Lets a player go, at any time. The name is free then. `None` when they were not in the game.
    pub fn leave(&mut self, id: PlayerId) -> Option<Notice> {
        let player = self.players.remove(&id)?;
        self.names.remove(&player.name);
        Some(Notice { name: player.name, event: Event::Left })
    }

    /// Begins a round with this word, if there is none: the first proposal wins.
    ///
    /// # Errors
    /// [`Refused::NotJoined`], [`Refused::WordThere`], or [`Refused::BadWord`] with the rule that it breaks.
    pub fn propose(&mut self, id: PlayerId, word: &str) -> Result<Notice, Refused> {
        self.player(id)?;
        if self.round.is_some() {
            return Err(Refused::WordThere);
        }
        let word = Word::parse(word)?;
        let length = word.length();
        self.round = Some(Round { word, tried: BTreeSet::new() });
        self.notice(id, Event::Proposed { length })
    }

    /// Guesses a letter: the check and the act, in one step. The last letter wins the round.
    ///
    /// # Errors
    /// [`Refused::NotJoined`], and what [`judge`](Game::judge) says. A letter that was tried in vain is remembered.
    pub fn guess(&mut self, id: PlayerId, letter: char) -> Result<Notice, Refused> {
        self.player(id)?;
        match self.judge(letter) {
            Ok(hit) => self.score(id, hit),
            Err(refused) => {
                if let (Refused::NotInWord, Some(letter), Some(round)) =
                    (refused, Letter::of(letter), &mut self.round)
                {
                    round.tried.insert(letter);
                }
                Err(refused)
            }
        }
    }

    /// The check: whether this letter would score now.
    ///
    /// # Errors
    /// [`Refused::NotALetter`], [`Refused::NoWord`], [`Refused::TriedAlready`] or [`Refused::NotInWord`].
    pub fn judge(&self, letter: char) -> Result<Hit, Refused> {
        let letter = Letter::of(letter).ok_or(Refused::NotALetter)?;
        let round = self.round.as_ref().ok_or(Refused::NoWord)?;
        if round.tried.contains(&letter) {
            return Err(Refused::TriedAlready);
        }
        if round.word.contains(letter) { Ok(Hit(letter)) } else { Err(Refused::NotInWord) }
    }

    /// The act: a point, and the letter shows. It believes the hit: right only if nothing has happened since it was judged.
    ///
    /// # Errors
    /// [`Refused::NotJoined`].
    pub fn score(&mut self, id: PlayerId, hit: Hit) -> Result<Notice, Refused> {
        let player = self.players.get_mut(&id).ok_or(Refused::NotJoined)?;
        player.points += 1;
        let finished = self.round.take_if(|round| {
            round.tried.insert(hit.0);
            round.word.is_shown(&round.tried)
        });
        match finished {
            Some(round) => self.notice(id, Event::Won { word: round.word.to_string() }),
            None => self.notice(id, Event::Guessed(hit.0.character())),
        }
    }

    /// The word so far, with `_` for what is not guessed; empty while there is none.
    pub fn progress(&self) -> String {
        self.round.as_ref().map(|round| round.word.masked(&round.tried)).unwrap_or_default()
    }

    /// The points of the best [`SCORES_LIMIT`] players, the best first, and those with as many by name.
    pub fn scores(&self) -> Vec<Score> {
        let mut players: Vec<&Player> = self.players.values().collect();
        players.sort_unstable_by(|a, b| b.points.cmp(&a.points).then_with(|| a.name.cmp(&b.name)));
        let best = players.into_iter().take(SCORES_LIMIT);
        best.map(|player| Score { name: player.name.clone(), points: player.points }).collect()
    }

    /// Who is in the game, and is told what happens.
    pub fn players(&self) -> impl Iterator<Item = PlayerId> {
        self.players.keys().copied()
    }

    /// Whether this player is in the game.
    pub fn has(&self, id: PlayerId) -> bool {
        self.players.contains_key(&id)
    }

    fn player(&self, id: PlayerId) -> Result<&Player, Refused> {
        self.players.get(&id).ok_or(Refused::NotJoined)
    }

    fn notice(&self, id: PlayerId, event: Event) -> Result<Notice, Refused> {
        Ok(Notice { name: self.player(id)?.name.clone(), event })
    }
}

/// No space, so that `name what` and `name score` can be read back, and nothing that is not seen, so that two names are not one to
/// the eye.
fn is_name(name: &str) -> bool {
    let fits = (1..=NAME_LIMIT).contains(&name.len());
    fits && name.chars().all(|character| !character.is_whitespace() && is_visible(character))
}

#[cfg(test)]
mod tests;
