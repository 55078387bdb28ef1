//! The rules of the game, as one player alone sees them.
//!
//! They are written for the search, not for a server: a letter that was tried in vain is not remembered, as no answer depends on it.
//! Everything that is refused is then a read, and reads are cheap to order.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use common::verify::Specification;

/// One request of one player.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// The player. A client that leaves and joins again is another player.
    pub player: u32,
    /// Action they ask.
    pub action: Action,
}

/// Action a player asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
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

/// Action the server answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// To a join, a proposal or a guess.
    Done(bool),
    /// They are gone.
    Left,
    /// The word so far, empty when there is none.
    Progress(Arc<str>),
    /// Names and points, in any order.
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
    /// Who plays at the beginning; there is no word.
    pub initial: GameState,
}

/// Who plays, and the word.
#[derive(Debug, Clone, Default, Hash)]
pub struct GameState {
    /// Name and points of each player.
    pub players: BTreeMap<u32, (Arc<str>, u64)>,
    round: Option<(Arc<str>, BTreeSet<char>)>,
}

impl Specification for Rules {
    type Operation = Operation;
    type Answer = Answer;
    type State = GameState;

    fn initial(&self) -> GameState {
        self.initial.clone()
    }

    fn step(&self, state: &GameState, operation: &Operation) -> (Answer, Option<GameState>) {
        let player = operation.player;
        let joined = state.players.contains_key(&player);
        let changed = |answer: Answer, change: &dyn Fn(&mut GameState)| {
            let mut after = state.clone();
            change(&mut after);
            (answer, Some(after))
        };
        match &operation.action {
            Action::Join(name) if joined || state.players.values().any(|(other, _)| other == name) => {
                (Answer::Done(false), None)
            }
            Action::Join(name) => changed(Answer::Done(true), &|state| {
                state.players.insert(player, (Arc::clone(name), 0));
            }),
            Action::Leave if !joined => (Answer::Left, None),
            Action::Leave => changed(Answer::Left, &|state| {
                state.players.remove(&player);
            }),
            _ if !joined => (Answer::NotJoined, None),
            Action::Propose(_) if state.round.is_some() => (Answer::Done(false), None),
            Action::Propose(word) => changed(Answer::Done(true), &|state| {
                state.round = Some((Arc::clone(word), BTreeSet::new()));
            }),
            Action::Guess(letter) if state.is_open(*letter) => {
                changed(Answer::Done(true), &|state| state.score(player, *letter))
            }
            Action::Guess(_) => (Answer::Done(false), None),
            Action::State => (Answer::Progress(state.progress()), None),
            Action::Scores => (Answer::Scores(state.scores()), None),
        }
    }

    fn agrees(&self, right: &Answer, given: &Answer) -> bool {
        match (right, given) {
            (Answer::Scores(_), Answer::Unsupported) => true,
            // The wire promises no order of the scores.
            (Answer::Scores(right), Answer::Scores(given)) => {
                let mut given = given.clone();
                best_first(&mut given);
                *right == given
            }
            _ => right == given,
        }
    }

    fn is_read(&self, operation: &Operation, answer: &Answer) -> bool {
        match answer {
            Answer::Done(done) => !done,
            Answer::Left => false,
            Answer::Progress(_) | Answer::Scores(_) | Answer::NotJoined | Answer::Unsupported => true,
            Answer::Senseless(_) => !matches!(operation.action, Action::Leave),
        }
    }
}

impl GameState {
    fn is_open(&self, letter: char) -> bool {
        self.round.as_ref().is_some_and(|(word, shown)| word.contains(letter) && !shown.contains(&letter))
    }

    fn score(&mut self, player: u32, letter: char) {
        if let Some((_, points)) = self.players.get_mut(&player) {
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
        best_first(&mut scores);
        scores
    }
}

/// Those with the same points by their names.
fn best_first(scores: &mut [(Arc<str>, u64)]) {
    scores.sort_by(|(one, most), (other, more)| more.cmp(most).then_with(|| one.cmp(other)));
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.action {
            Action::Join(name) => write!(f, "join {name}"),
            Action::Leave => f.write_str("leave"),
            Action::Propose(word) => write!(f, "word {word}"),
            Action::Guess(letter) => write!(f, "guess {letter}"),
            Action::State => f.write_str("look"),
            Action::Scores => f.write_str("scores"),
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
