//! One measurement of a rate or a time: connections of its own, a load, and the question whether everything has come.

use std::cell::Cell;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::ensure;
use common::bench::machine::{thread_ms, tree_ms};
use common::support::interrupt;
use serde::Serialize;

use super::bare_log;
use super::class::Class;
use super::connect::{Connections, connect, delete, new_name};
use super::contestant::{Contestant, Program};
use super::process::flushes;
use super::server::{Server, Servers};
use crate::client::engine::{Engine, Pace, Plan, Run};

/// What one measurement found.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Sample {
    /// The figure that is compared, in the unit of its table.
    pub value: f64,
    /// Messages that were published, warm-up included.
    pub published: u64,
    /// Deliveries, warm-up included.
    pub delivered: u64,
    /// Confirms, warm-up included.
    pub confirmed: u64,
    /// Messages or deliveries a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_s: Option<f64>,
    /// The same for a second of the server's processor time, all its processes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_cpu_s: Option<f64>,
    /// Half of the messages took no longer than this, µs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p50_us: Option<f64>,
    /// 99 of 100, µs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p99_us: Option<f64>,
    /// The longest, µs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_us: Option<f64>,
    /// The part of the time in which the generator was busy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generator: Option<f64>,
    /// Flushes of the disk for a thousand messages, those of other programs included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flushes: Option<f64>,
    /// Memory of the server, MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_mib: Option<f64>,
    /// From the start of the server until all messages were there again, seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recovered_s: Option<f64>,
}

/// Measures.
pub fn measure(
    class: Class,
    contestant: Contestant,
    time: Duration,
    servers: &Servers,
) -> anyhow::Result<Sample> {
    let Some(program) = contestant.program() else { return log_alone(time, servers) };
    let server = servers.running(program, class.is_durable())?;
    let pace = match class {
        Class::Half => {
            let (full, _) = run(contestant, program, Class::Durable, class.pace(), time / 2, &server)?;
            Pace::Rate((full.measured as f64 / full.seconds / 2.0).max(1.0))
        }
        _ => class.pace(),
    };
    let (run, mut sample) = run(contestant, program, class, pace, time, &server)?;
    let per_s = run.measured as f64 / run.seconds;
    sample.value = match class {
        Class::One => run.times.percentile_us(50.0),
        Class::Half => run.times.percentile_us(99.0),
        _ => per_s,
    };
    Ok(sample)
}

/// One load, and all that is known of it but the figure that is compared.
fn run(
    contestant: Contestant,
    program: Program,
    class: Class,
    pace: Pace,
    time: Duration,
    server: &Server,
) -> anyhow::Result<(Run, Sample)> {
    let name = new_name();
    let interrupted = interrupt::flag()?;
    let Connections { publisher, consumers, confirms } =
        connect(contestant, program, class, server.address, &name)?;
    let plan = Plan { pace, warm_up: time / 5, time, most: u64::MAX, confirms };
    let engine = Engine::new(publisher, consumers, plan, interrupted)?;
    let now = || {
        let flushes = flushes(server.directory()).unwrap_or(0);
        (server.id().map_or(0.0, tree_ms), thread_ms(), flushes)
    };
    let (start, end) = (Cell::new(now()), Cell::new(now()));
    let run = engine.run(|| start.set(now()), || end.set(now()))?;
    delete(program, class, server.address, &name)?;
    ensure!(run.measured > 0 || interrupted.load(Ordering::SeqCst), "no message came");
    let ((server_ms, generator_ms, flushes), (server_end, generator_end, flushes_end)) =
        (start.get(), end.get());
    let (server_ms, generator_ms) = (server_end - server_ms, generator_end - generator_ms);
    let sample = Sample {
        published: run.published,
        delivered: run.delivered,
        confirmed: run.confirmed,
        per_s: Some(run.measured as f64 / run.seconds),
        per_cpu_s: (server_ms > 0.0).then(|| run.measured as f64 / server_ms * 1e3),
        p50_us: Some(run.times.percentile_us(50.0)),
        p99_us: Some(run.times.percentile_us(99.0)),
        max_us: Some(run.times.max_us()),
        generator: Some(generator_ms / run.seconds / 1e3),
        flushes: class
            .is_durable()
            .then(|| (flushes_end - flushes) as f64 * 1e3 / run.measured.max(1) as f64),
        ..Sample::default()
    };
    Ok((run, sample))
}

fn log_alone(time: Duration, servers: &Servers) -> anyhow::Result<Sample> {
    let directory = tempfile::tempdir()?;
    servers.pins().go_to_servers()?;
    let before = (thread_ms(), flushes(directory.path()).unwrap_or(0));
    let written = bare_log::write(directory.path(), time, interrupt::flag()?);
    let after = (thread_ms(), flushes(directory.path()).unwrap_or(0));
    servers.pins().go_to_generator()?;
    let (records, seconds) = written?;
    Ok(Sample {
        value: records as f64 / seconds,
        published: records,
        confirmed: records,
        per_s: Some(records as f64 / seconds),
        per_cpu_s: Some(records as f64 / (after.0 - before.0).max(0.001) * 1e3),
        flushes: Some((after.1 - before.1) as f64 * 1e3 / records.max(1) as f64),
        ..Sample::default()
    })
}
