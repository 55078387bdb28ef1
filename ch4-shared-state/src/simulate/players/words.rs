//! What players propose and guess: words that can be spoken, and alphabets in an order of their own.

use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{RngExt, SeedableRng};

use super::referee::State;

const CONSONANTS: &[u8] = b"bcdfghjklmnpqrstvwxyz";
const VOWELS: &[u8] = b"aeiou";
const LENGTH: std::ops::RangeInclusive<usize> = 4..=9;

/// One player's ideas: the same for the same seed and number.
#[derive(Debug)]
pub struct Ideas {
    random: StdRng,
    letters: [u8; 26],
    next: usize,
    round: u32,
}

impl Ideas {
    /// Those of the player with this number.
    pub fn new(seed: u64, number: usize) -> Ideas {
        // Far apart, so that the numbers of one run are not the seeds of another.
        let random = StdRng::seed_from_u64(seed ^ (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        Ideas { random, letters: std::array::from_fn(|index| b'a' + index as u8), next: 0, round: 0 }
    }

    /// A word to guess.
    pub fn word(&mut self) -> String {
        let length = self.random.random_range(LENGTH);
        let begins_with_a_vowel = self.random.random_range(0..4) == 0;
        let mut letter = |index: usize| {
            let kind = if index.is_multiple_of(2) == begins_with_a_vowel { VOWELS } else { CONSONANTS };
            char::from(*kind.choose(&mut self.random).expect("none of the two is empty"))
        };
        (0..length).map(&mut letter).collect()
    }

    /// The next letter of this round that is not shown yet; `None` when all were tried.
    pub fn letter(&mut self, state: State) -> Option<char> {
        if self.round != state.round {
            (self.round, self.next) = (state.round, 0);
            self.letters.shuffle(&mut self.random);
        }
        loop {
            let letter = char::from(*self.letters.get(self.next)?);
            self.next += 1;
            if !state.is_shown(letter) {
                return Some(letter);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guessword::game::word::Word;

    #[test]
    fn the_same_seed_has_the_same_ideas_and_the_game_takes_them() {
        let words = |seed, number| {
            let mut ideas = Ideas::new(seed, number);
            (0..100).map(|_| ideas.word()).collect::<Vec<_>>()
        };
        assert_eq!(words(1, 2), words(1, 2));
        assert_ne!(words(1, 2), words(1, 3));
        assert_ne!(words(1, 2), words(2, 2));
        for word in words(1, 2) {
            let length = Word::parse(&word).expect("a word").length();
            assert!(LENGTH.contains(&length), "{word}");
        }
    }

    #[test]
    fn every_letter_is_tried_once_in_a_round() {
        let mut ideas = Ideas::new(1, 0);
        let mut letters: Vec<char> = std::iter::from_fn(|| ideas.letter(State::default())).collect();
        letters.sort_unstable();
        assert!(letters.into_iter().eq('a'..='z'));
    }
}
