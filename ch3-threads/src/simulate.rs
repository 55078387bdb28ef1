//! `cargo ch3 simulate`: the client simulator of the notes (figure 4.5 and *simulating_many_requests.py*) against any
//! server.
//!
//! ```text
//! arguments ─▶ Plan ─▶ common::sim::run ─▶ Run ─▶ table on stdout, --json
//!                          │
//!                          └▶ the notes' log lines on stderr, or a progress bar
//! ```

mod screen;
mod table;

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use common::cli::duration;
use common::sim::{self, Exchange, Faulty, Plan, Scenario, SimError};
use nix::sys::signal::{SigSet, Signal};

use screen::Screen;
use table::{header, table};

const EXAMPLES: &str = "\
Examples:
  ch3 simulate                                  the notes' five clients against 127.0.0.1:7777
  ch3 simulate heavy --time-scale 0.1           five slow requests, ten times as fast
  ch3 simulate echo -c 1000 --window 16 -b 16   as many messages as the server can take (closed loop)
  ch3 simulate echo --rate 20000                20 000 requests/s, whether the server keeps up or not (open loop)
  ch3 simulate connect -p 2000 -c 5 -t 500      csdesign's client
  ch3 simulate crowd -c 10000                   everybody at once
  ch3 simulate echo --faulty never-reader=1,rst=5
  ch3 simulate echo -p 6379 --ask 'PING\\r\\n' --answer '+PONG\\r\\n'     redis, with the same generator

In the closed loop a client sends when its last answer is there, so a server that stalls is asked less. In the open
loop every request is timed from when it was meant to be sent. Compare p99 of both when something stalls.

Exit status: 0 when clients could connect, 1 when none could, 2 when the arguments are wrong.";

/// Simulate clients: the notes' five, or thousands
///
/// Each scenario brings its own numbers (clients, timeout, stay, ...); every one of them can be given. Durations are
/// written 250us, 500ms, 15s, 2m.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct SimulateArgs {
    /// What the clients come for
    #[arg(value_enum, default_value = "patience")]
    scenario: Scenario,
    /// Where the server is: a name or an address (of a name's addresses the first IPv4 one is taken)
    #[arg(short = 'H', long, default_value = "127.0.0.1")]
    host: String,
    /// The server's port
    #[arg(short, long, default_value_t = 7777)]
    port: u16,
    /// How many clients [patience, stay, heavy, connect: 5; echo: 50; crowd: 2000]
    #[arg(short, long, visible_alias = "children", value_name = "N")]
    clients: Option<usize>,
    /// How long a client waits [patience, crowd: 15s; stay, echo: 5s; heavy, connect: 10s]
    #[arg(long, value_parser = duration, value_name = "TIME")]
    timeout: Option<Duration>,
    /// How long a served client stays [patience, crowd: 5s; stay: 30s]
    #[arg(long, value_parser = duration, value_name = "TIME")]
    stay: Option<Duration>,
    /// Length of a message [heavy: 36; echo: 128; crowd: 32], or how many bytes to ask for [connect: 3000]
    #[arg(short, long, value_name = "N")]
    bytes: Option<usize>,
    /// echo, closed loop: messages under way per connection [1]
    #[arg(short, long, value_name = "N", conflicts_with = "rate")]
    window: Option<usize>,
    /// echo, open loop: requests per second of all clients together, at random moments
    #[arg(short, long, value_name = "PER_SECOND")]
    rate: Option<f64>,
    /// echo: how long to measure [5s]
    #[arg(short, long, value_parser = duration, value_name = "TIME")]
    duration: Option<Duration>,
    /// echo: how long to run before measuring [500ms]
    #[arg(long, value_parser = duration, value_name = "TIME")]
    warm_up: Option<Duration>,
    /// connect: connections of each child, one after another [500]
    #[arg(short = 't', long, value_name = "N")]
    connections: Option<usize>,
    /// connect: end the number with a newline
    #[arg(long)]
    newline: bool,
    /// echo: send this instead of random bytes; \r \n \t \0 \\ and \xNN are understood
    #[arg(long, value_parser = unescape, value_name = "TEXT")]
    ask: Option<Escaped>,
    /// echo, with --ask: what must come back for it
    #[arg(long, value_parser = unescape, value_name = "TEXT", requires = "ask")]
    answer: Option<Escaped>,
    /// echo, with --ask: how many bytes must come back for it, whatever they are
    #[arg(long, value_name = "N", requires = "ask", conflicts_with = "answer")]
    answer_bytes: Option<usize>,
    /// By which fraction patience outlasts the timeout: three stays of 5s are exactly 15s, and the notes' fourth client is served
    #[arg(long, default_value_t = 0.1, value_name = "FRACTION")]
    grace: f64,
    /// Multiply timeout and stay; measured durations stay as they are
    #[arg(long, default_value_t = 1.0, value_name = "FACTOR")]
    time_scale: f64,
    /// Faulty clients beside the others: slow-reader, never-reader, half-open, rst, garbage, as in rst=5,garbage=2
    #[arg(long, default_value_t = Faulty::default(), hide_default_value = true, value_name = "KIND=N,...")]
    faulty: Faulty,
    /// Seed of every random decision [random, printed]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Event loops, one thread each
    #[arg(long, default_value_t = 1, value_name = "N")]
    threads: usize,
    /// Write the result as JSON, too; - writes it to stdout instead of the table
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// No log lines and no progress bar
    #[arg(short, long)]
    quiet: bool,
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
    let interrupted = catch_interrupts()?;
    let to_stdout = arguments.json.as_deref() == Some(Path::new("-"));
    if !to_stdout {
        print(&header(&plan))?;
    }
    let watch = Screen::new(&plan, arguments.quiet);
    let run = match sim::run(&plan, &watch, interrupted) {
        Err(error @ SimError::Plan(_)) => return Ok(misused(&error.into())),
        run => run?,
    };
    watch.bar.finish_and_clear();
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
    if run.connected == 0 && !run.interrupted {
        let why = run.first_error.map_or_else(String::new, |error| format!(" ({error})"));
        eprintln!("No client could connect{why}: is a server listening at {}?", plan.target);
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

/// Arguments that only together make no sense: the same exit status as clap's.
fn misused(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {error:#}");
    ExitCode::from(2)
}

fn plan(arguments: &SimulateArgs) -> anyhow::Result<Plan> {
    use Scenario::{Connect, Crowd, Echo, Heavy, Patience, Stay};
    let given = [
        ("--stay", arguments.stay.is_some(), &[Patience, Stay, Heavy, Crowd][..]),
        ("--bytes", arguments.bytes.is_some(), &[Heavy, Echo, Connect, Crowd]),
        ("--window", arguments.window.is_some(), &[Echo]),
        ("--rate", arguments.rate.is_some(), &[Echo]),
        ("--duration", arguments.duration.is_some(), &[Echo]),
        ("--warm-up", arguments.warm_up.is_some(), &[Echo]),
        ("--ask", arguments.ask.is_some(), &[Echo]),
        ("--connections", arguments.connections.is_some(), &[Connect]),
        ("--newline", arguments.newline, &[Connect]),
    ];
    let scenario = arguments.scenario;
    for (flag, given, scenarios) in given {
        if given && !scenarios.contains(&scenario) {
            let names: Vec<_> = scenarios.iter().map(|scenario| scenario.name()).collect();
            bail!("{flag} means nothing to `{scenario}`; it belongs to {}", names.join(", "));
        }
    }
    let exchange = match (&arguments.ask, &arguments.answer, arguments.answer_bytes) {
        (None, ..) => None,
        (Some(ask), Some(answer), _) => Exchange::exactly(ask.0.clone(), answer.0.clone()),
        (Some(ask), None, Some(length)) => Exchange::of_length(ask.0.clone(), length),
        (Some(_), None, None) => {
            bail!("--ask needs --answer TEXT or --answer-bytes N: what comes back for it?")
        }
    };
    if arguments.ask.is_some() && exchange.is_none() {
        bail!("neither --ask nor the answer may be empty");
    }
    let its = Plan::new(scenario, resolve(&arguments.host, arguments.port)?);
    Ok(Plan {
        clients: arguments.clients.unwrap_or(its.clients),
        timeout: arguments.timeout.unwrap_or(its.timeout),
        stay: arguments.stay.unwrap_or(its.stay),
        bytes: arguments.bytes.unwrap_or(its.bytes),
        window: arguments.window.unwrap_or(its.window),
        rate: arguments.rate,
        duration: arguments.duration.unwrap_or(its.duration),
        warm_up: arguments.warm_up.unwrap_or(its.warm_up),
        connections: arguments.connections.unwrap_or(its.connections),
        newline: arguments.newline,
        exchange,
        grace: arguments.grace,
        faulty: arguments.faulty,
        seed: arguments.seed.unwrap_or(its.seed),
        threads: arguments.threads,
        time_scale: arguments.time_scale,
        ..its
    })
}

fn resolve(host: &str, port: u16) -> anyhow::Result<SocketAddr> {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let found =
        (host, port).to_socket_addrs().with_context(|| format!("cannot resolve the host `{host}`"))?;
    let addresses: Vec<SocketAddr> = found.collect();
    let first = addresses.iter().find(|address| address.is_ipv4()).or(addresses.first());
    first.copied().with_context(|| format!("the host `{host}` has no address"))
}

/// The flag that Ctrl-C sets. A second Ctrl-C ends the program at once.
///
/// The signals are blocked in this thread and in all that it starts, and one thread waits for them: no handler runs
/// in the middle of anything.
fn catch_interrupts() -> anyhow::Result<&'static AtomicBool> {
    static INTERRUPTED: AtomicBool = AtomicBool::new(false);
    let signals = SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM]);
    signals.thread_block().context("cannot block the signals")?;
    thread::Builder::new().name("signals".into()).spawn(move || {
        while signals.wait().is_ok() {
            if INTERRUPTED.swap(true, SeqCst) {
                // 128 + SIGINT, as the shell reports it.
                std::process::exit(130);
            }
        }
    })?;
    Ok(&INTERRUPTED)
}

/// Whoever closes the pipe has seen enough: `ch3 simulate | head -1` is no error.
fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).context("cannot write to stdout"),
        _ => Ok(()),
    }
}

/// Bytes that were written with escapes. A type of its own, because clap takes a `Vec` for a repeated argument.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Escaped(Vec<u8>);

fn unescape(text: &str) -> Result<Escaped, String> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        bytes.extend_from_slice(before.as_bytes());
        let escape = after.chars().next().ok_or("a \\ at the end escapes nothing")?;
        rest = &after[escape.len_utf8()..];
        bytes.push(match escape {
            'r' => b'\r',
            'n' => b'\n',
            't' => b'\t',
            '0' => 0,
            '\\' => b'\\',
            'x' => {
                let digits = rest.get(..2).unwrap_or("");
                rest = rest.get(2..).unwrap_or("");
                u8::from_str_radix(digits, 16).map_err(|_| "\\x needs two hexadecimal digits".to_string())?
            }
            other => return Err(format!("\\{other} is unknown; there are \\r \\n \\t \\0 \\\\ and \\xNN")),
        });
    }
    bytes.extend_from_slice(rest.as_bytes());
    Ok(Escaped(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

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
        let plan = plan_of("connect -H ::1 -p 2000 -c 7 -t 9 --newline --seed 3 --faulty rst=2").unwrap();
        assert_eq!(plan.target, "[::1]:2000".parse().unwrap());
        assert_eq!((plan.clients, plan.connections, plan.bytes, plan.seed), (7, 9, 3000, 3));
        assert!(plan.newline && plan.faulty.total() == 2);
    }

    #[test]
    fn a_flag_of_another_scenario_is_an_error_that_names_its_own() {
        let error = plan_of("patience --rate 5").unwrap_err().to_string();
        assert!(error.contains("belongs to echo"), "{error}");
        assert!(plan_of("echo --ask PING").unwrap_err().to_string().contains("--answer"));
        assert!(plan_of("echo --rate 5 --window 3").is_err());
    }

    #[test]
    fn escapes_become_bytes() {
        assert_eq!(unescape(r"PING\r\n\x00\\é"), Ok(Escaped(b"PING\r\n\0\\\xc3\xa9".to_vec())));
        for wrong in [r"\", r"\q", r"\x1", r"\xzz", r"\xé"] {
            assert!(unescape(wrong).is_err(), "{wrong}");
        }
    }
}
