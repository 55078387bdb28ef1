//! A word to guess, and when two letters are the same.
//!
//! ```text
//! "Ice-cream"  ──►  ___-_____  ──► guess E ──►  __e-__e__
//! ```
//!
//! A letter is what Unicode calls alphabetic: `õ` and `ж` are letters, a digit is none. Spaces, hyphens and apostrophes may stand
//! between letters; they are shown from the start and cannot be guessed. Letters are the same when they differ in case only; `o`
//! and `õ` are two letters. An `õ` that is written as `o` and a combining tilde is refused, because half of it could be guessed.

use std::collections::BTreeSet;
use std::fmt;

use super::refused::Refused;

/// The longest word in characters.
pub const WORD_LIMIT: usize = 64;

/// A letter without its case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Letter(char);

/// A word that can be guessed: it has a letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    characters: Vec<char>,
}

impl Letter {
    /// The letter that this character is, if it is one.
    pub fn of(character: char) -> Option<Letter> {
        // First up, then down: σ and ς differ in lower case only. One that becomes two (ß, SS) stays as it is.
        character
            .is_alphabetic()
            .then(|| Letter(alone(alone(character, char::to_uppercase), char::to_lowercase)))
    }

    /// It, in lower case where it has one.
    pub fn character(self) -> char {
        self.0
    }
}

fn alone<I: Iterator<Item = char>>(character: char, change: impl Fn(char) -> I) -> char {
    let mut changed = change(character);
    match (changed.next(), changed.next()) {
        (Some(one), None) => one,
        _ => character,
    }
}

impl Word {
    /// Reads a word; spaces around it are dropped.
    ///
    /// # Errors
    /// [`Refused::BadWord`] when it has no letter, is longer than [`WORD_LIMIT`], or has something else in it.
    pub fn parse(text: &str) -> Result<Word, Refused> {
        let characters: Vec<char> = text.trim().chars().take(WORD_LIMIT + 1).collect();
        if characters.len() > WORD_LIMIT {
            return Err(Refused::BadWord("it has more than 64 characters"));
        }
        if !characters.iter().all(|&character| is_between(character) || Letter::of(character).is_some()) {
            return Err(Refused::BadWord("only letters, and spaces, hyphens and apostrophes between them"));
        }
        if characters.iter().copied().all(is_between) {
            return Err(Refused::BadWord("it has no letter"));
        }
        Ok(Word { characters })
    }

    /// Its length in characters.
    pub fn length(&self) -> usize {
        self.characters.len()
    }

    /// Whether the letter is in it.
    pub fn contains(&self, letter: Letter) -> bool {
        self.letters().any(|own| own == letter)
    }

    /// Whether these letters are all of it.
    pub fn is_shown(&self, tried: &BTreeSet<Letter>) -> bool {
        self.letters().all(|letter| tried.contains(&letter))
    }

    /// It, with `_` for every letter that is not among the tried.
    pub fn masked(&self, tried: &BTreeSet<Letter>) -> String {
        let mask = |&character: &char| match Letter::of(character) {
            Some(letter) if !tried.contains(&letter) => '_',
            _ => character,
        };
        self.characters.iter().map(mask).collect()
    }

    fn letters(&self) -> impl Iterator<Item = Letter> {
        self.characters.iter().filter_map(|&character| Letter::of(character))
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.characters.iter().try_for_each(|character| write!(f, "{character}"))
    }
}

/// What may stand between letters.
fn is_between(character: char) -> bool {
    matches!(character, ' ' | '-' | '\'' | '’')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(word: &str, tried: &str) -> String {
        Word::parse(word).unwrap().masked(&tried.chars().filter_map(Letter::of).collect())
    }

    #[test]
    fn unknown_letters_are_lines_and_the_rest_shows() {
        assert_eq!(masked("Ice-cream van", ""), "___-_____ ___");
        assert_eq!(masked("Ice-cream van", "eV"), "__e-__e__ v__");
        assert_eq!(masked("  Žürii ", "žI"), "Ž__ii");
        assert_eq!(masked("Σίσυφος", "ς"), "Σ_σ___ς");
        assert_eq!(masked("Straße", "s"), "S_____");
    }

    #[test]
    fn what_is_no_word_is_refused() {
        for bad in ["", "  ", "-", "a1", "a_b", "a;b", "a\nb", "o\u{303}", &"x".repeat(WORD_LIMIT + 1)] {
            assert!(matches!(Word::parse(bad), Err(Refused::BadWord(_))), "{bad:?}");
        }
        assert!(Word::parse(&"õ".repeat(WORD_LIMIT)).is_ok());
        assert_eq!((Letter::of('1'), Letter::of('-'), Letter::of('_')), (None, None, None));
    }
}
