//! What ends a client with an exit status of its own.

use std::io;

/// Why there is nothing more to hear.
#[derive(Debug, thiserror::Error)]
pub enum Gone {
    #[error("the server is gone: it has ended the connection")]
    Ended,
    #[error("the server is gone")]
    Broken(#[from] io::Error),
}

/// The protocol says no more than that.
#[derive(Debug, thiserror::Error)]
#[error("the server refuses the message: the board is full, or the message is too long")]
pub struct Refused;

/// By Ctrl-C.
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
pub struct Interrupted;

/// The connection broke before some messages were acknowledged, and they are not on the board.
#[derive(Debug, thiserror::Error)]
#[error("whether {unknown} of {} will be on the board is not known", common::support::count::count(*count, "message"))]
pub struct NotKnown {
    pub unknown: usize,
    pub count: usize,
}
