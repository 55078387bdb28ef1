//! The client simulator (notes, figure 4.5): thousands of clients as small state machines in one event loop per thread.
//!
//! The notes start a thread per simulated client. A thread is a dear way to wait: ten thousand of them compete for the
//! processor with the server that they should measure. Here a client is a state machine of some hundred bytes, and one
//! thread waits for all of them at once:
//!
//! ```text
//! 1. the clients set out, a few dozen per turn       decisions.rs   what they do, from the seed
//! 2. wait: a socket is ready or a time is up         poll.rs        epoll, one timer, a heap of deadlines
//! 3. each ready client takes one step                visit.rs  stream.rs  caller.rs  misbehave.rs
//! 4. requests that are due are sent (open loop)      decisions.rs   Poisson arrivals
//! 5. each client whose time is up gives up or goes on
//! 6. until the last client is gone                   run.rs         what was found
//! ```
//!
//! Two loops, two truths. In a *closed* loop a client sends when its last answer is there: when the server stalls,
//! the clients wait politely with it and hardly measure the stall. In an *open* loop requests come when they come,
//! and each is timed from the moment when it was *meant* to be sent, so that the queue behind a stall is measured too
//! (Gil Tene calls the other thing coordinated omission).
//!
//! ```no_run
//! use std::sync::atomic::AtomicBool;
//! use common::loadgen::{self, Plan, Scenario, Unwatched};
//!
//! let plan = Plan { clients: 1000, ..Plan::new(Scenario::Echo, "127.0.0.1:7777".parse()?) };
//! let run = loadgen::run(&plan, &Unwatched, &AtomicBool::new(false))?;
//! println!("{} of {} served, {:.0} requests/s", run.served, run.clients, run.throughput_per_s());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod caller;
mod decisions;
mod desk;
mod engine;
mod exchange;
mod faulty;
mod misbehave;
mod plan;
mod poll;
mod run;
mod sockets;
mod stream;
#[cfg(test)]
mod tests;
mod visit;

use std::io;
use std::sync::atomic::AtomicBool;

pub use crate::core::trace::monotonic_ns;
pub use decisions::{Arrival, Arrivals, Purpose, garbage, generator, request_text};
pub use exchange::Exchange;
pub use faulty::{Faulty, FaultyDeeds, FaultyKind};
pub use plan::{Plan, Scenario};
pub use run::{Life, Run};

/// Whoever wants to know how a simulation goes on while it does. Called from every event loop: be quick.
pub trait Watch: Sync {
    /// `done` of `total`: clients that are gone, connections that were made (`connect`), milliseconds (`echo`).
    fn progress(&self, done: u64, total: u64) {
        let _ = (done, total);
    }

    /// Client number `client` (counted from 1) has come to this point of its life.
    fn happened(&self, client: usize, event: &Event<'_>) {
        let _ = (client, event);
    }
}

/// Nobody watches.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unwatched;

impl Watch for Unwatched {}

/// The points in the life of a client that the simulator of the notes logs.
#[derive(Debug)]
pub enum Event<'a> {
    /// It sets out.
    Connecting,
    /// The connection is there; now it waits.
    Connected,
    /// Service began, or its answer is there.
    Served,
    /// It stayed as long as it wanted.
    Finished,
    /// Its patience ended.
    TimedOut,
    /// The server refused it or hung up.
    Refused(&'a io::Error),
    /// The server answered something else than it should.
    WrongBytes,
    /// It is gone.
    Disconnected,
}

/// Why there was no simulation at all. What happens to a single client is a result and no error.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// The plan contradicts itself.
    #[error("this cannot be simulated: {0}")]
    Plan(&'static str),
    /// Every client needs a file descriptor, and the hard limit (`ulimit -Hn`) is too low for them.
    #[error(
        "{needed} file descriptors are needed and this process may have {limit}: raise the limit (ulimit -Hn) or take fewer clients"
    )]
    TooFewFiles {
        /// Descriptors for the clients and the event loops.
        needed: u64,
        /// The hard limit.
        limit: u64,
    },
    /// The operating system refused what the simulator itself needs.
    #[error("cannot {0}: {1}")]
    System(&'static str, #[source] io::Error),
}

/// Runs the plan to its end and returns what was found. Blocks; runs `plan.threads` threads of its own.
///
/// Raises this process's soft limit of open files as far as it is needed. When `interrupted` becomes true the clients
/// leave within a tenth of a second, and what was found so far is returned with [`Run::interrupted`].
///
/// # Errors
/// Only what keeps the simulation from taking place: see [`SimError`]. A server that is not there is a [`Run`] whose
/// clients were all refused.
pub fn run(plan: &Plan, watch: &dyn Watch, interrupted: &AtomicBool) -> Result<Run, SimError> {
    if let Some(fault) = plan.fault() {
        return Err(SimError::Plan(fault));
    }
    let threads = plan.threads.min(plan.clients);
    let own = 16 + 4 * threads as u64;
    sockets::allow_files(plan.clients as u64 + plan.faulty.total() as u64 + own)?;
    engine::run(plan, threads, watch, interrupted)
}
