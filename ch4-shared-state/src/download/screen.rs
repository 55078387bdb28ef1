//! What is seen while files are on their way: a bar for each on a terminal, and elsewhere the log lines of the notes.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use common::support::count::count;
use common::support::progress::Due;
use common::support::{size, terminal};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::args::Mode;
use super::record::{Job, Record};

/// With more files than this there is one bar for all: a terminal has so many lines.
const MOST_BARS: usize = 20;

/// The bars of one run.
pub struct Screen {
    /// None where stderr is no terminal.
    bars: Vec<ProgressBar>,
    all: ProgressBar,
    is_terminal: bool,
    /// Of each file, so many bytes are there.
    bytes: Vec<AtomicU64>,
    begin: Instant,
    progress: Due,
}

impl Screen {
    /// A bar for each of `files` files.
    pub fn new(mode: Mode, files: usize) -> Screen {
        let is_terminal = std::io::stderr().is_terminal();
        let screen = MultiProgress::new();
        let style = |template| {
            ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
        };
        let all = screen.add(ProgressBar::new(files as u64));
        all.set_style(style("{prefix:10} [{bar:30}] {pos}/{len} files"));
        all.set_prefix(mode.name());
        all.tick();
        let bars = if is_terminal && files <= MOST_BARS { files } else { 0 };
        let bar = |_| {
            let bar = screen.add(ProgressBar::new(0));
            bar.set_style(style("  {bar:30} {decimal_bytes:>10}/{decimal_total_bytes:<10} {wide_msg}"));
            bar
        };
        Screen {
            bars: (0..bars).map(bar).collect(),
            all,
            is_terminal,
            bytes: (0..files).map(|_| AtomicU64::new(0)).collect(),
            begin: Instant::now(),
            progress: Due::default(),
        }
    }

    /// A download begins.
    pub fn begin(&self, number: usize, job: &Job) {
        match self.bars.get(number) {
            Some(bar) => bar.set_message(job.url.to_string()),
            // A log line would tear the bars.
            None if !self.is_terminal => tracing::info!("Downloading {}", job.url),
            None => {}
        }
    }

    /// So many bytes of so many are there.
    pub fn advance(&self, number: usize, bytes: u64, expected: Option<u64>) {
        if let Some(bar) = self.bars.get(number) {
            bar.set_length(expected.unwrap_or(bytes));
            bar.set_position(bytes);
        }
        if let Some(came) = self.bytes.get(number) {
            came.store(bytes, Ordering::Relaxed);
        }
        if !self.is_terminal && self.progress.is_due(self.begin.elapsed()) {
            let bytes = self.bytes.iter().map(|bytes| bytes.load(Ordering::Relaxed)).sum();
            let (done, files) = (self.all.position(), count(self.bytes.len(), "file"));
            tracing::info!("{done} of {files}, {} so far", size::human(bytes));
        }
    }

    /// A download has ended.
    pub fn end(&self, record: &Record) {
        self.all.inc(1);
        match (self.bars.get(record.number), &record.error) {
            (Some(bar), None) => bar.finish(),
            (Some(bar), Some(error)) => {
                bar.abandon_with_message(format!("{}: {}", record.url, terminal::line(error)));
            }
            (None, None) if !self.is_terminal => tracing::info!("Finished downloading {}", record.url),
            (None, Some(error)) if !self.is_terminal => {
                tracing::warn!("Failed downloading {}: {error}", record.url);
            }
            (None, _) => {}
        }
    }

    /// The run has ended: the lines of the bars are free for the results.
    pub fn finish(&self) {
        for bar in &self.bars {
            bar.finish_and_clear();
        }
        self.all.finish_and_clear();
    }
}
