//! Why the client ends.

use common::support::terminal::line;
use thiserror::Error;

use crate::rpc::board::CallError;

/// Why the client ends.
#[derive(Debug, Error)]
pub enum Stopped {
    /// It is certainly not on the board.
    #[error("the message is not published: {0}")]
    NotPublished(CallError),
    /// Nothing is certain.
    #[error("the message may have been published, and may not: {}", line(.0))]
    MaybePublished(String),
    /// It is longer than a request may be.
    #[error("the message is not published: it is longer than the {0} bytes that a text may have{1}")]
    TooLong(usize, &'static str),
    /// Ctrl-C or SIGTERM.
    #[error("interrupted")]
    Interrupted,
    /// Another call has failed.
    #[error(transparent)]
    Call(#[from] CallError),
    /// What our own terminal, files and descriptors say.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}
