//! A limit on how many connections a model has in hand, for those that pass them from queue to queue in a circle.
//!
//! ```text
//!   accept ──► connections ──► requests ──► responses ──┐
//!                   ▲───────────────────────────────────┘
//! ```
//!
//! Bounded queues in a circle can all be full at once, each waiting for the next: a deadlock. So there are as many
//! permits as each queue has room: only who enters the circle waits, nobody inside it does. (mini-redis: the permit
//! before the accept.)

use std::num::NonZeroUsize;

use common::core::queue::Queue;

/// So many permits. A bounded queue of units is a counting semaphore: to push is to take, to pop is to give back.
pub struct Semaphore {
    taken: Queue<()>,
}

/// A place, given back when it is dropped.
pub struct Permit<'a>(&'a Semaphore);

impl Semaphore {
    /// `count` of them, all free.
    pub fn new(count: NonZeroUsize) -> Semaphore {
        Semaphore { taken: Queue::new(count) }
    }

    /// Takes one, when one is free.
    pub fn take(&self) -> Permit<'_> {
        self.taken.push(()).expect("the permits are never closed");
        Permit(self)
    }

    /// Waits until all are free at once: until the last who had one is gone. Nobody may take one meanwhile.
    pub fn wait_until_all_free(&self) {
        let all: Vec<Permit<'_>> = (0..self.taken.capacity()).map(|_| self.take()).collect();
        drop(all);
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.0.taken.pop();
    }
}
