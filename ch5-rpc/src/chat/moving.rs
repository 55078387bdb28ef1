//! A chat that moves to another server: migration.
//!
//! ```text
//!   staying ── depart() ──► leaving: calls are answered "try again" ── moved(reference) ──► moved: calls are answered Moved(reference)
//!      ▲                      │
//!      └── stay(), or nothing for ten seconds
//! ```
//!
//! The messages must not change between their copy and the end of the old home: what was posted in between would be lost. And a chat whose
//! mover dies must not be closed for ever. So it waits, and not for long.

use std::time::{Duration, Instant};

use crate::pyro::call::Exception;
use crate::pyro::uri::Uri;

/// How long a chat that is leaving waits for its mover.
const LEAVING: Duration = Duration::from_secs(10);

/// Where a chat is.
#[derive(Debug, Clone, Default)]
pub enum Home {
    /// Here.
    #[default]
    Staying,
    /// Here until this time, if its mover says nothing.
    Leaving(Instant),
    /// At this reference.
    Moved(Uri),
}

impl Home {
    /// The chat is about to leave.
    ///
    /// # Errors
    /// It is leaving already, or has left.
    pub fn depart(&mut self, now: Instant) -> Result<(), Exception> {
        self.check(now)?;
        *self = Home::Leaving(now + LEAVING);
        Ok(())
    }

    /// It stays after all.
    pub fn stay(&mut self) {
        if let Home::Leaving(_) = self {
            *self = Home::Staying;
        }
    }

    /// Whether it can be said now that it has moved.
    ///
    /// # Errors
    /// It is not leaving, or its mover has taken too long: something may have been posted.
    pub fn check_leaving(&self, now: Instant) -> Result<(), Exception> {
        match self {
            Home::Leaving(until) if now < *until => Ok(()),
            _ => Err(Exception::builtin(
                "RuntimeError",
                "the chat is not leaving, or took too long: it has stayed",
            )),
        }
    }

    /// Whether it can be called.
    ///
    /// # Errors
    /// It is leaving: try again. It has moved: where to.
    pub fn check(&self, now: Instant) -> Result<(), Exception> {
        match self {
            Home::Moved(uri) => Err(Exception::moved(uri)),
            Home::Leaving(until) if now < *until => {
                Err(Exception::builtin("RuntimeError", "the chat is leaving for another server: try again"))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chat_whose_mover_dies_stays() {
        let (mut home, now) = (Home::default(), Instant::now());
        home.check(now).unwrap();
        assert!(home.check_leaving(now).is_err());
        home.depart(now).unwrap();
        assert!(home.check(now).is_err() && home.depart(now).is_err());
        home.check_leaving(now).unwrap();
        let late = now + LEAVING;
        home.check(late).unwrap();
        assert!(home.check_leaving(late).is_err(), "something may have been posted");
        home.depart(late).unwrap();
        home.stay();
        home.check(late).unwrap();
    }

    #[test]
    fn one_that_has_moved_says_where_to() {
        let uri: Uri = "PYRO:a@127.0.0.1:1".parse().unwrap();
        let mut home = Home::Moved(uri.clone());
        home.stay();
        assert_eq!(home.check(Instant::now()).unwrap_err().moved_to(), Some(uri));
        assert_eq!(Exception::builtin("RuntimeError", "PYRO:a@127.0.0.1:1").moved_to(), None);
    }
}
