//! Load generators against each other, at the very same kind of server; and how much the simulator can do at most.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::Context;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::sync::atomic::Ordering;

use super::contestants::{Entry, Who};
use super::loads::{Load, Part};
use super::measure::Stand;
use super::race::Race;
use super::results::{Row, Sample, Table};

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

/// Everybody once per round.
///
/// # Errors
/// There is no echo load to generate.
pub fn run(race: &mut Race<'_>) -> anyhow::Result<Table> {
    let load = Part::Echo50.load().context("the load of 50 connections")?;
    let (stand, time) = (race.stand, race.time);
    // wrk counts whole seconds.
    let seconds = time.as_secs().max(1);
    let time = Duration::from_secs(seconds);
    let compared_with = |name: &str, base| Row { base: Some(base), ..Row::named(name) };
    let mut rows = vec![
        Row::named(WRK),
        compared_with(SIMULATOR_NGINX, 0),
        Row::named(REDIS_BENCHMARK),
        compared_with(SIMULATOR_REDIS, 2),
        Row { note: Load::CEILING.about.into(), ..Row::named(CEILING) },
    ];
    let entry = |who| Entry { who, workers: None, short: false };
    race.rounds.run(TABLE, &mut rows, |index| match index {
        0 => wrk(&stand, &load, seconds),
        1 => stand.measure(&entry(Who::Nginx), &load, time),
        2 => redis_benchmark(&stand, &load, time),
        3 => stand.measure(&entry(Who::Redis), &load, time),
        _ => stand.measure(&entry(Who::Limit), &Load::CEILING, time),
    });
    let about = "load generators on one processor, 50 connections, 128 bytes, one request under way each";
    Ok(Table { name: TABLE.into(), about: about.into(), ratio_to: "the other", rows })
}

fn wrk(stand: &Stand<'_>, load: &Load, seconds: u64) -> anyhow::Result<Sample> {
    let server =
        Entry { who: Who::Nginx, workers: None, short: false }.start(load, stand.pins, stand.peers)?;
    let command = stand.peers.wrk(server.process.address, load.clients, seconds)?;
    let output = output(stand, command)?;
    server.process.stop();
    let rate = output.lines().find_map(|line| line.strip_prefix("Requests/sec:")?.trim().parse().ok());
    let per_s = rate.context("wrk did not say how many requests it made")?;
    let fault = output.lines().find(|line| line.contains("Socket errors") || line.contains("Non-2xx"));
    Ok(Sample { per_s, fault: fault.map(|line| line.trim().into()), ..Sample::default() })
}

fn redis_benchmark(stand: &Stand<'_>, load: &Load, time: Duration) -> anyhow::Result<Sample> {
    let server =
        Entry { who: Who::Redis, workers: None, short: false }.start(load, stand.pins, stand.peers)?;
    let rate = |requests| -> anyhow::Result<f64> {
        let command = stand.peers.redis_benchmark(server.process.address, load, requests)?;
        let output = output(stand, command)?;
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
fn output(stand: &Stand<'_>, mut command: Command) -> anyhow::Result<String> {
    command.process_group(0).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut tool = Tool(command.spawn().context("cannot start it")?);
    // It prints a screenful at its end, which the pipe holds.
    while tool.0.try_wait()?.is_none() {
        if stand.interrupted.load(Ordering::SeqCst) {
            anyhow::bail!("interrupted");
        }
        sleep(Duration::from_millis(20));
    }
    let mut text = String::new();
    if let Some(mut stdout) = tool.0.stdout.take() {
        std::io::Read::read_to_string(&mut stdout, &mut text)?;
    }
    Ok(text)
}

/// A generator of others: killed when nobody waits for it any more.
struct Tool(Child);

impl Drop for Tool {
    fn drop(&mut self) {
        if !matches!(self.0.try_wait(), Ok(Some(_))) {
            let _ = killpg(Pid::from_raw(self.0.id().cast_signed()), Signal::SIGKILL);
            let _ = self.0.wait();
        }
    }
}
