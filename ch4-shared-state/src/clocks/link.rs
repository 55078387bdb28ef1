//! Askers and answerers joined by the lossy link: in virtual time for tests, and over UDP sockets.

mod udp;
mod virtual_time;

use std::io;
use std::time::Duration;

use super::answerer::Answerer;
use super::asker::Asker;

pub use udp::UdpLink;
pub use virtual_time::VirtualLink;

/// One that asks, and the other.
pub struct Pair {
    /// The one that asks.
    pub asker: Asker,
    /// The other.
    pub answerer: Answerer,
}

/// What joins them.
pub trait Link {
    /// Real time since the experiment's begin.
    fn now(&self) -> Duration;

    /// Runs all pairs at once until every asker is done.
    fn run(&mut self, pairs: Vec<Pair>) -> io::Result<Vec<Pair>>;
}
