//! Readers together, a writer alone.
//!
//! The price: a reader writes too, namely into the lock's count of readers, and the cache line of that count goes from core to core
//! as a mutex's does, twice for each read. That costs about as much as a short read itself, and nothing is won. It pays when readers
//! hold the lock for long, as [`search`](SharedBoard::search) does: two of them take as long as one. A writer then waits for them all.

use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use super::recent::Recent;
use super::shared_board::{SharedBoard, Text};

/// A board behind a read-write lock.
#[derive(Debug, Default)]
pub struct ReadWriteLocked(RwLock<Recent>);

impl ReadWriteLocked {
    fn read(&self) -> RwLockReadGuard<'_, Recent> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SharedBoard for ReadWriteLocked {
    fn publish(&self, text: Text) -> u64 {
        self.0.write().unwrap_or_else(PoisonError::into_inner).publish(text)
    }

    fn message(&self, id: u64) -> Option<Text> {
        self.read().message(id)
    }

    fn last(&self, count: usize) -> Vec<Text> {
        self.read().last(count)
    }

    fn search(&self, needle: &str) -> usize {
        self.read().search(needle)
    }
}
