//! What is to be played, and how.

use std::net::SocketAddr;
use std::time::Duration;

use crate::simulate::measurement::Schedule;

/// One game.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The server.
    pub target: SocketAddr,
    /// How many play.
    pub players: usize,
    /// How they play.
    pub load: Load,
    /// Players who leave per second, each to come again at once under another name.
    pub leave: Option<f64>,
    /// How long.
    pub schedule: Schedule,
    /// Of what they propose and guess, and of whose turn it is.
    pub seed: u64,
}

/// How they play.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Load {
    /// Closed loop: each thinks so long after an answer, and plays on.
    Think(Duration),
    /// Open loop: so many guesses per second by all together, come what may; each is timed from when it was due. A player who has a
    /// request out or no word to guess first does something about that.
    Rate(f64),
}
