//! How many clients are served at the same time: a counting semaphore, of no more seats than there are descriptors.

use std::num::NonZeroUsize;
use std::sync::{Condvar, Mutex, PoisonError};

use nix::sys::resource::{Resource, getrlimit};

/// A client has a socket and a file, and now and then the directory.
const DESCRIPTORS_PER_CLIENT: u64 = 3;

/// The server itself: the three standard ones, the listening socket, the directory, the stop, and two to spare.
const DESCRIPTORS_OF_THE_SERVER: u64 = 8;

/// The seats.
pub struct Seats {
    free: Mutex<usize>,
    freed: Condvar,
}

impl Seats {
    /// So many, or as many as the process may have descriptors for (`ulimit -n`): a client that waits is better off than
    /// one that is let in and told that its file cannot be opened.
    pub fn new(wanted: NonZeroUsize) -> Seats {
        let (descriptors, _) = getrlimit(Resource::RLIMIT_NOFILE).unwrap_or((u64::MAX, u64::MAX));
        let possible = descriptors.saturating_sub(DESCRIPTORS_OF_THE_SERVER) / DESCRIPTORS_PER_CLIENT;
        let seats = wanted.get().min(usize::try_from(possible).unwrap_or(usize::MAX)).max(1);
        if seats < wanted.get() {
            tracing::warn!(
                "{descriptors} descriptors are enough for {seats} clients at the same time, not for {wanted}"
            );
        }
        Seats { free: Mutex::new(seats), freed: Condvar::new() }
    }

    /// Waits for a free one.
    pub fn take(&self) -> Seat<'_> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = self.freed.wait_while(free, |free| *free == 0).unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        Seat(self)
    }
}

/// A seat; given back when dropped, whichever way its thread ends.
pub struct Seat<'a>(&'a Seats);

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}
