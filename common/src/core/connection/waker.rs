//! How other threads call a loop that waits for readiness: a list of what they want looked at, and an eventfd that is
//! readable while the list is not empty.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Mutex, PoisonError};

use nix::sys::eventfd::{EfdFlags, EventFd};

/// Calls a loop, with a word about why: by default the descriptor of the connection that has bytes to send.
#[derive(Debug)]
pub struct Waker<T = std::os::fd::RawFd> {
    eventfd: EventFd,
    calls: Mutex<Vec<T>>,
}

impl<T> Waker<T> {
    /// A silent one.
    ///
    /// # Errors
    /// `EMFILE` when no descriptor is left.
    pub fn new() -> io::Result<Waker<T>> {
        let eventfd = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        Ok(Waker { eventfd, calls: Mutex::new(Vec::new()) })
    }

    /// Calls the loop.
    pub fn ring(&self, why: T) {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls.push(why);
        if calls.len() == 1 {
            let _ = self.eventfd.write(1); // fails only when it is readable anyway
        }
    }

    /// All calls since the last answer.
    #[must_use]
    pub fn answer(&self) -> Vec<T> {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        if !calls.is_empty() {
            let _ = self.eventfd.read(); // silent again
        }
        std::mem::take(&mut calls)
    }
}

impl<T> AsFd for Waker<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.eventfd.as_fd()
    }
}
