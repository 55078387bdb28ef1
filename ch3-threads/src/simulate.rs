//! `cargo ch3 simulate`: the client simulator of the notes (figure 4.5 and *simulating_many_requests.py*) against any
//! server.
//!
//! ```text
//! arguments ─▶ Plan ─▶ common::sim::run ─▶ Run ─▶ table on stdout, --json
//!                          │
//!                          └▶ the notes' log lines on stderr, or a progress bar
//! ```

use std::fmt::Write as _;
use std::fs;
use std::io::{self, ErrorKind, Write as _};
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use common::cli::human;
use common::report::Percentiles;
use common::sim::{self, Event, Plan, Run, Scenario, Watch};
use indicatif::{ProgressBar, ProgressStyle};
use nix::sys::signal::{SigSet, Signal};

use crate::plan_args::PlanArgs;

const EXAMPLES: &str = "\
Examples:
  cargo ch3 simulate                                  the notes' five clients against 127.0.0.1:7777
  cargo ch3 simulate -s heavy --time-scale 0.1           five slow requests, ten times as fast
  cargo ch3 simulate -s echo -c 1000 --window 16 -b 16   as many messages as the server can take (closed loop)
  cargo ch3 simulate -s echo --rate 20000                20 000 requests/s, whether the server keeps up or not (open loop)
  cargo ch3 simulate -s connect -p 2000 -c 5 -t 500      csdesign's client
  cargo ch3 simulate -s crowd -c 10000                   everybody at once
  cargo ch3 simulate -s echo --faulty never-reader=1,rst=5
  cargo ch3 simulate -s echo -p 6379 --ask 'PING\\r\\n' --answer '+PONG\\r\\n'     redis, with the same generator

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
    /// No log lines and no progress bar
    #[arg(short, long)]
    quiet: bool,
}

/// Runs the simulation and prints what it found. Ctrl-C ends it early, with what was measured so far.
///
/// # Errors
/// Arguments that contradict each other, a host that cannot be resolved, limits of the system, a file that cannot be
/// written. That nobody could connect is no error but exit status 1.
pub fn run(arguments: &SimulateArgs) -> anyhow::Result<ExitCode> {
    let plan = plan(arguments)?;
    let interrupted = catch_interrupts()?;
    let to_stdout = arguments.json.as_deref() == Some(Path::new("-"));
    if !to_stdout {
        print(&header(&plan))?;
    }
    let watch = Screen::new(&plan, arguments.quiet);
    let run = sim::run(&plan, &watch, interrupted)?;
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

fn plan(arguments: &SimulateArgs) -> anyhow::Result<Plan> {
    let scenario = arguments.scenario;
    if let Some((flag, theirs)) = arguments.numbers.meaningless_to(&[scenario]).first() {
        bail!("{flag} means nothing to `{scenario}`; it belongs to {theirs}");
    }
    arguments.numbers.plan(scenario, resolve(&arguments.host, arguments.port)?)
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
pub(crate) fn catch_interrupts() -> anyhow::Result<&'static AtomicBool> {
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

/// What is seen while it runs: the log lines of the notes for a handful of clients, a progress bar for many.
struct Screen<'a> {
    plan: &'a Plan,
    lines: bool,
    bar: ProgressBar,
}

impl Screen<'_> {
    fn new(plan: &Plan, quiet: bool) -> Screen<'_> {
        let lines = matches!(plan.scenario, Scenario::Patience | Scenario::Stay | Scenario::Heavy);
        // Hides itself where stderr is no terminal.
        let bar = if lines || quiet { ProgressBar::hidden() } else { ProgressBar::new(0) };
        let unit = match plan.scenario {
            Scenario::Echo => "ms",
            Scenario::Connect => "connections",
            _ => "clients gone",
        };
        let template = format!("{{bar:40}} {{pos}}/{{len}} {unit}");
        bar.set_style(
            ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        Screen { plan, lines: lines && !quiet, bar }
    }
}

impl Watch for Screen<'_> {
    fn progress(&self, done: u64, total: u64) {
        self.bar.set_length(total);
        self.bar.set_position(done);
    }

    fn happened(&self, client: usize, event: &Event<'_>) {
        if !self.lines {
            return;
        }
        let plan = self.plan;
        let target = plan.target;
        let heavy = plan.scenario == Scenario::Heavy;
        match event {
            Event::Connecting => tracing::info!("client-{client}: Trying to connect to {target}"),
            Event::Connected if heavy => {
                tracing::info!("client-{client}: Connected, waiting for the answer ...");
            }
            Event::Connected => tracing::info!("client-{client}: Connected, waiting for service ..."),
            Event::Served if heavy => tracing::info!("client-{client}: Received the whole answer"),
            Event::Served => {
                let stay = human(plan.scaled_stay());
                tracing::info!("client-{client}: Service available! Keeping it busy for {stay} ...");
            }
            Event::Finished if heavy => {}
            Event::Finished => tracing::info!("client-{client}: Finished using a service ..."),
            Event::TimedOut if heavy => tracing::error!("client-{client}: Timeout waiting for the answer!"),
            Event::TimedOut => tracing::error!("client-{client}: Timeout waiting for service!"),
            Event::Refused(error) => tracing::error!("client-{client}: Refused: {error}"),
            Event::WrongBytes => tracing::error!("client-{client}: The server answered wrong bytes!"),
            Event::Disconnected => tracing::info!("client-{client}: Disconnected ..."),
        }
    }
}

fn header(plan: &Plan) -> String {
    let mut text = format!("{}: {}\n", plan.scenario, plan.describe());
    let _ = writeln!(
        text,
        "target {}, service {}, seed {}, time scale {}, patience {} with grace, {}, faulty clients: {}",
        plan.target,
        plan.scenario.service(),
        plan.seed,
        plan.time_scale,
        human(plan.patience()),
        if plan.threads == 1 { "1 thread".into() } else { format!("{} threads", plan.threads) },
        plan.faulty,
    );
    text
}

fn table(run: &Run) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    if run.interrupted {
        let _ = writeln!(text, "\nINTERRUPTED: this is what was found until then.");
    }
    if run.wrong > 0 {
        let _ = writeln!(text, "\nWRONG BYTES: {} answers were not what was sent for.", run.wrong);
    }
    let _ = writeln!(
        text,
        "\n{:>10}{:>10}{:>10}{:>10}{:>10}",
        "clients", "served", "gave up", "refused", "wrong"
    );
    let counts = [run.clients, run.served, run.gave_up, run.refused, run.wrong];
    let _ = writeln!(text, "{}\n", counts.map(|count| format!("{count:>10}")).concat());
    let _ = writeln!(text, "{:<10}{:>12}{:>12}{:>12}{:>12}", "", "p50", "p90", "p99", "max");
    text += &line("wait, ms", run.wait_ms());
    text += &line("latency, us", run.latency_us());
    let _ = writeln!(
        text,
        "\n{} requests in {}: {:.1}/s",
        run.requests,
        human(Duration::from_millis(run.elapsed.as_millis() as u64)),
        run.throughput_per_s()
    );
    let left = [
        (run.unanswered, "requests were never answered"),
        (run.broken, "connections broke"),
        (run.unfinished, "clients had not finished"),
    ];
    for (count, what) in left.into_iter().filter(|(count, _)| *count > 0) {
        let _ = writeln!(text, "{count} {what}");
    }
    if let Some(error) = &run.first_error {
        let _ = writeln!(text, "the first error: {error}");
    }
    let faulty = &run.faulty;
    if faulty.connections > 0 {
        let _ = writeln!(
            text,
            "faulty clients: {} connections, {} bytes sent, {} read, {} resets, hung up on {} times",
            faulty.connections, faulty.bytes_sent, faulty.bytes_received, faulty.resets, faulty.hung_up_on
        );
    }
    text
}

fn line(name: &str, percentiles: Option<Percentiles>) -> String {
    let Some(Percentiles { p50, p90, p99, max }) = percentiles else {
        return format!("{name:<12}{:>10}\n", "-");
    };
    format!("{name:<12}{p50:>10.1}{p90:>12.1}{p99:>12.1}{max:>12.1}\n")
}

/// Whoever closes the pipe has seen enough: `ch3 simulate | head -1` is no error.
fn print(text: &str) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).context("cannot write to stdout"),
        _ => Ok(()),
    }
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
