//! A connection in a readiness loop, and what it waits for.

use std::collections::BTreeMap;
use std::os::fd::RawFd;

use common::core::connection::{Interest, NonBlocking};
use common::core::server::Server;

/// A connection and its interest.
pub struct Slot {
    pub connection: NonBlocking,
    pub interest: Interest,
}

impl Slot {
    /// Serves one of them as far as it goes; if that was its end, it is gone.
    pub fn serve(slots: &mut BTreeMap<RawFd, Slot>, fd: RawFd, server: &Server, scratch: &mut [u8]) {
        let Some(slot) = slots.get_mut(&fd) else { return };
        slot.connection.wake();
        match slot.connection.serve(server, scratch) {
            Some(interest) => slot.interest = interest,
            None => drop(slots.remove(&fd)),
        }
    }

    /// Hangs up on those who had their time; not while a request of theirs is being handled elsewhere, whose answer must
    /// find them here.
    pub fn clear_expired(slots: &mut BTreeMap<RawFd, Slot>, server: &Server) {
        slots.retain(|_, slot| slot.interest == Interest::Nothing || !slot.is_over(server));
    }

    /// Whether its client had its time; that is logged.
    pub fn is_over(&self, server: &Server) -> bool {
        let expired = self.connection.expired();
        if expired {
            server.log_disconnect(&self.connection.client(), Err(std::io::ErrorKind::TimedOut.into()));
        }
        expired
    }
}
