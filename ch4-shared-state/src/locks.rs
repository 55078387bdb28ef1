//! Five ways to share one structure between threads. Notes, chapter 4: *shared state*.
//!
//! ```text
//!   mutex        [ lock ][ board ]              one at a time, whoever it is
//!   read-write   [ readers │ writer ][ board ]  readers together, a writer alone
//!   sharded      [lock][¼] [lock][¼] …          those who want different parts do not meet
//!   owner        ─► queue ─► thread ─► board    nobody shares: the others ask
//!   snapshot     [ pointer ] ─► board           readers keep what they found, a writer makes another
//! ```
//!
//! All are the same board to whoever calls: a test asks them the same, and another checks their concurrent histories for
//! linearizability. What differs is what a call costs, and `cargo bench -p ch4-shared-state --bench locks` measures it.
//!
//! The first one is the one to take, until a measurement says otherwise.

mod mutex;
mod owner;
mod read_write;
mod recent;
mod sharded;
mod shared_board;
mod snapshot;

pub use recent::KEPT;
pub use shared_board::{SharedBoard, Text};

/// A way to share the board.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sharing {
    /// One lock.
    Mutex,
    /// One lock that readers share.
    ReadWrite,
    /// A lock for each part.
    Sharded,
    /// One thread that owns the board, and messages to it.
    Owner,
    /// A pointer to a board that never changes.
    Snapshot,
}

impl Sharing {
    /// All of them; the one that the others are compared with comes first.
    pub const ALL: [Sharing; 5] =
        [Sharing::Mutex, Sharing::ReadWrite, Sharing::Sharded, Sharing::Owner, Sharing::Snapshot];

    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Sharing::Mutex => "mutex",
            Sharing::ReadWrite => "read-write lock",
            Sharing::Sharded => "sharded",
            Sharing::Owner => "owner thread",
            Sharing::Snapshot => "snapshot",
        }
    }

    /// An empty board.
    pub fn build(self) -> Box<dyn SharedBoard> {
        match self {
            Sharing::Mutex => Box::new(mutex::Locked::default()),
            Sharing::ReadWrite => Box::new(read_write::ReadWriteLocked::default()),
            Sharing::Sharded => Box::new(sharded::Sharded::default()),
            Sharing::Owner => Box::new(owner::Owned::new()),
            Sharing::Snapshot => Box::new(snapshot::Snapshots::default()),
        }
    }
}

#[cfg(test)]
mod tests;
