//! The rounds: what the same requests cost over short-lived connections and over a long-lived one.

use common::support::count::count;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use anyhow::Context;
use nix::time::{ClockId, clock_getcpuclockid};
use serde::Serialize;

use super::args::ConnectionsArgs;
use super::client::{HttpClient, Lifetime};
use super::kernel::{TcpCounters, TcpTable};
use common::support::child_server::ChildServer;
use common::support::statistics::{Spread, median};

/// One client's part of one round.
#[derive(Debug, Clone, Serialize)]
struct Measured {
    round: u32,
    client: &'static str,
    requests: u32,
    requests_per_s: f64,
    /// Connections that the client made.
    connections: u64,
    /// The kernel's ActiveOpens meanwhile: whatever else connects in this network namespace is in it too.
    active_opens: u64,
    /// Segments that both ends sent, likewise.
    segments_per_request: f64,
    /// Ends that were put into TIME_WAIT, less those that left it meanwhile.
    time_wait_client: usize,
    time_wait_server: usize,
    client_cpu_us_per_request: f64,
    /// None under a model that forks: the time of its children is not in that of the parent.
    server_cpu_us_per_request: Option<f64>,
}

/// Runs the rounds, prints the table, and returns the rounds as JSON.
///
/// # Errors
/// A connection fails, or the kernel's tables cannot be read.
pub fn run(args: &ConnectionsArgs, client: &HttpClient, server: &ChildServer) -> anyhow::Result<String> {
    let mut results: Vec<Measured> = Vec::new();
    let mut pictures = [String::new(), String::new()];
    client.run(Lifetime::Short, 1)?; // both programs have run through all of it once
    client.run(Lifetime::Long, args.requests.min(200))?;
    for round in 1..=args.rounds {
        // Who is second finds a warmer machine: each is second in turn.
        let order = if round % 2 == 1 {
            [Lifetime::Short, Lifetime::Long]
        } else {
            [Lifetime::Long, Lifetime::Short]
        };
        for lifetime in order {
            let (measured, picture) = measure(args, client, server, round, lifetime)?;
            results.push(measured);
            pictures[lifetime as usize] = picture;
        }
    }
    print(args, client, &results, &pictures)?;
    let lines: Vec<String> = results.iter().map(serde_json::to_string).collect::<Result<_, _>>()?;
    Ok(format!("[\n{}\n]\n", lines.join(",\n")))
}

fn measure(
    args: &ConnectionsArgs,
    client: &HttpClient,
    server: &ChildServer,
    round: u32,
    lifetime: Lifetime,
) -> anyhow::Result<(Measured, String)> {
    let server_clock =
        if args.model.copies_memory() { None } else { Some(clock_getcpuclockid(server.process.pid())?) };
    let server_cpu = || server_clock.map(cpu).transpose();
    let (table, counters) = (TcpTable::settled(client.address)?, TcpCounters::read()?);
    let (client_cpu, served_cpu) = (cpu(ClockId::CLOCK_THREAD_CPUTIME_ID)?, server_cpu()?);
    let began = Instant::now();
    let (connections, open) = client.run(lifetime, args.requests)?;
    let took = began.elapsed();
    let client_cpu = cpu(ClockId::CLOCK_THREAD_CPUTIME_ID)? - client_cpu;
    let picture = TcpTable::read(client.address)?.lines(); // while the long-lived one is still open
    drop(open);
    let after = TcpTable::settled(client.address)?;
    let served_cpu = server_cpu()?.zip(served_cpu).map(|(after, before)| after.saturating_sub(before));
    let counted = TcpCounters::read()?;
    let per_request = |time: Duration| time.as_secs_f64() * 1e6 / f64::from(args.requests);
    let measured = Measured {
        round,
        client: lifetime.name(),
        requests: args.requests,
        requests_per_s: f64::from(args.requests) / took.as_secs_f64(),
        connections,
        active_opens: counted.active_opens.saturating_sub(counters.active_opens),
        segments_per_request: counted.segments.saturating_sub(counters.segments) as f64
            / f64::from(args.requests),
        time_wait_client: after.time_wait().0.saturating_sub(table.time_wait().0),
        time_wait_server: after.time_wait().1.saturating_sub(table.time_wait().1),
        client_cpu_us_per_request: per_request(client_cpu),
        server_cpu_us_per_request: served_cpu.map(per_request),
    };
    Ok((measured, picture))
}

/// CPU time so far, exact to the nanosecond where /proc/PID/stat counts in hundredths of a second.
fn cpu(clock: ClockId) -> anyhow::Result<Duration> {
    Ok(clock.now().context("cannot read a CPU clock")?.into())
}

fn print(
    args: &ConnectionsArgs,
    client: &HttpClient,
    results: &[Measured],
    pictures: &[String; 2],
) -> io::Result<()> {
    let mut stdout = common::support::cli::stdout().lock();
    let (requests, rounds) = (count(args.requests, "request"), args.rounds);
    writeln!(
        stdout,
        "{requests} for {}, one after another, rounds: {rounds}; the server at {} runs {}\n",
        count(args.size, "byte"),
        client.address,
        args.model.name()
    )?;
    writeln!(
        stdout,
        "{:<26}{:>13}{:>13}{:>28}",
        "median of the rounds", "short-lived", "long-lived", "short / long (range)"
    )?;
    type Figure = (&'static str, fn(&Measured) -> Option<f64>);
    let figures: [Figure; 8] = [
        ("requests per second", |m| Some(m.requests_per_s)),
        ("connections made", |m| Some(m.connections as f64)),
        ("ActiveOpens (namespace)", |m| Some(m.active_opens as f64)),
        ("segments per request", |m| Some(m.segments_per_request)),
        ("client CPU us per request", |m| Some(m.client_cpu_us_per_request)),
        ("server CPU us per request", |m| m.server_cpu_us_per_request),
        ("TIME_WAIT at the client", |m| Some(m.time_wait_client as f64)),
        ("TIME_WAIT at the server", |m| Some(m.time_wait_server as f64)),
    ];
    for (title, figure) in figures {
        let of = |lifetime: Lifetime| -> Vec<f64> {
            (1..=rounds)
                .filter_map(|round| results.iter().find(|m| m.round == round && m.client == lifetime.name()))
                .filter_map(figure)
                .collect()
        };
        let (short, long) = (of(Lifetime::Short), of(Lifetime::Long));
        let is_ratio = short.iter().chain(&long).all(|value| *value > 0.0);
        let ratio = Spread::of_ratios(short.iter().copied().zip(long.iter().copied()));
        let ratio = ratio.filter(|_| is_ratio).map_or("–".into(), |ratio| {
            let [median, min, max] = [ratio.median, ratio.min, ratio.max].map(short_figure);
            format!("{median} ({min} to {max})")
        });
        let cell = |values: Vec<f64>| median(values).map_or("–".into(), short_figure);
        writeln!(stdout, "{title:<26}{:>13}{:>13}{ratio:>28}", cell(short), cell(long))?;
    }
    writeln!(stdout, "\nThe kernel's table after the last short-lived round:\n{}", pictures[0])?;
    writeln!(stdout, "and while the last long-lived connection was still open:\n{}", pictures[1])?;
    Ok(())
}

/// Enough digits to compare, no more.
fn short_figure(value: f64) -> String {
    let decimals = match value {
        _ if value >= 100.0 || value.fract() == 0.0 => 0,
        _ if value >= 10.0 => 1,
        _ => 2,
    };
    format!("{value:.decimals$}")
}
