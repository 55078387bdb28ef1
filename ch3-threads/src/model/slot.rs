//! A connection in a readiness loop, and what it waits for.

use std::collections::BTreeMap;
use std::os::fd::RawFd;
use std::time::Instant;

use common::core::connection::{Interest, NonBlocking, Timers};
use common::core::server::Server;

/// A connection and its interest.
pub struct Slot {
    pub connection: NonBlocking,
    pub interest: Interest,
}

/// The connections of a loop that keeps them by descriptor.
#[derive(Default)]
pub struct Slots {
    pub by_fd: BTreeMap<RawFd, Slot>,
    pub timers: Timers,
}

impl Slots {
    /// Serves one of them as far as it goes; if that was its end, it is gone.
    pub fn serve(&mut self, fd: RawFd, server: &Server, scratch: &mut [u8], now: Instant) {
        let Some(slot) = self.by_fd.get_mut(&fd) else { return };
        match slot.connection.serve(server, scratch, now) {
            Some(interest) => {
                slot.interest = interest;
                self.timers.set(fd, slot.connection.wake_at());
            }
            None => drop(self.by_fd.remove(&fd)),
        }
    }

    /// The same, for one whose socket is ready.
    pub fn serve_ready(&mut self, fd: RawFd, server: &Server, scratch: &mut [u8], now: Instant) {
        if let Some(slot) = self.by_fd.get_mut(&fd) {
            slot.connection.ready();
        }
        self.serve(fd, server, scratch, now);
    }

    /// Those whose clients had their time.
    pub fn overdue(&self, now: Instant) -> Vec<RawFd> {
        let overdue = self.by_fd.iter().filter(|(_, slot)| slot.connection.is_overdue(now));
        overdue.map(|(&fd, _)| fd).collect()
    }

    /// All of them, for the end.
    pub fn into_connections(self) -> impl Iterator<Item = NonBlocking> {
        self.by_fd.into_values().map(|slot| slot.connection)
    }
}
