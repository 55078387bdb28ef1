//! What survives a crash: messages and acknowledgements in a log, definitions in a small database.
//!
//! ```text
//!   Broker ──Record──► Store::append ──► pending ──► writer thread: one write, one fdatasync ──► synced(up to number n)
//!                        (memory only)                 for all that came meanwhile                └──► Broker::handle_synced: confirms
//! ```
//!
//! How it works is told in `ch6-indirect/docs/log.md`. In reading order:
//!
//! | module | what it is |
//! |---|---|
//! | [`body`] | what a record says, in bytes |
//! | [`segment`] | records in a file: check sums, the end, what is behind something damaged |
//! | [`index`] | which messages live, and where: what the records say, in their order |
//! | [`log`] | `append`, and what waits for the writer |
//! | [`writer`] | one write and one sync for all that waits; a short log |
//! | [`room`] | files of zeros, made before they are needed |
//! | [`recovery`] | the start |
//! | [`running`] | the writer's thread |
//! | [`definitions`], [`directory`] | exchanges, queues, bindings; one broker for a directory |
//! | [`segment_store`] | all of it together: the store of the broker |
//! | [`disk`], [`simulated`] | a disk, and one for tests that loses what was not synced |
//! | [`key_value`], [`on_fjall`], [`on_redb`] | the same store on databases, to compare |

pub mod body;
pub mod definitions;
pub mod directory;
pub mod disk;
pub mod index;
pub mod key_value;
pub mod log;
pub mod on_fjall;
pub mod on_redb;
pub mod recovery;
pub mod room;
pub mod running;
pub mod segment;
pub mod segment_store;
pub mod simulated;
#[cfg(test)]
mod tests;
pub mod writer;

use std::sync::Arc;

use crate::broker::output::Definition;
use crate::broker::{MessageId, Record, RecordNumber};

pub use crate::broker::{Recovered, RecoveredMessage};

/// Keeps the records of persistent messages. One thread appends (the one that holds the broker's lock); the store's own thread writes.
pub trait Store: Send + Sync {
    /// Takes a record over. It waits in memory until the writer thread has written it with others; nothing is promised yet.
    ///
    /// Numbers come without a gap, from 1 after each start.
    fn append(&self, number: RecordNumber, record: &Record);

    /// The content of a message that is in the log (appended before, not removed): for bodies that left memory.
    ///
    /// # Errors
    /// It cannot be read, or its check sum is wrong.
    fn read(&self, message: MessageId) -> std::io::Result<bytes::Bytes>;

    /// Puts a definition on disk; it is safe when this returns.
    ///
    /// # Errors
    /// What the disk says.
    fn define(&self, definition: &Definition) -> std::io::Result<()>;

    /// Waits until everything appended is safe, and ends the writer thread: the clean stop.
    fn end(&self);

    /// What it has done so far, for `inspect` and `compare`.
    fn counters(&self) -> Counters;
}

/// What the writer thread tells: called from it, without a lock of the store's.
pub type Synced = Arc<dyn Fn(Event) + Send + Sync>;

/// What happened on the disk.
#[derive(Debug, Clone)]
pub enum Event {
    /// All records up to this number are safe.
    Synced(RecordNumber),
    /// The disk is nearly full (`true`) or has room again: publishers are to be held back.
    Full(bool),
    /// Writing failed. Nothing is confirmed from now on: what is on disk is not known (see the facts about fsync).
    Failed(String),
}

/// What a store has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counters {
    /// Records appended.
    pub records: u64,
    /// Bytes written.
    pub bytes: u64,
    /// How often `fdatasync` was called.
    pub syncs: u64,
    /// Segments in use, and those kept for use.
    pub segments: (u64, u64),
    /// Messages copied forward, so that an old segment could be freed.
    pub copied: u64,
}
