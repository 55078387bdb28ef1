//! Download files one after another, in threads, or asynchronously. Notes, chapter 4, figures 4.1 and 4.2.
//!
//! ```text
//!   sequential   ─1111─2222─3333─4444                        one thread, one connection at a time
//!   threads      ─1111                                       a thread for each connection: it waits, the others
//!                ─2222        manager–workers (delegation)   go on
//!                ─3333
//!   async        ─1111, ─2222, ─3333 …                       one thread, which waits for all of them at once
//! ```
//!
//! All three fetch with the same [`Exchange`](common::protocol::http::Exchange); what differs is who waits, in one file each:
//! `blocking` (for the first two) and `asynchronous`. The gain is the waiting that overlaps: there is none where the
//! line is full, or where the server answers one after another.

mod asynchronous;
mod blocking;
mod demo;
mod picture;
mod plan;
mod screen;
pub mod server;
mod target;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use common::support::cli::{duration, human, stdout, writable};

use crate::download::server::OfferArgs;
use common::protocol::http::Url;
use common::support::size;
use plan::{Plan, Run};

/// The arguments of this command.
#[derive(Debug, Args)]
#[command(
    after_help = "Example: without a URL it starts a server of its own and downloads from it in all three modes:
  cargo ch4 download
  cargo ch4 download --files 16 --latency 300ms --rate 1MB/s --report /tmp/downloads.html
From a server in another terminal (cargo ch4 files-server -p 8080 --rate 1MB/s):
  cargo ch4 download --mode threads --output /tmp http://127.0.0.1:8080/file-{1,2,3,4}.bin"
)]
pub struct DownloadArgs {
    /// What to download, http:// only; without any, files of a server of its own in all modes
    #[arg(value_name = "URL")]
    pub urls: Vec<Url>,
    /// How the waiting is done [default: threads]
    #[arg(short, long, value_enum)]
    pub mode: Option<Mode>,
    /// Download from a server of its own, in all modes or in the one given: what no URL means too
    #[arg(long, conflicts_with = "urls")]
    pub demo: bool,
    /// The directory for the files; a file of the same name is replaced when the new one is complete
    #[arg(short, long, value_name = "DIR", default_value = ".")]
    pub output: PathBuf,
    /// Most downloads at once, in threads or asynchronously
    #[arg(short = 'n', long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub at_once: u16,
    /// The largest file that is taken
    #[arg(long, value_name = "SIZE", default_value = "1GB", value_parser = size::bytes)]
    pub limit: u64,
    /// A server that sends nothing for so long is given up
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    pub patience: Duration,
    #[allow(missing_docs, reason = "flattened: a comment here would replace the command's own")]
    #[command(flatten, next_help_heading = "The server of its own")]
    pub offer: OfferArgs,
    /// Write what was measured, a JSON list with an object per mode
    #[arg(long, value_name = "FILE", help_heading = None::<&str>)]
    pub json: Option<PathBuf>,
    /// Write a page with a picture of which file was downloading when
    #[arg(long, value_name = "FILE", help_heading = None::<&str>)]
    pub report: Option<PathBuf>,
}

/// Who waits for the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// One thread, one file after another (figure 4.1)
    Sequential,
    /// A thread for each file, up to --at-once of them (figure 4.2)
    Threads,
    /// One thread, a task for each file
    Async,
}

impl Mode {
    /// All of them, the one to compare with first.
    pub const ALL: [Mode; 3] = [Mode::Sequential, Mode::Threads, Mode::Async];

    /// The name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Mode::Sequential => "sequential",
            Mode::Threads => "threads",
            Mode::Async => "async",
        }
    }
}

/// Downloads; status 1 when a file is missing at the end.
///
/// # Errors
/// The directory cannot be written, or the local server does not start.
pub fn run(args: &DownloadArgs) -> anyhow::Result<ExitCode> {
    if !args.urls.is_empty() && args.offer.is_asked_for() {
        bail!(
            "--files, --size, --seed, --rate and --latency are for the server of its own: with a URL there is none"
        );
    }
    writable(args.json.iter().chain(&args.report))?;
    let runs = if args.urls.is_empty() {
        demo::run(args)?
    } else {
        if !args.output.is_dir() {
            bail!("{} is not a directory: make it, or choose another with --output", args.output.display());
        }
        let plan = Plan::new(args, &args.urls, &args.output)?;
        let run = plan.run(args.mode.unwrap_or(Mode::Threads))?;
        summary(&run, plan.jobs.len())?;
        vec![run]
    };
    if let Some(path) = &args.json {
        let lines: Vec<String> = runs.iter().map(serde_json::to_string).collect::<Result<_, _>>()?;
        std::fs::write(path, format!("[\n{}\n]\n", lines.join(",\n")))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    if let Some(path) = &args.report {
        std::fs::write(path, picture::page(&runs))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    let failed = runs.iter().any(|run| run.failures().count() > 0);
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// What came, a line per file on stdout, and what did not, on stderr.
fn summary(run: &Run, files: usize) -> io::Result<()> {
    let mut stdout = stdout().lock();
    for record in run.records.iter().filter(|record| record.error.is_none()) {
        writeln!(stdout, "{} {} {}", record.path.display(), record.bytes, record.url)?;
    }
    for record in run.failures() {
        eprintln!("error: {}: {}", record.url, record.error.as_deref().unwrap_or_default());
    }
    let came = run.records.iter().filter(|record| record.error.is_none()).count();
    let (bytes, time) = (size::human(run.bytes()), human(Duration::from_millis(run.took_ms.round() as u64)));
    writeln!(stdout, "{came} of {files} files, {bytes} in {time}, {}", run.mode.name())
}
