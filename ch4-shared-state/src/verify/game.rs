//! What the guess-word game is, to one player alone, and players who get in each other's way.
//!
//! The model is written for the search, not for a server: a letter that was tried in vain is not remembered, as no answer depends on it.
//! Everything that is refused is then a read, and reads are cheap to order.

mod players;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use common::verify::Specification;

pub use players::play;

/// One request of one player.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// The player, who is another one after each coming and going.
    pub seat: u32,
    /// What they ask.
    pub what: What,
}

/// What a player asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Take me in under this name.
    Join(Arc<str>),
    /// The connection is closed; it is over when everybody is told.
    Leave,
    /// The next word.
    Propose(Arc<str>),
    /// A letter.
    Guess(char),
    /// The word so far.
    State,
    /// Who has how many points.
    Scores,
}

/// What the server answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// To a join, a proposal or a guess.
    Done(bool),
    /// They are gone.
    Left,
    /// The word so far, empty when there is none.
    Progress(Arc<str>),
    /// Names and points, the best first.
    Scores(Vec<(Arc<str>, u64)>),
    /// Who has not joined can only join.
    NotJoined,
    /// The server keeps no scores.
    Unsupported,
    /// Anything else: never right.
    Senseless(String),
}

/// The rules, and who was there before.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// The table at the beginning, without a word.
    pub initial: Table,
}

/// Who plays, and the word.
#[derive(Debug, Clone, Default, Hash)]
pub struct Table {
    /// Name and points of each player.
    pub players: BTreeMap<u32, (Arc<str>, u64)>,
    round: Option<(Arc<str>, BTreeSet<char>)>,
}

impl Specification for Rules {
    type Operation = Operation;
    type Answer = Answer;
    type State = Table;

    fn initial(&self) -> Table {
        self.initial.clone()
    }

    fn step(&self, table: &Table, operation: &Operation) -> (Answer, Option<Table>) {
        let seat = operation.seat;
        let joined = table.players.contains_key(&seat);
        let changed = |answer: Answer, change: &dyn Fn(&mut Table)| {
            let mut after = table.clone();
            change(&mut after);
            (answer, Some(after))
        };
        match &operation.what {
            What::Join(name) if joined || table.players.values().any(|(other, _)| other == name) => {
                (Answer::Done(false), None)
            }
            What::Join(name) => changed(Answer::Done(true), &|table| {
                table.players.insert(seat, (Arc::clone(name), 0));
            }),
            What::Leave if !joined => (Answer::Left, None),
            What::Leave => changed(Answer::Left, &|table| {
                table.players.remove(&seat);
            }),
            _ if !joined => (Answer::NotJoined, None),
            What::Propose(_) if table.round.is_some() => (Answer::Done(false), None),
            What::Propose(word) => changed(Answer::Done(true), &|table| {
                table.round = Some((Arc::clone(word), BTreeSet::new()));
            }),
            What::Guess(letter) if table.is_open(*letter) => {
                changed(Answer::Done(true), &|table| table.score(seat, *letter))
            }
            What::Guess(_) => (Answer::Done(false), None),
            What::State => (Answer::Progress(table.progress()), None),
            What::Scores => (Answer::Scores(table.scores()), None),
        }
    }

    fn agrees(&self, right: &Answer, given: &Answer) -> bool {
        matches!((right, given), (Answer::Scores(_), Answer::Unsupported)) || right == given
    }

    fn is_read(&self, operation: &Operation, answer: &Answer) -> bool {
        match answer {
            Answer::Done(done) => !done,
            Answer::Left => false,
            Answer::Progress(_) | Answer::Scores(_) | Answer::NotJoined | Answer::Unsupported => true,
            Answer::Senseless(_) => !matches!(operation.what, What::Leave),
        }
    }
}

impl Table {
    fn is_open(&self, letter: char) -> bool {
        self.round.as_ref().is_some_and(|(word, shown)| word.contains(letter) && !shown.contains(&letter))
    }

    fn score(&mut self, seat: u32, letter: char) {
        if let Some((_, points)) = self.players.get_mut(&seat) {
            *points += 1;
        }
        if let Some((word, shown)) = &mut self.round {
            shown.insert(letter);
            if word.chars().all(|letter| shown.contains(&letter)) {
                self.round = None;
            }
        }
    }

    fn progress(&self) -> Arc<str> {
        let Some((word, shown)) = &self.round else { return "".into() };
        word.chars()
            .map(|letter| if shown.contains(&letter) { letter } else { '_' })
            .collect::<String>()
            .into()
    }

    fn scores(&self) -> Vec<(Arc<str>, u64)> {
        let mut scores: Vec<_> = self.players.values().cloned().collect();
        scores.sort_by(|(one, most), (other, more)| more.cmp(most).then_with(|| one.cmp(other)));
        scores
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.what {
            What::Join(name) => write!(f, "join {name}"),
            What::Leave => f.write_str("leave"),
            What::Propose(word) => write!(f, "word {word}"),
            What::Guess(letter) => write!(f, "guess {letter}"),
            What::State => f.write_str("look"),
            What::Scores => f.write_str("scores"),
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Answer::Done(true) => f.write_str("yes"),
            Answer::Done(false) => f.write_str("no"),
            Answer::Left => f.write_str("gone"),
            Answer::Progress(word) if word.is_empty() => f.write_str("no word"),
            Answer::Progress(word) => f.write_str(word),
            Answer::Scores(scores) => {
                let scores: Vec<_> = scores.iter().map(|(name, points)| format!("{name} {points}")).collect();
                f.write_str(&scores.join(", "))
            }
            Answer::NotJoined => f.write_str("not joined"),
            Answer::Unsupported => f.write_str("unknown"),
            Answer::Senseless(what) => f.write_str(what),
        }
    }
}

#[cfg(test)]
mod tests;
