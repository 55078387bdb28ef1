//! A board that never changes, and a pointer to it: a reader takes the pointer and looks in peace, a writer copies the board, changes the
//! copy, and puts its pointer there.
//!
//! Readers hold the pointer's lock for as long as it takes to count one reference. (Crates such as arc-swap do that without a lock.)
//! So a look may take as long as it likes, and nobody waits for it. The price is the writer's: a copy of everything for each message,
//! and memory for every board that somebody still looks at. The writers' own lock is held from the copy to the exchange, or
//! two of them would copy the same board, and one message would be lost: see `verify --what board --racy`.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::recent::Recent;
use super::shared_board::{SharedBoard, Text};

/// The newest of a succession of boards.
#[derive(Debug, Default)]
pub struct Snapshots {
    newest: RwLock<Arc<Recent>>,
    writers: Mutex<()>,
}

impl Snapshots {
    fn newest(&self) -> Arc<Recent> {
        Arc::clone(&self.newest.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl SharedBoard for Snapshots {
    fn publish(&self, text: Text) -> u64 {
        let _one_writer = self.writers.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = Recent::clone(&self.newest());
        let id = next.publish(text);
        let mut newest = self.newest.write().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::replace(&mut *newest, Arc::new(next));
        drop(newest);
        drop(old); // a board is freed here or by its last reader, and not under the lock
        id
    }

    fn message(&self, id: u64) -> Option<Text> {
        self.newest().message(id)
    }

    fn last(&self, count: usize) -> Vec<Text> {
        self.newest().last(count)
    }

    /// Outside any lock: however long it takes, writers go on meanwhile, and it sees none of what they do.
    fn search(&self, needle: &str) -> usize {
        self.newest().search(needle)
    }
}
