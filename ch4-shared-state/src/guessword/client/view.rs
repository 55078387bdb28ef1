//! What a player knows of the game, and its picture.
//!
//! ```text
//!   ┌───┬───┬───┬───┬───┐
//!   │ h │   │ l │ l │   │    round 2, the word is Bob's
//!   └───┴───┴───┴───┴───┘    tried: h l x
//!                            Alice 3 · Bob 1
//! ```
//!
//! The server tells the word so far, the scores and the right guesses; wrong letters are known only to who has tried them.

use std::collections::BTreeSet;
use std::fmt::Write;

use common::support::terminal;

use crate::guessword::wire::{Event, Notice, Score};

use crate::guessword::game::word::Letter;

/// Boxes in a row of the picture: 65 columns fit every terminal.
const ROW: usize = 16;

/// The game as this player sees it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct View {
    /// The word so far; empty while there is none.
    pub progress: String,
    /// Who has how many points; empty when the server does not tell.
    pub scores: Vec<Score>,
    /// Rounds that were won since this player joined.
    pub rounds_won: u64,
    tried: BTreeSet<Letter>,
    proposer: Option<String>,
}

impl View {
    /// Something happened.
    pub fn hear(&mut self, notice: &Notice) {
        match &notice.event {
            Event::Proposed { .. } => {
                self.tried.clear();
                self.proposer = Some(notice.name.clone());
            }
            Event::Won { .. } => {
                self.rounds_won += 1;
                self.progress.clear();
                self.tried.clear();
                self.proposer = None;
            }
            Event::Guessed(letter) => self.try_letter(*letter),
            Event::Joined | Event::Left | Event::Other(_) => {}
        }
    }

    /// We were away, and do not know what has happened. The rounds that were won are remembered.
    pub fn away(&mut self) {
        *self = View { rounds_won: self.rounds_won, ..View::default() };
    }

    /// This letter is known to have been tried.
    pub fn try_letter(&mut self, letter: char) {
        self.tried.extend(Letter::of(letter));
    }

    /// Whether there is a word to guess, as far as is known here.
    pub fn has_word(&self) -> bool {
        self.proposer.is_some() || !self.progress.is_empty()
    }

    /// The letters that were tried, and those that show: who joins in the middle of a word sees those at least.
    fn tried(&self) -> String {
        let mut tried = self.tried.clone();
        tried.extend(self.progress.chars().filter_map(Letter::of));
        if tried.is_empty() {
            return "nothing yet".to_owned();
        }
        let tried: Vec<String> = tried.into_iter().map(|letter| letter.character().to_string()).collect();
        tried.join(" ")
    }

    /// The scores in a line.
    pub fn score_line(&self) -> String {
        let scores: Vec<String> =
            self.scores.iter().map(|score| format!("{} {}", score.name, score.points)).collect();
        scores.join(" · ")
    }

    /// The picture, several lines, without the last line's end.
    pub fn picture(&self) -> String {
        let mut picture = boxes(&terminal::line(&self.progress));
        if self.progress.is_empty() {
            picture.push_str("  There is no word: `word hello` proposes one.");
        } else {
            let whose = self
                .proposer
                .as_ref()
                .map(|name| format!(", the word is {}'s", terminal::line(name)))
                .unwrap_or_default();
            let _ = write!(picture, "  round {}{whose}   tried: {}", self.rounds_won + 1, self.tried());
        }
        if !self.scores.is_empty() {
            let _ = write!(picture, "\n  {}", terminal::line(&self.score_line()));
        }
        picture
    }
}

/// A box for every letter; what stands between letters has none.
fn boxes(progress: &str) -> String {
    let characters: Vec<char> = progress.chars().collect();
    let has_box = |&character: &char| character == '_' || Letter::of(character).is_some();
    let mut lines = String::new();
    for row in characters.chunks(ROW) {
        // Its left end, its inside, between two, its right end.
        for (left, inside, between, right) in
            [('┌', "───", '┬', '┐'), ('│', "", '│', '│'), ('└', "───", '┴', '┘')]
        {
            let mut line = String::from("  ");
            let mut before = false;
            for character in row {
                let now = has_box(character);
                line.push(match (before, now) {
                    (false, true) => left,
                    (true, true) => between,
                    (true, false) => right,
                    (false, false) => ' ',
                });
                match (inside, now) {
                    ("", _) => line.extend([' ', if *character == '_' { ' ' } else { *character }, ' ']),
                    (_, true) => line.push_str(inside),
                    (_, false) => line.push_str("   "),
                }
                before = now;
            }
            line.extend(before.then_some(right));
            lines.push_str(line.trim_end());
            lines.push('\n');
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hear(view: &mut View, notice: &str) {
        view.hear(&Notice::parse(notice));
    }

    #[test]
    fn the_picture_of_a_word_half_guessed() {
        let mut view = View::default();
        hear(&mut view, "Bob proposed a word of 3 characters");
        hear(&mut view, "Alice guessed e");
        view.try_letter('X');
        view.progress = "ee_".into();
        view.scores =
            vec![Score { name: "Alice".into(), points: 1 }, Score { name: "Bob".into(), points: 0 }];
        assert_eq!(
            view.picture(),
            "  ┌───┬───┬───┐
  │ e │ e │   │
  └───┴───┴───┘
  round 1, the word is Bob's   tried: e x
  Alice 1 · Bob 0"
        );
    }

    #[test]
    fn no_terminal_obeys_the_picture() {
        let mut view = View::default();
        hear(&mut view, "B\x1b[31mb proposed a word of 3 characters");
        view.progress = "\x1b_\u{202e}".into();
        view.scores = vec![Score { name: "\u{9b}31mAnn".into(), points: 1 }];
        let picture = view.picture();
        assert!(!picture.contains(|c: char| (c.is_control() && c != '\n') || c == '\u{202e}'), "{picture:?}");
        assert_eq!(picture.matches('\u{fffd}').count(), 4, "{picture:?}");
    }

    #[test]
    fn after_a_win_there_is_no_word_and_nothing_was_tried() {
        let mut view = View { progress: "ee_".into(), ..View::default() };
        view.try_letter('x');
        hear(&mut view, "Bob won, propose a new word: it was eel");
        assert_eq!(
            (view.rounds_won, view.progress.as_str(), view.tried()),
            (1, "", "nothing yet".to_owned())
        );
        assert_eq!(view.picture(), "  There is no word: `word hello` proposes one.");
    }

    #[test]
    fn what_stands_between_letters_has_no_box() {
        let view = View { progress: "a-_ '_".into(), ..View::default() };
        let picture = view.picture();
        let rows: Vec<&str> = picture.lines().take(3).collect();
        assert_eq!(
            rows,
            [
                "  ┌───┐   ┌───┐       ┌───┐", //
                "  │ a │ - │   │     ' │   │",
                "  └───┘   └───┘       └───┘",
            ]
        );
    }

    #[test]
    fn a_long_word_takes_several_rows() {
        let view = View { progress: "_".repeat(ROW + 1), ..View::default() };
        assert_eq!(view.picture().lines().count(), 3 + 3 + 1);
    }
}
