//! What a notification says: a name, a space, and what happened. It is written for the eyes, as the notes' client shows it
//! as it is; ours reads the words back, to know when a round is over. A name has no space, so its end is sure.

use std::fmt;

/// `name what`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Who did it.
    pub name: String,
    /// What happened.
    pub event: Event,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A player came.
    Joined,
    /// A player went, and the name is free.
    Left,
    /// A letter was guessed right, and more are to be guessed.
    Guessed(char),
    /// The last letter was guessed: the round is over, and there is no word.
    Won {
        /// The word.
        word: String,
    },
    /// There is a word.
    Proposed {
        /// Its length in characters.
        length: usize,
    },
    /// Something else, as another server may put it.
    Other(String),
}

const GUESSED: &str = "guessed ";
const WON: &str = "won, propose a new word: it was ";
const PROPOSED: (&str, &str) = ("proposed a word of ", " characters");

impl Notice {
    /// Reads a notification. What is not one of ours is [`Event::Other`].
    pub fn parse(text: &str) -> Notice {
        let (name, what) = text.split_once(' ').unwrap_or((text, ""));
        Notice { name: name.to_owned(), event: Event::parse(what) }
    }
}

impl Event {
    fn parse(what: &str) -> Event {
        // Only what we would write so: a foreign "0x" or "007" must be shown as it came.
        let ours = Event::known(what).filter(|event| event.to_string() == what);
        ours.unwrap_or_else(|| Event::Other(what.to_owned()))
    }

    fn known(what: &str) -> Option<Event> {
        if let Some(word) = what.strip_prefix(WON) {
            return Some(Event::Won { word: word.to_owned() });
        }
        if let Some(rest) = what.strip_prefix(PROPOSED.0) {
            return Some(Event::Proposed { length: rest.strip_suffix(PROPOSED.1)?.parse().ok()? });
        }
        if let Some(letter) = what.strip_prefix(GUESSED) {
            return letter.parse().ok().map(Event::Guessed);
        }
        match what {
            "joined" => Some(Event::Joined),
            "left" => Some(Event::Left),
            _ => None,
        }
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.event)
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::Joined => f.write_str("joined"),
            Event::Left => f.write_str("left"),
            Event::Guessed(letter) => write!(f, "{GUESSED}{letter}"),
            Event::Won { word } => write!(f, "{WON}{word}"),
            Event::Proposed { length } => write!(f, "{}{length}{}", PROPOSED.0, PROPOSED.1),
            Event::Other(what) => f.write_str(what),
        }
    }
}
