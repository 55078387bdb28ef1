//! One lock, one at a time. The price: readers wait for readers. What speaks for it: there is nothing to get wrong.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::recent::Recent;
use super::shared_board::{SharedBoard, Text};

/// A board behind a mutex.
#[derive(Debug, Default)]
pub struct Locked(Mutex<Recent>);

impl Locked {
    fn lock(&self) -> MutexGuard<'_, Recent> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SharedBoard for Locked {
    fn publish(&self, text: Text) -> u64 {
        self.lock().publish(text)
    }

    fn message(&self, id: u64) -> Option<Text> {
        self.lock().message(id)
    }

    fn last(&self, count: usize) -> Vec<Text> {
        self.lock().last(count)
    }

    fn search(&self, needle: &str) -> usize {
        self.lock().search(needle)
    }
}
