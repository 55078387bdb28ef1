//! How other threads wake a loop that waits for readiness: a list of what they want looked at, and an eventfd that is
//! readable while the list is not empty.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Mutex, PoisonError};

use nix::sys::eventfd::{EfdFlags, EventFd};

/// Wakes a loop, with a word about why: by default the descriptor of the connection that has bytes to send.
#[derive(Debug)]
pub struct Waker<T = std::os::fd::RawFd> {
    eventfd: EventFd,
    reasons: Mutex<Vec<T>>,
}

impl<T> Waker<T> {
    /// A waker that was not used yet.
    ///
    /// # Errors
    /// `EMFILE` when no descriptor is left.
    pub fn new() -> io::Result<Waker<T>> {
        let eventfd = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        Ok(Waker { eventfd, reasons: Mutex::new(Vec::new()) })
    }

    /// Wakes the loop.
    pub fn wake(&self, why: T) {
        let mut reasons = self.reasons.lock().unwrap_or_else(PoisonError::into_inner);
        reasons.push(why);
        if reasons.len() == 1 {
            let _ = self.eventfd.write(1); // fails only when it is readable anyway
        }
    }

    /// All reasons since the last call.
    #[must_use]
    pub fn drain(&self) -> Vec<T> {
        let mut reasons = self.reasons.lock().unwrap_or_else(PoisonError::into_inner);
        if !reasons.is_empty() {
            let _ = self.eventfd.read(); // no longer readable
        }
        std::mem::take(&mut reasons)
    }
}

impl<T> AsFd for Waker<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.eventfd.as_fd()
    }
}
