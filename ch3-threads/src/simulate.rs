//! `cargo ch3 simulate`: the client simulator of the notes (figure 4.5 and *simulating_many_requests.py*) against any
//! server.
//!
//! ```text
//! arguments ─▶ Plan ─▶ common::loadgen::run ─▶ Run ─▶ table on stdout, --json
//!                          │
//!                          └▶ the notes' log lines on stderr, or a progress bar
//! ```

mod screen;
mod table;

use std::fs;
use std::io::{ErrorKind, Write};
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Args;
use common::loadgen::{self, Plan, Scenario, SimError};
use common::support::cli::writable;
use common::support::count::count;
use common::support::interrupt;

use crate::plan_args::PlanArgs;
use crate::progress::ProgressArgs;

use screen::Screen;
use table::{header, table, were};

const EXAMPLES: &str = "\
Examples, each against a server in another terminal (the scenario's service in parentheses):
  cargo ch3 simulate                                  the notes' five clients (hold)
  cargo ch3 simulate -s heavy --time-scale 0.1        ten times as fast (heavy --delay 500ms)
  cargo ch3 simulate -s factor -c 16                  some 10 ms of computing each (factor)
  cargo ch3 simulate -s echo -c 1000 --window 16      as fast as the server can: closed loop (echo)
  cargo ch3 simulate -s echo --rate 20000             20 000 requests/s: open loop (echo)
  cargo ch3 simulate -s connect -c 15 -t 100          csdesign's client (bytes)
  cargo ch3 simulate -s crowd -c 10000                everybody at once (echo)
  cargo ch3 simulate -s random                        ten thousand, two random points each (random)
  cargo ch3 simulate -s echo --faulty never-reader=1,rst=5
  cargo ch3 simulate -s echo -p 6379 --ask 'PING\\r\\n' --answer '+PONG\\r\\n'     redis

In the closed loop a client sends when its last answer is there: a server that stalls is asked less.
In the open loop every request is timed from when it was meant to be sent. Compare the p99 of both.

Exit status: 0 when clients could connect; 1 when none could, when the server hung up on all of
them or gave all of them wrong bytes, or when a request of the open loop was due and never sent;
2 when the arguments are wrong; 130 after Ctrl-C, with what was found until then.";

/// Simulate clients: the notes' five, or thousands
///
/// Each scenario brings its own numbers (clients, timeout, stay, ...); every one of them can be given. Durations are
/// written 250us, 500ms, 15s, 2m.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct SimulateArgs {
    /// What the clients come for
    #[arg(short, long, value_enum, default_value = "patience")]
    scenario: Scenario,
    /// Where the server is: a name or an address (of a name's addresses the first IPv4 one is taken)
    #[arg(short = 'H', long, default_value = "127.0.0.1")]
    host: String,
    /// The server's port
    #[arg(short, long, default_value_t = 7777)]
    port: u16,
    #[command(flatten)]
    numbers: PlanArgs,
    /// Write the result as JSON, too; - writes it to stdout instead of the table
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// No log lines and no progress
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    progress: ProgressArgs,
}

/// Runs the simulation and prints what it found. Ctrl-C ends it early, with what was measured so far.
///
/// # Errors
/// Limits of the system, or a file that cannot be written. Wrong arguments are no error but exit status 2, and that
/// nobody could connect is exit status 1; both with a sentence on stderr.
pub fn run(arguments: &SimulateArgs) -> anyhow::Result<ExitCode> {
    let plan = match plan(arguments) {
        Ok(plan) => plan,
        Err(error) => return Ok(misused(&error)),
    };
    let interrupted = interrupt::flag()?;
    let to_stdout = arguments.json.as_deref() == Some(Path::new("-"));
    if !to_stdout {
        writable(&arguments.json)?;
        print(&header(&plan))?;
    }
    let watch = Screen::new(&plan, arguments.quiet, arguments.progress);
    let run = match loadgen::run(&plan, &watch, interrupted) {
        Err(error @ SimError::Plan(_)) => return Ok(misused(&error.into())),
        run => run?,
    };
    watch.progress.bar.finish_and_clear();
    if !to_stdout {
        print(&table(&run))?;
    }
    if let Some(path) = &arguments.json {
        let json = serde_json::to_string_pretty(&run.row(&plan))? + "\n";
        if to_stdout {
            print(&json)?;
        } else {
            fs::write(path, json).with_context(|| format!("cannot write {}", path.display()))?;
        }
    }
    if run.interrupted {
        return Ok(ExitCode::from(interrupt::STATUS));
    }
    if run.connected == 0 {
        let why = run.first_error.map_or_else(String::new, |error| format!(" ({error})"));
        common::support::log::line(format_args!(
            "No client could connect{why}: is a server listening at {}?",
            plan.target
        ));
        return Ok(ExitCode::FAILURE);
    }
    if run.never_sent > 0 {
        let unsent = run.never_sent;
        common::support::log::line(format_args!(
            "error: {} {} due and never sent: the server died, or took no more",
            count(unsent, "request"),
            were(unsent)
        ));
        return Ok(ExitCode::FAILURE);
    }
    if run.lost == run.clients {
        common::support::log::line("error: the server hung up on every client that it served");
        return Ok(ExitCode::FAILURE);
    }
    if run.served == 0 && plan.exchange.is_none() && plan.faulty.total() == 0 {
        common::support::log::line(format_args!(
            "No client was served. `{0}` needs the service `{1}`: is it `cargo ch3 serve --service {1}` that listens at {2}?",
            plan.scenario,
            plan.scenario.service(),
            plan.target
        ));
    }
    Ok(if run.deceived == run.clients { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Arguments that only together make no sense: the same exit status as clap's.
pub(crate) fn misused(error: &anyhow::Error) -> ExitCode {
    common::support::log::line(format_args!("error: {error:#}"));
    ExitCode::from(2)
}

fn plan(arguments: &SimulateArgs) -> anyhow::Result<Plan> {
    let scenario = arguments.scenario;
    if let Some((flag, theirs)) = arguments.numbers.meaningless_to(&[scenario]).first() {
        bail!("{flag} means nothing to `{scenario}`; it belongs to {theirs}");
    }
    arguments.numbers.plan(scenario, resolve(&arguments.host, arguments.port)?)
}

/// The address of a host: of several the first IPv4 one.
pub(crate) fn resolve(host: &str, port: u16) -> anyhow::Result<SocketAddr> {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let found =
        (host, port).to_socket_addrs().with_context(|| format!("cannot resolve the host `{host}`"))?;
    let addresses: Vec<SocketAddr> = found.collect();
    let first = addresses.iter().find(|address| address.is_ipv4()).or(addresses.first());
    first.copied().with_context(|| format!("the host `{host}` has no address"))
}

fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = common::support::cli::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).context("cannot write to stdout"),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use std::time::Duration;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        arguments: SimulateArgs,
    }

    fn plan_of(line: &str) -> anyhow::Result<Plan> {
        let words = std::iter::once("simulate").chain(line.split_whitespace());
        plan(&Line::try_parse_from(words)?.arguments)
    }

    #[test]
    fn nothing_given_is_the_notes_own_run() {
        let plan = plan_of("").unwrap();
        assert_eq!((plan.scenario, plan.clients, plan.target.port()), (Scenario::Patience, 5, 7777));
        assert_eq!((plan.timeout, plan.stay), (Duration::from_secs(15), Duration::from_secs(5)));
    }

    #[test]
    fn what_is_given_counts_and_the_rest_is_the_scenarios() {
        let plan = plan_of("-s connect -H ::1 -p 2000 -c 7 -t 9 --newline --seed 3 --faulty rst=2").unwrap();
        assert_eq!(plan.target, "[::1]:2000".parse().unwrap());
        assert_eq!((plan.clients, plan.connections, plan.bytes, plan.seed), (7, 9, 3000, 3));
        assert!(plan.newline && plan.faulty.total() == 2);
    }

    #[test]
    fn a_flag_of_another_scenario_is_an_error_that_names_its_own() {
        let error = plan_of("-s patience --rate 5").unwrap_err().to_string();
        assert!(error.contains("belongs to echo"), "{error}");
        assert!(plan_of("-s echo --ask PING").unwrap_err().to_string().contains("--answer"));
        assert!(plan_of("-s echo --rate 5 --window 3").is_err());
    }
}
