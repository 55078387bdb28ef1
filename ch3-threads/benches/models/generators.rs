//! Load generators against each other, at the very same kind of server; and how much the simulator can do at most.

use std::process::{Command, Stdio};
use std::sync::atomic::Ordering;
use std::thread::sleep;
use std::time::Duration;

use anyhow::Context;
use common::bench::rounds::Contestant;
use common::bench::session::Session;
use common::support::child_server::ChildProcess;

use super::args::Times;
use super::contestants::{Entry, Who};
use super::loads::{Load, Part};
use super::sample::{Sample, Table};
use super::testbed::Testbed;

/// The name of the table.
pub const TABLE: &str = "generator";
/// Rows of the table.
pub const WRK: &str = "wrk → nginx";
pub const SIMULATOR_NGINX: &str = "simulator → nginx";
pub const REDIS_BENCHMARK: &str = "redis-benchmark → redis";
pub const SIMULATOR_REDIS: &str = "simulator → redis";
pub const CEILING: &str = "simulator → limit";
/// How many rows.
pub const COUNT: usize = 5;

/// Requests by which redis-benchmark's rate is found, so that it can be told how many to make: it knows no time.
const FIRST_REQUESTS: u64 = 20_000;

/// Each of them once per round.
///
/// # Errors
/// There is no echo load to generate.
pub fn run(session: &mut Session<'_, Sample, Times>, testbed: &Testbed<'_>) -> anyhow::Result<()> {
    let load = Part::Echo50.load().context("the load of 50 connections")?;
    // wrk counts whole seconds.
    let seconds = session.time().as_secs().max(1);
    let server = |who| Entry { who, workers: None, short: false };
    let simulator = |who, load| move |time| testbed.measure(&server(who), &load, time);
    let contestants = [
        Contestant::new(WRK, "", move |_| wrk(testbed, &load, seconds)),
        Contestant::new(SIMULATOR_NGINX, "", simulator(Who::Nginx, load)).compared_with(0),
        Contestant::new(REDIS_BENCHMARK, "", move |time| redis_benchmark(testbed, &load, time)),
        Contestant::new(SIMULATOR_REDIS, "", simulator(Who::Redis, load)).compared_with(2),
        Contestant::new(CEILING, Load::CEILING.about, simulator(Who::Limit, Load::CEILING)),
    ];
    let about = "load generators on one processor, 50 connections, 128 bytes, one request under way each";
    let table = Table { ratio_to: "the other".into(), ..Table::new(TABLE, about, "requests/s") };
    session.run(table, Duration::from_secs(seconds), &contestants);
    Ok(())
}

fn wrk(testbed: &Testbed<'_>, load: &Load, seconds: u64) -> anyhow::Result<Sample> {
    let server =
        Entry { who: Who::Nginx, workers: None, short: false }.start(load, testbed.pins, testbed.peers)?;
    let command = testbed.peers.wrk(server.process.address, load.clients, seconds)?;
    let output = output(testbed, command)?;
    server.process.stop();
    let rate = output.lines().find_map(|line| line.strip_prefix("Requests/sec:")?.trim().parse().ok());
    let per_s = rate.context("wrk did not say how many requests it made")?;
    let fault = output.lines().find(|line| line.contains("Socket errors") || line.contains("Non-2xx"));
    Ok(Sample { per_s, fault: fault.map(|line| line.trim().into()), ..Sample::default() })
}

fn redis_benchmark(testbed: &Testbed<'_>, load: &Load, time: Duration) -> anyhow::Result<Sample> {
    let server =
        Entry { who: Who::Redis, workers: None, short: false }.start(load, testbed.pins, testbed.peers)?;
    let rate = |requests| -> anyhow::Result<f64> {
        let command = testbed.peers.redis_benchmark(server.process.address, load, requests)?;
        let output = output(testbed, command)?;
        // "ECHO …","93457.95","0.269",…
        let numbers =
            output.lines().last().unwrap_or_default().rsplit_once("x\",").map(|(_, numbers)| numbers);
        let first = numbers.and_then(|numbers| numbers.split(',').next());
        first
            .and_then(|number| number.trim_matches('"').parse().ok())
            .with_context(|| format!("redis-benchmark did not say how many requests it made: {output}"))
    };
    let first = rate(FIRST_REQUESTS)?;
    let per_s = rate((first * time.as_secs_f64()) as u64)?;
    server.process.stop();
    Ok(Sample { per_s, ..Sample::default() })
}

/// What a generator of others prints; ended with its group on Ctrl-C.
fn output(testbed: &Testbed<'_>, mut command: Command) -> anyhow::Result<String> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut tool = ChildProcess::spawn(&mut command).context("cannot start it")?;
    while tool.try_wait().is_none() {
        if testbed.interrupted.load(Ordering::SeqCst) {
            anyhow::bail!("interrupted");
        }
        sleep(Duration::from_millis(20));
    }
    tool.stdout
        .wait_for_end(Duration::from_secs(1))
        .map_err(|_| anyhow::anyhow!("it has left its output open"))
}
