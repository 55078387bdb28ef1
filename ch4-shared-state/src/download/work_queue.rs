//! The files that are still to be fetched, for workers that take the next one when they are free: threads, tasks, or one after
//! another. This is the queue between the manager and the workers of the notes.

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::args::Mode;
use super::record::{Job, Record, Run};
use super::screen::Screen;

/// How often a waiting worker looks whether Ctrl-C was pressed: a signal wakes only one thread of a process.
pub const TICK: Duration = Duration::from_millis(100);

/// The files of one run, and what came of those that are done.
pub struct WorkQueue {
    mode: Mode,
    /// The files.
    pub jobs: Vec<Job>,
    /// The largest file, bytes.
    pub limit: u64,
    /// How long a server may send nothing.
    pub timeout: Duration,
    /// Set by Ctrl-C.
    pub interrupted: &'static AtomicBool,
    /// The bars, or the log.
    pub screen: Screen,
    /// Whether the kernel has forgotten the highest memory use before this run.
    is_peak_ours: bool,
    began: Instant,
    next: AtomicUsize,
    busy: AtomicUsize,
    most_busy: AtomicUsize,
    most_threads: AtomicU64,
    records: Mutex<Vec<Record>>,
}

impl WorkQueue {
    /// All `jobs` are to be done.
    pub fn new(
        mode: Mode,
        jobs: Vec<Job>,
        limit: u64,
        timeout: Duration,
        interrupted: &'static AtomicBool,
    ) -> WorkQueue {
        WorkQueue {
            is_peak_ours: fs::write("/proc/self/clear_refs", "5").is_ok(), // proc(5)
            screen: Screen::new(mode, jobs.len()),
            mode,
            jobs,
            limit,
            timeout,
            interrupted,
            began: Instant::now(),
            next: AtomicUsize::new(0),
            busy: AtomicUsize::new(0),
            most_busy: AtomicUsize::new(0),
            most_threads: AtomicU64::new(0),
            records: Mutex::new(Vec::new()),
        }
    }

    /// The number of the next file to fetch, for the next free worker.
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

    /// What came of the run, once all workers have ended.
    pub fn finish(&self) -> Run {
        self.screen.finish();
        let mut records = std::mem::take(&mut *self.records.lock().unwrap_or_else(PoisonError::into_inner));
        records.sort_by_key(|record| record.number);
        Run {
            mode: self.mode,
            took_ms: records.iter().map(|record| record.ended_ms).fold(0.0, f64::max),
            threads: self.most_threads.load(Ordering::Relaxed),
            at_once: self.most_busy.load(Ordering::Relaxed),
            peak_kib: status("VmHWM:").filter(|_| self.is_peak_ours),
            records,
        }
    }
}

/// A number from this process's status, proc(5).
fn status(field: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix(field))?.split_whitespace().next()?.parse().ok()
}
