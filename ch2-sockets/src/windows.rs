//! What each step of the session protocol buys: one message, one bad link, six ways to send.
//!
//! ```text
//!   this process                                          a process of its own
//!   client ──► ( link: loss, delay, the same seed ) ──────► board-server
//! ```
//!
//! Stop-and-wait sends a block per round trip, however fast the network is: goodput = block / round trip. A window of w blocks
//! sends w in that time, and congestion control finds out which w the network carries. (Notes, chapter 2, "Part 2"; any
//! textbook's chapter on sliding windows has the picture.)
//!
//! The notes' own protocol does better than a window of one, because its block is 65 kB long. That is no gift: such a datagram
//! travels an Ethernet in 45 fragments and is lost with any one of them. The link loses whole datagrams, so here
//! it gets off lightly.

mod row;

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::session::{Config, Congestion};
use anyhow::Context;
use clap::Args;
use common::core::stop::Stop;
use common::netem::{Profile, Recorder, Relay, Settings, parse};
use common::protocol::mboard::Request;
use common::support::child_server::{ChildServer, this_program};
use common::support::cli::{duration, human, stdout};
use common::support::count::count;
use common::support::size;

use crate::board::client::{Error, RetryPolicy, SessionDriver};
use row::WindowsRow;

/// The arguments of `windows`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo ch2 windows                            5 ms each way, 2 % lost
  cargo ch2 windows --loss 0 --delay 20ms      distance alone
  cargo ch2 windows --loss 20% --size 200kB    a very bad network
Of one seed the same datagrams are lost again, as far as the same datagrams are sent.")]
pub struct WindowsArgs {
    /// How many datagrams are lost, each way
    #[arg(long, value_name = "CHANCE", value_parser = parse::probability, default_value = "2%")]
    pub loss: f64,
    /// How long everything is on its way, each way
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "5ms")]
    pub delay: Duration,
    /// The message
    #[arg(long, value_name = "SIZE", value_parser = size::in_memory, default_value = "1MB")]
    pub size: usize,
    /// What decides which are lost
    #[arg(long, value_name = "NUMBER", default_value_t = 7)]
    pub seed: u64,
    /// A line of the table, or several; without it all of them
    #[arg(long, value_name = "NAME", value_enum)]
    pub only: Vec<SendMode>,
    /// Write the figures to this file, too
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

/// A way to send a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum SendMode {
    /// The notes' protocol: a block of 65 kB, then its answer
    Blocks,
    /// Ours, a block of 1.4 kB at a time
    Window1,
    /// Eight
    Window8,
    /// Sixty-four
    Window64,
    /// As many as congestion control allows: every loss is congestion
    Reno,
    /// The same: a loss without a grown round trip is only repaired
    Tolerant,
}

impl SendMode {
    const ALL: [SendMode; 6] = [
        SendMode::Blocks,
        SendMode::Window1,
        SendMode::Window8,
        SendMode::Window64,
        SendMode::Reno,
        SendMode::Tolerant,
    ];

    fn name(self) -> &'static str {
        match self {
            SendMode::Blocks => "original, one block of 65 kB",
            SendMode::Window1 => "window of 1 block of 1.4 kB",
            SendMode::Window8 => "window of 8",
            SendMode::Window64 => "window of 64",
            SendMode::Reno => "congestion control, reno",
            SendMode::Tolerant => "congestion control, tolerant",
        }
    }

    /// A window that is fixed is to be seen as it is, so that its losses only are repaired.
    fn config(self) -> Config {
        let window = match self {
            SendMode::Window1 => Some(1),
            SendMode::Window8 => Some(8),
            SendMode::Window64 => Some(64),
            SendMode::Blocks | SendMode::Reno | SendMode::Tolerant => None,
        };
        let congestion = if self == SendMode::Reno { Congestion::Reno } else { Congestion::Tolerant };
        Config { window, congestion, ..Config::default() }
    }
}

/// Measures them, one after the other.
///
/// # Errors
/// A sentence about what went wrong.
pub fn run(args: &WindowsArgs) -> anyhow::Result<ExitCode> {
    let stop = Stop::install().context("no descriptor for the stop")?;
    let json = args
        .json
        .as_ref()
        .map(|path| File::create(path).with_context(|| format!("cannot write {}", path.display())));
    let json = json.transpose()?;
    let mut out = stdout();
    writeln!(
        out,
        "A message of {} through a link that takes {} each way and loses {:.1} % (seed {}):\n\n{}",
        count(args.size, "byte"),
        human(args.delay),
        100.0 * args.loss,
        args.seed,
        row::HEAD
    )?;
    let mut rows = Vec::new();
    for mode in SendMode::ALL.into_iter().filter(|mode| args.only.is_empty() || args.only.contains(mode)) {
        match measure(args, mode, stop) {
            Ok(row) => {
                writeln!(out, "{row}")?;
                rows.push(row);
            }
            Err(error) if stop.requested() => {
                tracing::info!("interrupted: {error:#}");
                return Ok(ExitCode::from(common::support::interrupt::STATUS));
            }
            Err(error) => writeln!(out, "{:<30}{error:#}", mode.name())?,
        }
    }
    if let Some(file) = json {
        serde_json::to_writer_pretty(file, &rows).context("the figures are not complete")?;
    }
    Ok(if rows.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// A fresh server, a fresh link of the same seed, a fresh client.
fn measure(args: &WindowsArgs, mode: SendMode, stop: Stop) -> anyhow::Result<WindowsRow> {
    const TIMEOUT: Duration = Duration::from_secs(1);
    const RETRIES: u32 = 9;
    let mut command = this_program(["--log", "warn", "board-server", "--listenport", "0"])?;
    let server = ChildServer::start(&mut command).context("the board-server")?;
    let profile = Profile { loss: args.loss, delay: args.delay, ..Profile::default() };
    let settings = Settings { tcp: false, ..Settings::new(server.address, profile, args.seed) };
    let relay = Relay::bind(&settings).and_then(|relay| relay.start(Arc::new(Recorder::new(None, false))));
    let relay = relay.context("cannot start the link")?;

    let retry = RetryPolicy { timeout: TIMEOUT, retries: RETRIES, stop };
    let mut driver = SessionDriver::new(relay.address(), mode.config(), mode == SendMode::Blocks, retry)?;
    let request = Request::Publish(&vec![b'x'; args.size]).encode();
    let began = Instant::now();
    let response = driver.ask(request).map_err(|error| match error {
        Error::Silence { time, .. } => anyhow::anyhow!("given up after {} of silence", human(time)),
        error => error.into(),
    })?;
    let time = began.elapsed();
    anyhow::ensure!(response == b"0", "the board has refused the message");
    relay.stop().context("the link")?;
    Ok(WindowsRow::new(mode.name(), args.size, time, &driver.statistics()))
}
