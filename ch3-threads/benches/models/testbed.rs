//! One measurement: a server is started, warmed up, put under load and stopped.

use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use common::bench::machine::{Pins, process_ms, thread_ms};
use common::loadgen::{self, Plan, Run, Scenario, Unobserved};

use super::contestants::{Entry, Server};
use super::loads::Load;
use super::peers::Peers;
use super::sample::Sample;

/// Connections of each client in the warm-up of [`Scenario::Connect`]; by them the measured number is reckoned.
const FIRST_CONNECTIONS: usize = 10;
/// For clients to connect, and for answers after the end.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What all measurements share.
#[derive(Clone, Copy)]
pub struct Testbed<'a> {
    /// Who runs where.
    pub pins: Pins,
    /// The programs of others.
    pub peers: &'a Peers,
    /// The simulator's.
    pub seed: u64,
    /// Ctrl-C.
    pub interrupted: &'a AtomicBool,
}

impl Testbed<'_> {
    /// Measures `entry` under `load` for `time`.
    ///
    /// # Errors
    /// It cannot be started, or the simulator cannot run.
    pub fn measure(&self, entry: &Entry, load: &Load, time: Duration) -> anyhow::Result<Sample> {
        let server = entry.start(load, self.pins, self.peers)?;
        let started_ms = process_ms(server.process.id());
        let warm_up = load.warm_up(time);
        let plan = Plan {
            clients: load.clients,
            bytes: load.bytes,
            window: load.window,
            duration: time,
            warm_up,
            timeout: TIMEOUT,
            exchange: server.exchange.clone(),
            seed: self.seed,
            keep_timelines: 0,
            ..Plan::new(load.scenario, server.process.address)
        };
        let (began, before_ms) = (Instant::now(), thread_ms());
        let (run, share) = match load.scenario {
            Scenario::Connect => self.connect(&plan, time)?,
            // The server's time is that of the warm-up, too; its answers are not counted there.
            _ => (self.run(&plan)?, time.div_duration_f64(time + warm_up)),
        };
        let generator_busy = (thread_ms() - before_ms) / (began.elapsed().as_secs_f64() * 1e3);
        let Server { process, .. } = server;
        let usage = process.stop().usage;
        Ok(Sample {
            per_s: run.throughput_per_s(),
            cpu_us: (run.requests > 0)
                .then(|| (usage.cpu_ms - started_ms) * 1e3 * share / run.requests as f64),
            generator_busy: Some(generator_busy),
            p99_us: run.latency_us().map(|latency| latency.p99),
            starved: run.gave_up,
            fault: fault(&run),
        })
    }

    /// A few connections first; then as many as that rate makes in `time`. With the part of all connections that the
    /// second run made.
    fn connect(&self, plan: &Plan, time: Duration) -> anyhow::Result<(Run, f64)> {
        let first = self.run(&Plan { connections: FIRST_CONNECTIONS, ..plan.clone() })?;
        let each = first.throughput_per_s() * time.as_secs_f64() / plan.clients as f64;
        let run = self.run(&Plan { connections: (each as usize).max(1), ..plan.clone() })?;
        let share = run.requests as f64 / (run.requests + first.requests).max(1) as f64;
        Ok((run, share))
    }

    /// Runs the simulator in this thread.
    ///
    /// # Errors
    /// As [`loadgen::run`].
    pub fn run(&self, plan: &Plan) -> anyhow::Result<Run> {
        Ok(loadgen::run(plan, &Unobserved, self.interrupted)?)
    }
}

/// What keeps a run from being a result.
fn fault(run: &Run) -> Option<String> {
    let why = || run.first_error.as_deref().unwrap_or("no answer");
    if run.wrong > 0 {
        Some(format!("wrong bytes to {} clients", run.wrong))
    } else if run.broken > 0 {
        Some(format!("{} connections broke: {}", run.broken, why()))
    } else if run.refused > 0 {
        Some(format!("{} of {} clients refused: {}", run.refused, run.clients, why()))
    } else {
        None
    }
}
