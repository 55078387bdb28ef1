//! A connection in a readiness loop, and what it waits for.

use std::collections::BTreeMap;
use std::os::fd::RawFd;

use common::core::connection::{Interest, NonBlocking};
use common::core::server::Server;

/// A connection and its interest.
pub struct Seat {
    pub connection: NonBlocking,
    pub interest: Interest,
}

impl Seat {
    /// Serves one of them as far as it goes; if that was its end, it is gone.
    pub fn serve(seats: &mut BTreeMap<RawFd, Seat>, fd: RawFd, server: &Server, scratch: &mut [u8]) {
        let Some(seat) = seats.get_mut(&fd) else { return };
        seat.connection.wake();
        match seat.connection.serve(server, scratch) {
            Some(interest) => seat.interest = interest,
            None => drop(seats.remove(&fd)),
        }
    }

    /// Hangs up on those who had their time; not while a request of theirs is being handled elsewhere, whose answer must
    /// find them here.
    pub fn clear_expired(seats: &mut BTreeMap<RawFd, Seat>, server: &Server) {
        seats.retain(|_, seat| seat.interest == Interest::Nothing || !seat.is_over(server));
    }

    /// Whether its client had its time; that is logged.
    pub fn is_over(&self, server: &Server) -> bool {
        let expired = self.connection.expired();
        if expired {
            server.farewell(&self.connection.client(), Err(std::io::ErrorKind::TimedOut.into()));
        }
        expired
    }
}
