//! What a link joins.

use std::io;
use std::time::Duration;

use crate::clocks::answerer::Answerer;
use crate::clocks::asker::Asker;

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
