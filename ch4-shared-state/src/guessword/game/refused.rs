//! Why the game says no. On the wire all of it is `0`; our server logs the reason.

use thiserror::Error;

/// Nothing has happened, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Refused {
    /// Only who has joined may do this.
    #[error("not in the game: join first")]
    NotJoined,
    /// One connection is one player, under one name.
    #[error("has joined already")]
    JoinedAlready,
    /// Another player has it.
    #[error("the name is in use")]
    NameInUse,
    /// Empty, too long, or with a space in it.
    #[error("not a name: 1 to 32 bytes, no space, nothing that is not seen")]
    BadName,
    /// No room for one more.
    #[error("the game is full")]
    Full,
    /// The first proposal has won.
    #[error("there is a word already")]
    WordThere,
    /// Not a word.
    #[error("not a word: {0}")]
    BadWord(&'static str),
    /// Nothing to guess.
    #[error("there is no word to guess")]
    NoWord,
    /// Only letters can be guessed.
    #[error("not a letter")]
    NotALetter,
    /// Somebody was faster, or it was wrong before.
    #[error("this letter was tried already")]
    TriedAlready,
    /// A wrong guess.
    #[error("this letter is not in the word")]
    NotInWord,
}
