//! What a caller learns: done, not done, or unknown. The third is what a procedure call inside one process does not have.

use std::time::Duration;

use common::support::cli::human;
use thiserror::Error;

/// How a call ended, as far as its caller can know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome<T> {
    /// It was run; this is its result.
    Done(T),
    /// It was not run and never will be.
    NotDone(NotDone),
    /// It was run, or it was not, or it still will be.
    Unknown(Unknown),
}

/// Why it is certain that a call is not run.
///
/// These are few. "Refused" is none of them in general: the datagram that was refused may have a copy which was not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NotDone {
    /// Nothing was sent: no server has answered before.
    #[error("no server answers, and nothing was sent")]
    NoServer,
    /// It is longer than a datagram may be.
    #[error("the argument is too long, and nothing was sent")]
    TooLong,
    /// The server does not know this method, now or later.
    #[error("the server does not know this call")]
    NotUnderstood,
    /// It failed there, and the server remembers that it did.
    #[error("the board is full")]
    Full,
}

/// Why it is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Unknown {
    /// Nothing was heard.
    #[error("no sign of life for {}", human(*.0))]
    Silent(Duration),
    /// The server has lost its memory of calls since the call was begun.
    #[error("the server was started again and has forgotten")]
    Restarted,
    /// The server has forgotten this client.
    #[error("the lease is over")]
    Expired,
    /// The server had no room, each time that it said something.
    #[error("the server's table is full, or this address has its share of it")]
    TableFull,
    /// The condition does not hold: because of another's change, or of this call's own, whose answer was lost. MIT 6.5840 calls
    /// it ErrMaybe.
    #[error("the board has changed, perhaps by this very call")]
    Maybe,
    /// The board was full for this transmission. It may have been filled by an earlier one.
    #[error("the board is full, perhaps by this very call")]
    Full,
    /// There is an answer, and it is none that this client knows.
    #[error("the answer cannot be read")]
    Unreadable,
}

impl<T> Outcome<T> {
    /// The word for it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Outcome::Done(_) => "done",
            Outcome::NotDone(_) => "not done",
            Outcome::Unknown(_) => "unknown",
        }
    }
}
