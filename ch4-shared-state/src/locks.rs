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

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
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

impl Kind {
    /// All of them; the one that the others are compared with comes first.
    pub const ALL: [Kind; 5] = [Kind::Mutex, Kind::ReadWrite, Kind::Sharded, Kind::Owner, Kind::Snapshot];

    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Mutex => "mutex",
            Kind::ReadWrite => "read-write lock",
            Kind::Sharded => "sharded",
            Kind::Owner => "owner thread",
            Kind::Snapshot => "snapshot",
        }
    }

    /// An empty board.
    pub fn build(self) -> Box<dyn SharedBoard> {
        match self {
            Kind::Mutex => Box::new(mutex::Locked::default()),
            Kind::ReadWrite => Box::new(read_write::ReadWriteLocked::default()),
            Kind::Sharded => Box::new(sharded::Sharded::default()),
            Kind::Owner => Box::new(owner::Owned::new()),
            Kind::Snapshot => Box::new(snapshot::Snapshots::default()),
        }
    }
}

#[cfg(test)]
mod tests;
