//! The rules of a round, applied to what everybody is told: the game once more, in bits.
//!
//! ```text
//!   word "tea"   a…e…t = 1…1…1      shown: 0…1…0      open: word without shown
//! ```

use super::super::seat::Seat;
use super::super::violation::Violation;

/// The game after a notice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct State {
    /// Rounds that have begun.
    pub round: u32,
    /// Whether there is a word.
    pub there: bool,
    /// Its letters, or those of the last one.
    word: u32,
    /// Those of them that were guessed.
    shown: u32,
}

/// Who is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    Coming,
    There,
    Leaving,
    Gone,
}

/// The round as those know it who write it down.
#[derive(Debug, Default)]
pub(super) struct Round {
    word: String,
    /// Who has scored, by letter.
    scored: [Option<Seat>; 26],
}

/// The bit of a letter, from `a` to `z`: these players play with no other.
pub fn bit(letter: char) -> Option<u32> {
    letter.is_ascii_lowercase().then(|| 1 << (letter as u32 - 'a' as u32))
}

impl State {
    /// Whether this letter would score.
    pub fn is_open(self, letter: char) -> bool {
        self.there && bit(letter).is_some_and(|bit| self.open() & bit != 0)
    }

    /// Whether everybody was told of this letter.
    pub fn is_shown(self, letter: char) -> bool {
        bit(letter).is_some_and(|bit| self.shown & bit != 0)
    }

    fn open(self) -> u32 {
        self.word & !self.shown
    }
}

impl Round {
    /// The word of this player is taken.
    pub(super) fn begin(
        &mut self,
        state: &mut State,
        seat: Seat,
        word: &str,
        length: usize,
    ) -> Result<(), Violation> {
        if state.there {
            return Err(Violation::SecondWord { round: state.round, seat });
        }
        let round = state.round + 1;
        if word.chars().count() != length {
            return Err(Violation::WrongWord { round, seat, what: "it has another length" });
        }
        *state = State {
            round,
            there: true,
            word: word.chars().filter_map(bit).fold(0, |bits, bit| bits | bit),
            shown: 0,
        };
        *self = Round { word: word.to_owned(), scored: [None; 26] };
        Ok(())
    }

    /// A letter scores, and it is not the last one.
    pub(super) fn score(&mut self, state: &mut State, seat: Seat, letter: char) -> Result<(), Violation> {
        self.once(state, seat, letter)?;
        if state.open() == 0 {
            let what = "it is guessed, and the round goes on";
            return Err(Violation::WrongWord { round: state.round, seat, what });
        }
        Ok(())
    }

    /// The last letter scores; says which one that was.
    pub(super) fn win(&mut self, state: &mut State, seat: Seat, word: &str) -> Result<char, Violation> {
        let wrong = |what| Err(Violation::WrongWord { round: state.round, seat, what });
        if !state.there {
            return wrong("there was none to win");
        }
        if word != self.word {
            return wrong("it was another one");
        }
        let open = state.open();
        if open.count_ones() != 1 {
            return wrong("more than one letter was not guessed yet");
        }
        let letter = char::from(b'a' + open.trailing_zeros() as u8);
        self.once(state, seat, letter)?;
        state.there = false;
        Ok(letter)
    }

    /// Of two who guess one letter the first scores, and it must be in the word.
    fn once(&mut self, state: &mut State, seat: Seat, letter: char) -> Result<(), Violation> {
        let round = state.round;
        let scored = bit(letter).filter(|bit| state.word & bit != 0).map(|bit| (bit, bit.trailing_zeros()));
        let Some((bit, index)) = scored else { return Err(Violation::NotInWord { round, letter, seat }) };
        // Also when the round is over: whoever was too late for its last letter scores after it was won.
        if let Some(first) = self.scored[index as usize].replace(seat) {
            return Err(Violation::ScoredTwice { round, letter, first, second: seat });
        }
        state.shown |= bit;
        Ok(())
    }
}
