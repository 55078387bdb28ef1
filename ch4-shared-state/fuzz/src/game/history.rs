//! What has happened in a game, told by its notices alone, and whether it may have.

use std::collections::{BTreeMap, BTreeSet};

use ch4_shared_state::guessword::game::word::Letter;
use ch4_shared_state::guessword::wire::{Event, Notice, Score};

/// All notices, and what follows from them.
#[derive(Default)]
pub struct History {
    pub notices: Vec<Notice>,
    players: BTreeMap<String, u64>,
    round: Option<Round>,
}

#[derive(Debug, Clone)]
struct Round {
    length: usize,
    guessed: BTreeSet<Letter>,
}

/// How it was when a request was handled.
#[derive(Debug)]
pub struct Moment {
    pub has_joined: bool,
    players: BTreeMap<String, u64>,
    round: Option<Round>,
}

impl History {
    /// More has happened.
    ///
    /// # Panics
    /// When the rules do not allow it.
    pub fn add(&mut self, notices: Vec<Notice>) {
        for notice in notices {
            self.happen(&notice);
            self.notices.push(notice);
        }
    }

    fn happen(&mut self, notice: &Notice) {
        let Notice { name, event } = notice;
        let points = match event {
            Event::Joined => {
                assert_eq!(self.players.insert(name.clone(), 0), None, "two have the name {name}");
                return;
            }
            Event::Left => {
                assert!(self.players.remove(name).is_some(), "{name} was not there");
                return;
            }
            _ => self.players.get_mut(name).expect("only players do something"),
        };
        match event {
            Event::Proposed { length } => {
                assert!(self.round.is_none(), "a second word");
                self.round = Some(Round { length: *length, guessed: BTreeSet::new() });
            }
            Event::Guessed(letter) => {
                *points += 1;
                let round = self.round.as_mut().expect("a word to guess");
                let letter = Letter::of(*letter).expect("a letter");
                assert!(round.guessed.insert(letter), "{letter:?} scores twice");
            }
            Event::Won { word } => {
                *points += 1;
                let round = self.round.take().expect("a word to guess");
                assert_eq!(word.chars().count(), round.length);
                let letters: BTreeSet<Letter> = word.chars().filter_map(Letter::of).collect();
                assert!(round.guessed.is_subset(&letters), "what was guessed is not in {word}");
                assert_eq!(letters.len(), round.guessed.len() + 1, "{word} was won by its last letter");
            }
            event => panic!("{event:?}"),
        }
    }

    /// How it is now, for one who has joined or not.
    pub fn moment(&self, has_joined: bool) -> Moment {
        Moment { has_joined, players: self.players.clone(), round: self.round.clone() }
    }
}

impl Moment {
    /// The word so far: its length, and exactly the letters that were guessed.
    pub fn check_progress(&self, progress: &str) {
        let Some(round) = &self.round else { return assert_eq!(progress, "", "there is no word") };
        assert_eq!(progress.chars().count(), round.length);
        assert!(progress.contains('_'), "{progress} is not won");
        let shown: BTreeSet<Letter> = progress.chars().filter_map(Letter::of).collect();
        assert_eq!(shown, round.guessed);
    }

    /// The scores: everybody's, the best first.
    pub fn check_scores(&self, scores: &[Score]) {
        assert!(scores.is_sorted_by(|a, b| a.points >= b.points));
        let all: BTreeMap<String, u64> =
            scores.iter().map(|score| (score.name.clone(), score.points)).collect();
        assert_eq!((&all, scores.len()), (&self.players, all.len()));
    }
}
