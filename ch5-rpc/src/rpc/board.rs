//! The board as a caller sees it: the same five procedures, here or on another machine.
//!
//! ```text
//!   caller ──► Board ──┬── LocalBoard    the board itself, in this process                        (local)
//!                      └── RemoteBoard   a stub, which sends the call: stub.rs                    (remote)
//!                                          └──► Skeleton ──► Board …   on the other side          (skeleton)
//! ```
//!
//! A skeleton serves *any* `Board`. With a stub behind it a server is a front of another server, and a call becomes a chain. That a call
//! is remote cannot be hidden, though: [`CallError`] has cases that no local procedure has, and every caller has to handle them.

pub mod local;
mod remembered;
pub mod skeleton;

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use common::support::terminal::line;
use thiserror::Error;

use super::interface::{BoardError, CallId, News, Posting, Seen, Text};
use super::refusal::NotBegun;

/// What travels with a call, through every server of a chain.
#[derive(Debug, Clone, Copy)]
pub struct CallContext {
    /// Until when the caller wants the result. Each hop sends the time that is left, so clocks need not agree.
    pub deadline: Instant,
    /// The same for all calls that one call has caused: what joins the log lines of several servers.
    pub trace: u128,
    /// Who called, for the server.
    pub from: SocketAddr,
}

impl CallContext {
    /// A call of our own, which may take so long.
    #[must_use]
    pub fn within(time: Duration) -> CallContext {
        CallContext {
            deadline: Instant::now() + time,
            trace: rand::random(),
            from: (Ipv4Addr::UNSPECIFIED, 0).into(),
        }
    }
}

/// How a call has failed. What a caller may do next differs from case to case, and nothing else does. Shown, it is one line: the words
/// are the server's.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CallError {
    /// Nobody listens there: nothing was sent.
    #[error("{0}")]
    NoServer(String),
    /// The server has not begun it: as if it had not been called.
    #[error("not begun: {}", line(&.0.to_string()))]
    NotBegun(NotBegun),
    /// The procedure has run and says no.
    #[error("{}", line(&.0.to_string()))]
    Failed(BoardError),
    /// It may have happened, and may not have.
    #[error("whether it has happened is not known: {}", line(.0))]
    Unknown(String),
}

/// The procedures of the board.
pub trait Board: Send + Sync + 'static {
    /// As [`BoardRpc::publish`](super::interface::BoardRpc::publish).
    fn publish(
        &self,
        context: CallContext,
        text: Text,
        call: Option<CallId>,
    ) -> impl Future<Output = Result<u64, CallError>> + Send;

    /// As [`BoardRpc::last`](super::interface::BoardRpc::last).
    fn last(
        &self,
        context: CallContext,
        count: u64,
    ) -> impl Future<Output = Result<Vec<u64>, CallError>> + Send;

    /// As [`BoardRpc::get`](super::interface::BoardRpc::get).
    fn get(&self, context: CallContext, id: u64) -> impl Future<Output = Result<Posting, CallError>> + Send;

    /// As [`BoardRpc::last_with_text`](super::interface::BoardRpc::last_with_text).
    fn last_with_text(
        &self,
        context: CallContext,
        count: u64,
    ) -> impl Future<Output = Result<Vec<Posting>, CallError>> + Send;

    /// As [`BoardRpc::wait`](super::interface::BoardRpc::wait).
    fn wait(&self, context: CallContext, seen: Seen) -> impl Future<Output = Result<News, CallError>> + Send;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_stays_on_its_line() {
        let words = || "no\nerror: none".to_owned();
        for (error, shown) in [
            (CallError::NotBegun(NotBegun::Behind(words())), r"not begun: no\nerror: none"),
            (CallError::Failed(BoardError::Full(words())), r"no\nerror: none"),
            (CallError::Unknown(words()), r"whether it has happened is not known: no\nerror: none"),
        ] {
            assert_eq!(error.to_string(), shown);
        }
    }
}
