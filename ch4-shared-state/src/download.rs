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

mod args;
mod asynchronous;
mod blocking;
mod demo;
mod picture;
mod plan;
mod record;
mod screen;
pub mod server;
mod target;
mod work_queue;

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use common::support::cli::{human, stdout, writable};
use common::support::count::count;
use common::support::interrupt;
use common::support::{size, unfinished};

pub use args::{DownloadArgs, Mode};
use plan::Plan;
use record::Run;

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
        unfinished::sweep(&args.output);
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
    Ok(match failed {
        true if interrupt::has_come() => ExitCode::from(interrupt::STATUS),
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    })
}

/// What came, a line per file on stdout, and what did not, on stderr.
fn summary(run: &Run, files: usize) -> io::Result<()> {
    let mut stdout = stdout().lock();
    for record in run.records.iter().filter(|record| record.error.is_none()) {
        writeln!(stdout, "{} {} {}", record.path.display(), record.bytes, record.url)?;
    }
    for record in run.failures() {
        common::support::log::line(format_args!(
            "error: {}: {}",
            record.url,
            record.error.as_deref().unwrap_or_default()
        ));
    }
    let came = run.records.iter().filter(|record| record.error.is_none()).count();
    let (bytes, time) = (size::human(run.bytes()), human(Duration::from_millis(run.took_ms.round() as u64)));
    let files = count(files, "file");
    writeln!(stdout, "{came} of {files}, {bytes} in {time}, {}", run.mode.name())
}
