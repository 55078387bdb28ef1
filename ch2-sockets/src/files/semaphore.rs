//! How many clients are served at the same time: a counting semaphore with no more permits than there are descriptors.

use common::support::count::count;
use std::num::NonZeroUsize;
use std::sync::{Condvar, Mutex, PoisonError};

use nix::sys::resource::{Resource, getrlimit};

/// A client has a socket and a file, and now and then the directory.
const DESCRIPTORS_PER_CLIENT: u64 = 3;

/// The server itself: the three standard ones, the listening socket, the directory, the stop, and two to spare.
const DESCRIPTORS_OF_THE_SERVER: u64 = 8;

/// A counting semaphore.
pub struct Semaphore {
    free: Mutex<usize>,
    freed: Condvar,
}

impl Semaphore {
    /// So many permits, or as many as the process may have descriptors for (`ulimit -n`): a client that waits is better off
    /// than one that is accepted and told that its file cannot be opened.
    pub fn new(wanted: NonZeroUsize) -> Semaphore {
        let (descriptors, _) = getrlimit(Resource::RLIMIT_NOFILE).unwrap_or((u64::MAX, u64::MAX));
        let possible = descriptors.saturating_sub(DESCRIPTORS_OF_THE_SERVER) / DESCRIPTORS_PER_CLIENT;
        let permits = wanted.get().min(usize::try_from(possible).unwrap_or(usize::MAX)).max(1);
        if permits < wanted.get() {
            tracing::warn!(
                "{} suffice for {} at the same time, not for {wanted}",
                count(descriptors, "descriptor"),
                count(permits, "client")
            );
        }
        Semaphore { free: Mutex::new(permits), freed: Condvar::new() }
    }

    /// Waits for a free permit.
    pub fn acquire(&self) -> Permit<'_> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = self.freed.wait_while(free, |free| *free == 0).unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        Permit(self)
    }
}

/// A permit. Dropping it releases it, however its thread ends.
pub struct Permit<'a>(&'a Semaphore);

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}
