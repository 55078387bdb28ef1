//! What is downloaded to where, and what came of it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::screen::Screen;
use super::{DownloadArgs, Mode, asynchronous, blocking};
use common::protocol::http::Url;

/// The files of one run, and how they are fetched.
pub struct Plan {
    /// One per URL, in their order.
    pub jobs: Vec<Job>,
    at_once: usize,
    limit: u64,
    patience: Duration,
    interrupted: &'static AtomicBool,
}

/// One file.
#[derive(Debug, Clone)]
pub struct Job {
    /// Where it is.
    pub url: Url,
    /// Where it goes.
    pub path: PathBuf,
}

/// What all downloads of a run share.
pub struct Shared {
    /// The files.
    pub jobs: Vec<Job>,
    /// The largest file, bytes.
    pub limit: u64,
    /// How long a server may send nothing.
    pub patience: Duration,
    /// Set by Ctrl-C.
    pub interrupted: &'static AtomicBool,
    /// The bars, or the log.
    pub screen: Screen,
    began: Instant,
    next: AtomicUsize,
    busy: AtomicUsize,
    most_busy: AtomicUsize,
    most_threads: AtomicU64,
    records: Mutex<Vec<Record>>,
}

/// What came of a run.
#[derive(Debug, Clone, Serialize)]
pub struct Run {
    /// Who waited.
    pub mode: Mode,
    /// From the first request to the end of the last file, milliseconds.
    pub took_ms: f64,
    /// Most threads of this process.
    pub threads: u64,
    /// Most downloads at the same time.
    pub at_once: usize,
    /// Most memory of this process, KiB, if the kernel says it for this run alone.
    pub peak_kib: Option<u64>,
    /// The files in the order of their URLs.
    pub records: Vec<Record>,
}

/// What came of a file. Times are milliseconds from the beginning of the run.
#[derive(Debug, Clone, Serialize)]
pub struct Record {
    /// Its place among the URLs, from 0.
    pub number: usize,
    /// Where from.
    pub url: String,
    /// Where to.
    pub path: PathBuf,
    /// When the connection was begun.
    pub began_ms: f64,
    /// When the first byte of the file was there.
    pub first_byte_ms: Option<f64>,
    /// When it was complete, or had failed.
    pub ended_ms: f64,
    /// Bytes of content.
    pub bytes: u64,
    /// Why it is not there.
    pub error: Option<String>,
}

impl Plan {
    /// A file in `directory` for each URL. Two of one name become `name` and `name-2`.
    ///
    /// # Errors
    /// What sigaction(2) says.
    pub fn new(args: &DownloadArgs, urls: &[Url], directory: &Path) -> anyhow::Result<Plan> {
        let mut taken = BTreeSet::new();
        let jobs = urls.iter().map(|url| {
            let name = url.file_name();
            let free = (2..).map(|count| format!("{name}-{count}"));
            let name = std::iter::once(name.clone()).chain(free).find(|name| !taken.contains(name));
            let name = name.expect("there are more numbers than URLs");
            taken.insert(name.clone());
            Job { url: url.clone(), path: directory.join(name) }
        });
        Ok(Plan {
            jobs: jobs.collect(),
            at_once: args.at_once.into(),
            limit: args.limit,
            patience: args.patience,
            interrupted: common::support::interrupt::flag()?,
        })
    }

    /// Whether Ctrl-C was pressed.
    pub fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    /// Downloads all files in this mode.
    ///
    /// # Errors
    /// When no thread and no runtime can be made. A file that fails is in its [`Record`].
    pub fn run(&self, mode: Mode) -> anyhow::Result<Run> {
        let forgotten = fs::write("/proc/self/clear_refs", "5").is_ok(); // the peak so far: proc(5)
        let shared = Arc::new(Shared {
            jobs: self.jobs.clone(),
            limit: self.limit,
            patience: self.patience,
            interrupted: self.interrupted,
            screen: Screen::new(mode, self.jobs.len()),
            began: Instant::now(),
            next: AtomicUsize::new(0),
            busy: AtomicUsize::new(0),
            most_busy: AtomicUsize::new(0),
            most_threads: AtomicU64::new(0),
            records: Mutex::new(Vec::new()),
        });
        let workers = self.at_once.min(self.jobs.len());
        match mode {
            Mode::Sequential => blocking::one_after_another(&shared),
            Mode::Threads => blocking::in_threads(&shared, workers)?,
            Mode::Async => asynchronous::in_tasks(&shared, workers)?,
        }
        shared.screen.finish();
        let mut records = std::mem::take(&mut *shared.records.lock().unwrap_or_else(PoisonError::into_inner));
        records.sort_by_key(|record| record.number);
        let took_ms = records.iter().map(|record| record.ended_ms).fold(0.0, f64::max);
        Ok(Run {
            mode,
            took_ms,
            threads: shared.most_threads.load(Ordering::Relaxed),
            at_once: shared.most_busy.load(Ordering::Relaxed),
            peak_kib: status("VmHWM:").filter(|_| forgotten),
            records,
        })
    }
}

impl Shared {
    /// The number of the next file to fetch, for whoever is free: the queue of the manager and its workers.
    pub fn next(&self) -> Option<usize> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        (number < self.jobs.len()).then_some(number)
    }

    /// A download begins.
    pub fn begin(&self, number: usize) -> Record {
        let busy = self.busy.fetch_add(1, Ordering::Relaxed) + 1;
        self.most_busy.fetch_max(busy, Ordering::Relaxed);
        self.most_threads.fetch_max(status("Threads:").unwrap_or(0), Ordering::Relaxed);
        let job = &self.jobs[number];
        self.screen.begin(number, job);
        Record {
            number,
            url: job.url.to_string(),
            path: job.path.clone(),
            began_ms: self.now_ms(),
            first_byte_ms: None,
            ended_ms: 0.0,
            bytes: 0,
            error: None,
        }
    }

    /// It has ended, well or not.
    pub fn end(&self, mut record: Record, end: anyhow::Result<()>) {
        record.ended_ms = self.now_ms();
        record.error = end.err().map(|error| format!("{error:#}"));
        self.screen.end(&record);
        self.busy.fetch_sub(1, Ordering::Relaxed);
        self.records.lock().unwrap_or_else(PoisonError::into_inner).push(record);
    }

    /// A thread that has been joined is counted by the kernel a moment longer, and would be taken for one of the next run.
    pub fn await_threads(&self) {
        for _ in 0..100 {
            if status("Threads:").is_none_or(|threads| threads == 1) {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Milliseconds since the run began.
    pub fn now_ms(&self) -> f64 {
        self.began.elapsed().as_secs_f64() * 1e3
    }

    /// Whether Ctrl-C was pressed.
    pub fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }
}

impl Run {
    /// The files that are not there.
    pub fn failures(&self) -> impl Iterator<Item = &Record> {
        self.records.iter().filter(|record| record.error.is_some())
    }

    /// Bytes of content of all files.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.records.iter().map(|record| record.bytes).sum()
    }
}

/// A number from this process's status, proc(5).
fn status(field: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix(field))?.split_whitespace().next()?.parse().ok()
}
