//! What outlives a server: the board, and, where it is durable, the reply table. And the two moments at which a crash hurts.
//!
//! ```text
//!                                        crash here: the board has the text, and no record says that the call was run
//!                                        │                        crash here: the client has no answer
//!                                        ▼                        ▼
//!  table in memory    board: text ── commit ── table: record ─────── answer
//!  table in the store [ board: text ──────── store: record ] commit ─ answer
//!                                        ▲
//!                                        the same crash: neither is there, as if the call had not been begun
//! ```
//!
//! The remedy is one transaction for the change and its record. It reaches as far as the store does: what a call does elsewhere,
//! a letter that it sends, is not taken back when the transaction is.

use thiserror::Error;

use super::datagram::CallId;
use super::publish::{Method, Reply};
use super::table::ClientRecord;

/// The moments that a crash is tried at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The change is made; the record is not.
    Mutated,
    /// The record is made, where there is one; the answer is not sent.
    Recorded,
}

/// The record that is to be written together with the change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Completion {
    /// The call.
    pub id: CallId,
    /// The records of the client's calls before this one go.
    pub first_incomplete: u64,
}

/// Why a method was not run to its end.
#[derive(Debug, Error)]
pub enum StoreError {
    /// This is where the server ends.
    #[error("the server crashes here, as it was told to")]
    Crashed,
    /// The file cannot be read or written.
    #[error("the store: {0}")]
    Failed(Box<redb::Error>),
}

impl<E: Into<redb::Error>> From<E> for StoreError {
    fn from(error: E) -> StoreError {
        StoreError::Failed(Box::new(error.into()))
    }
}

/// The board and the records, whatever holds them.
pub trait Store {
    /// Runs a method. With a `completion` its record is in the same transaction. `crashes` is asked when the change is made, and
    /// before it is committed if a record belongs to it; when it says so, what is not committed is lost.
    ///
    /// # Errors
    /// [`StoreError`].
    fn run(
        &mut self,
        method: &Method,
        completion: Option<Completion>,
        crashes: &mut dyn FnMut() -> bool,
    ) -> Result<Reply, StoreError>;

    /// Writes a new client down, before its first call is run: after a crash in it the client is still known.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    fn admit(&mut self, client: u64) -> Result<(), StoreError>;

    /// Forgets a client and its records.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    fn forget(&mut self, client: u64) -> Result<(), StoreError>;

    /// The table as it was written down.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    fn records(&self) -> Result<Vec<ClientRecord>, StoreError>;
}

#[cfg(test)]
mod tests;
