//! Simulated clients (notes, figure 4.5): thousands of them as small state machines in one event loop per thread.
//!
//! The notes start a thread per simulated client. A thread is a dear way to wait: ten thousand of them compete for the
//! processor with the server that they should measure. Here a client is a state machine of some hundred bytes, and one
//! thread waits for all of them at once:
//!
//! | file | what it is |
//! |---|---|
//! | `workload.rs` | what an event loop runs: clients without sockets, and the order in which they are called |
//! | `context.rs` | what they ask the loop for: a connection, a deadline, the time |
//! | `engine.rs` | the loop: waits, connects, reads and writes for all of them |
//! | `poll.rs` `sockets.rs` | epoll, one timer, a heap of deadlines; sockets that do not wait |
//! | `plan.rs` | the scenarios of the notes with their numbers |
//! | `simulation.rs` | a scenario as a workload of one loop per thread |
//! | `one_shot.rs` `reconnecting.rs` `persistent.rs` | its clients; `client.rs`: what they share |
//! | `faulty.rs` `misbehaving.rs` | clients that misbehave beside them |
//! | `decisions.rs` `exchange.rs` `numbers.rs` | what they send and when, from the seed |
//! | `run.rs` `observer.rs` | what was found, and how it is watched meanwhile |
//!
//! Chapter 4 brings workloads of its own: subscribers of a notification board, players of a game.
//!
//! Two loops, two truths. In a *closed* loop a client sends when its last answer is there: when the server stalls,
//! the clients wait politely with it and hardly measure the stall. In an *open* loop requests come when they come,
//! and each is timed from the moment when it was *meant* to be sent, so that the queue behind a stall is measured too
//! (Gil Tene calls the other thing coordinated omission).
//!
//! ```no_run
//! use std::sync::atomic::AtomicBool;
//! use common::loadgen::{self, Plan, Scenario, Unobserved};
//!
//! let plan = Plan { clients: 1000, ..Plan::new(Scenario::Echo, "127.0.0.1:7777".parse()?) };
//! let run = loadgen::run(&plan, &Unobserved, &AtomicBool::new(false))?;
//! println!("{} of {} served, {:.0} requests/s", run.served, run.clients, run.throughput_per_s());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod client;
mod context;
mod decisions;
mod engine;
mod error;
mod exchange;
mod faulty;
mod misbehaving;
mod numbers;
mod observer;
mod one_shot;
mod persistent;
mod plan;
mod poll;
mod reconnecting;
mod run;
mod simulation;
mod sockets;
#[cfg(test)]
mod tests;
mod workload;

use std::sync::atomic::AtomicBool;

pub use context::{LoopContext, Reading};
pub use decisions::{Arrival, Arrivals, Purpose, garbage, generator, request_text};
pub use engine::drive;
pub use error::SimError;
pub use exchange::Exchange;
pub use faulty::{Faulty, FaultyCounts, FaultyKind};
pub use observer::{Event, Observer, Unobserved};
pub use plan::{Plan, Scenario};
pub use poll::NEVER;
pub use run::{ClientTimeline, Run, histogram};
pub use sockets::allow_files;
pub use workload::{Input, Workload};

/// Runs the plan to its end and returns what was found. Blocks; runs `plan.threads` threads of its own.
///
/// Raises this process's soft limit of open files as far as it is needed. When `interrupted` becomes true the clients
/// leave within a tenth of a second, and what was found so far is returned with [`Run::interrupted`].
///
/// # Errors
/// Only what keeps the simulation from taking place: see [`SimError`]. A server that is not there is a [`Run`] whose
/// clients were all refused.
pub fn run(plan: &Plan, observer: &dyn Observer, interrupted: &AtomicBool) -> Result<Run, SimError> {
    if let Some(fault) = plan.fault() {
        return Err(SimError::Plan(fault));
    }
    let threads = plan.threads.min(plan.clients);
    let own = 16 + 4 * threads as u64;
    allow_files(plan.clients as u64 + plan.faulty.total() as u64, own)?;
    simulation::run(plan, threads, observer, interrupted)
}
