//! `simulate`: thousands of subscribers and some publishers of the notification board, in one thread; every one of them gets every
//! message once and in the same order, or the run fails.
//!
//! | file | what it is |
//! |---|---|
//! | [`plan`] | what is to be simulated, and in whose words: the board's or redis' |
//! | [`engine`] | one `epoll(7)` loop for all clients |
//! | [`subscriber`] [`publisher`] | one client |
//! | [`transcript`] | the one order, with which everybody is compared |
//! | [`outcome`] | the figures |

pub mod engine;
pub mod outcome;
pub mod plan;
pub mod publisher;
pub mod subscriber;
pub mod transcript;

use std::fs;
use std::io::Write;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Context, bail};
use ch3_threads::compare::process::ServerProcess;
use ch3_threads::model::Model;
use clap::Args;
use common::bench::machine::process_ms;
use common::cli::{duration, stdout};
use common::interrupt;

use outcome::{Outcome, ServerUse};
use plan::{Dialect, HEADER, Load, Plan};

/// The arguments of this command.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo ch4 simulate                                  100 subscribers, as fast as the board can
  cargo ch4 simulate --rate 500                       500 messages/s, come what may
  cargo ch4 simulate --subscribers 10000 --rate 5     ten thousand connections
  cargo ch4 simulate --model thread-per-connection    the board under another model
  cargo ch4 simulate --stalled 1 --rate 500           beside one client that never reads
  cargo ch4 simulate -H 127.0.0.1 -p 7777             a board that runs, and is empty

In the closed loop --window messages are on their way until the slowest subscriber has got them.
In the open loop every message is timed from when it was due.
Exit status: 0 when every subscriber got every message once and in one order, 1 when not.")]
pub struct SimulateArgs {
    /// Where the board is [default: one is started for the run]
    #[arg(short = 'H', long)]
    host: Option<String>,
    /// The board's port [default: one is started for the run; with --host 7777]
    #[arg(short, long)]
    port: Option<u16>,
    /// The model of the board that is started
    #[arg(short, long, value_enum, default_value = "epoll", conflicts_with_all = ["host", "port"])]
    model: Model,
    /// Clients that fetch what is published
    #[arg(short, long, default_value_t = 100, value_name = "N")]
    subscribers: usize,
    /// Clients that publish
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    publishers: u16,
    /// Clients that connect and never read
    #[arg(long, default_value_t = 0, value_name = "N")]
    stalled: usize,
    /// Length of a message, bytes
    #[arg(short, long, default_value_t = 128, value_name = "N")]
    bytes: usize,
    /// Open loop: so many messages per second, by all publishers together
    #[arg(long, value_name = "PER SECOND", conflicts_with = "window")]
    rate: Option<f64>,
    /// Closed loop: so many messages on their way
    #[arg(long, default_value_t = 1000, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    window: u64,
    /// How long is counted
    #[arg(short, long, value_name = "TIME", value_parser = duration, default_value = "5s")]
    time: Duration,
    /// How long before that
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "500ms")]
    warm_up: Duration,
    /// Of which publisher's turn it is [random, printed]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Write the figures as JSON, too
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the figures as Markdown, too
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

/// Runs it and prints the figures.
///
/// # Errors
/// No board there, one that is not empty, a broken connection, a message missing, double or out of order, or too few descriptors.
pub fn run(args: &SimulateArgs) -> anyhow::Result<ExitCode> {
    if args.bytes < HEADER {
        bail!("a message has at least {HEADER} bytes here: who publishes it, and its number");
    }
    if args.rate.is_some_and(|rate| !(rate > 0.0 && rate.is_finite())) {
        bail!("--rate is a number of messages per second above 0");
    }
    let interrupted = interrupt::flag()?;
    let server = match (&args.host, args.port) {
        (None, None) => Some(start_board(args.model, &[])?),
        _ => None,
    };
    let target = match &server {
        Some(server) => server.address,
        None => resolve(args.host.as_deref().unwrap_or("127.0.0.1"), args.port.unwrap_or(7777))?,
    };
    let plan = Plan {
        target,
        dialect: Dialect::Board,
        subscribers: args.subscribers,
        publishers: usize::from(args.publishers),
        stalled: args.stalled,
        bytes: args.bytes,
        load: args.rate.map_or(Load::Window(args.window), Load::Rate),
        warm_up: args.warm_up,
        time: args.time,
        seed: args.seed.unwrap_or_else(rand::random),
    };
    let outcome = measure(&plan, server.as_ref(), interrupted)?;
    if let Some(server) = server {
        server.stop();
    }
    let rows = rows(&plan, &outcome);
    let mut out = stdout().lock();
    for (name, value) in &rows {
        writeln!(out, "{name:<22}{value}")?;
    }
    if let Some(path) = &args.json {
        let text = serde_json::to_string_pretty(&outcome)? + "\n";
        fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    if let Some(path) = &args.report {
        let lines: String = rows.iter().map(|(name, value)| format!("| {name} | {value} |\n")).collect();
        fs::write(path, format!("| | |\n|---|---|\n{lines}"))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    if outcome.missing > 0 {
        eprintln!("error: {} deliveries have not come", outcome.missing);
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

/// Starts this program's board on a free port.
///
/// # Errors
/// It does not come up.
pub fn start_board(model: Model, more: &[&str]) -> anyhow::Result<ServerProcess> {
    let mut command = Command::new(std::env::current_exe().context("cannot find this program again")?);
    command.args(["board-server", "--listenport", "0", "--log", "warn", "--model", &model.name()]).args(more);
    ServerProcess::start(command, None).context("the board that was to be measured")
}

/// Runs the plan, and looks at the server meanwhile.
///
/// # Errors
/// As [`engine::run`].
pub fn measure(
    plan: &Plan,
    server: Option<&ServerProcess>,
    interrupted: &std::sync::atomic::AtomicBool,
) -> anyhow::Result<Outcome> {
    let mut used_ms = Vec::new();
    let mut outcome = engine::run(plan, interrupted, || {
        used_ms.extend(server.map(|server| process_ms(server.id())));
    })?;
    outcome.server = server.zip(used_ms.last().zip(used_ms.first())).map(|(server, (last, first))| {
        let (rss_mib, pss_mib) = memory_mib(server.id());
        ServerUse {
            cpu_us: (last - first) * 1e3 / outcome.delivered.max(1) as f64,
            busy: (last - first) / (outcome.seconds * 1e3),
            rss_mib,
            pss_mib,
        }
    });
    Ok(outcome)
}

/// Resident memory of a process, and its proportional share (proc_pid_smaps_rollup(5)), MiB.
fn memory_mib(pid: u32) -> (f64, f64) {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let value = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<f64>().ok()
    };
    (value("Rss:").unwrap_or(0.0) / 1024.0, value("Pss:").unwrap_or(0.0) / 1024.0)
}

fn resolve(host: &str, port: u16) -> anyhow::Result<SocketAddr> {
    let mut addresses =
        (host, port).to_socket_addrs().with_context(|| format!("no host is called {host}"))?;
    addresses.next().with_context(|| format!("{host} has no address"))
}

fn rows(plan: &Plan, outcome: &Outcome) -> Vec<(&'static str, String)> {
    let load = match plan.load {
        Load::Window(window) => format!("closed loop, {window} on their way"),
        Load::Rate(rate) => format!("open loop, {rate} messages/s"),
    };
    let mut rows = vec![
        (
            "clients",
            format!(
                "{} subscribers, {} publishers, {} stalled",
                plan.subscribers, plan.publishers, plan.stalled
            ),
        ),
        ("load", format!("{} bytes, {load}, seed {}", plan.bytes, plan.seed)),
        ("published", format!("{}", outcome.published)),
        (
            "delivered",
            format!("{}, each once and in one order; {} missing", outcome.delivered_in_all, outcome.missing),
        ),
        ("deliveries/s", format!("{:.0}", outcome.per_s)),
    ];
    if let Some(latency) = outcome.latency_us {
        let text = format!(
            "p50 {:.0}  p99 {:.0}  p99.9 {:.0}  max {:.0} µs",
            latency.p50, latency.p99, latency.p999, latency.max
        );
        rows.push(("latency", text));
    }
    if let Some(server) = outcome.server {
        rows.push((
            "server",
            format!(
                "{:.3} µs of a processor per delivery, {:.0} % busy; {:.0} MiB resident ({:.0} MiB Pss)",
                server.cpu_us,
                server.busy * 100.0,
                server.rss_mib,
                server.pss_mib
            ),
        ));
    }
    rows.push(("these clients", format!("{:.0} % of a processor", outcome.generator_busy * 100.0)));
    rows
}
