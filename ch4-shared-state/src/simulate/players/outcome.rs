//! What came of a game.

use serde::Serialize;

use crate::simulate::outcome::{Latency, ServerUse};

/// One run's figures.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Outcome {
    /// Guesses made, those of the warm-up and after the end included, as in the next five.
    pub guesses: u64,
    /// Of them, those that scored.
    pub scored: u64,
    /// Rounds that began.
    pub rounds_in_all: u32,
    /// Notices that players heard, together.
    pub heard: u64,
    /// Players who left, each to come again under another name.
    pub left: u64,
    /// Whether the server tells the points, so that they were compared.
    pub points_compared: bool,
    /// Requests that were not answered.
    pub missing_answers: u64,
    /// Notices that others heard, or that were due, and that never came.
    pub missing_notices: u64,
    /// How long was counted, seconds.
    pub seconds: f64,
    /// Guesses answered in that time.
    pub answered: u64,
    /// Guesses answered per second.
    pub guesses_per_s: f64,
    /// Notices heard per second, by all players together.
    pub notices_per_s: f64,
    /// Rounds that began in that time.
    pub rounds: u32,
    /// From when a guess was made, or in an open loop from when it was due, until its answer was there, microseconds.
    pub latency_us: Option<Latency>,
    /// The fraction of a processor that the players used. Near 1 it is they who were measured.
    pub generator_busy: f64,
    /// Of the server, if it is ours to look at. Its processor time is per guess.
    pub server: Option<ServerUse>,
}
