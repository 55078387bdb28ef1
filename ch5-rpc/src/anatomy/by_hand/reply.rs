//! How a call ends: its status on the wire, and what the caller is told.

use std::io;

use thiserror::Error;

/// The status of a reply whose procedure has returned a result.
pub const DONE: u8 = 0;
/// The status of a reply that brings an error instead.
pub const FAILED: u8 = 1;

/// Why a call brought no result. A local call knows none of these but [`Failed`](CallError::Failed).
#[derive(Debug, Error)]
pub enum CallError {
    /// The procedure has run and says no.
    #[error("{0}")]
    Failed(String),
    /// The connection: whether the procedure has run is not known.
    #[error("the call was lost: {0}")]
    Lost(#[from] io::Error),
    /// What came back is no reply.
    #[error("the reply cannot be read: {0}")]
    Garbled(String),
}

/// These bytes are no message of this protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Malformed(pub &'static str);

impl From<Malformed> for CallError {
    fn from(malformed: Malformed) -> CallError {
        CallError::Garbled(malformed.to_string())
    }
}
