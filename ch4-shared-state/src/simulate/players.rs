//! Players of the guess-word game: they load a server with the game, and check that it is the game. Notes, chapter 4: *shared state*.
//!
//! ```text
//!   player ── S:; D:name; ──► server      S first: it need not space what it sends to who can tell frames apart
//!      ┌──── guess, or propose ─────►
//!      │ ◄── notices … notice, answer    each compared with what the others hear, and applied to the rules
//!      └──── at once, after --think, or when --rate says so
//! ```
//!
//! | file | what it is |
//! |---|---|
//! | [`player`] [`seat`] | one of them: its connection, its requests; its name |
//! | [`words`] | what it proposes and guesses |
//! | [`referee`] | the one order of all notices, the rules, and what an answer must be |
//! | [`violation`] | what can be wrong |
//! | [`crowd`] | all of them in the loop of the [`engine`] |
//! | [`outcome`] | the figures |

pub mod crowd;
pub mod outcome;
pub mod player;
pub mod referee;
pub mod seat;
pub mod violation;
pub mod words;

use std::net::SocketAddr;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::engine::{self, Course};
use super::outcome::Latency;
use super::poll::Poll;
use crowd::Crowd;
use outcome::Outcome;

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
    pub course: Course,
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

/// Plays. `watch` is called when what is counted begins, and at its end.
///
/// # Errors
/// Nobody to connect to, too few descriptors, a connection that broke, somebody else who plays, or a
/// [`Violation`](violation::Violation).
pub fn run(plan: &Plan, interrupted: &AtomicBool, watch: impl FnMut()) -> anyhow::Result<Outcome> {
    let poll = Poll::new()?;
    let mut crowd = Crowd::new(plan)?;
    crowd.arrive(&poll, interrupted)?;
    let span = engine::run(&mut crowd, &poll, plan.course, interrupted, watch)?;
    let (from, to) = (span.from, span.to);
    let answered = to.answered - from.answered;
    Ok(Outcome {
        seconds: span.seconds,
        answered,
        guesses_per_s: answered as f64 / span.seconds,
        notices_per_s: (to.heard - from.heard) as f64 / span.seconds,
        rounds: to.rounds - from.rounds,
        latency_us: Latency::of(crowd.latency()),
        generator_busy: span.busy,
        ..crowd.outcome()
    })
}
