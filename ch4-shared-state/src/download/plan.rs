//! What is downloaded to where, and the run that does it.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::protocol::http::Url;

use super::args::{DownloadArgs, Mode};
use super::record::{Job, Run};
use super::work_queue::WorkQueue;
use super::{asynchronous, blocking};

/// The files of one run, and how they are fetched.
pub struct Plan {
    /// One per URL, in their order.
    pub jobs: Vec<Job>,
    at_once: usize,
    limit: u64,
    timeout: Duration,
    interrupted: &'static AtomicBool,
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
            timeout: args.patience,
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
        let queue =
            Arc::new(WorkQueue::new(mode, self.jobs.clone(), self.limit, self.timeout, self.interrupted));
        let workers = self.at_once.min(self.jobs.len());
        match mode {
            Mode::Sequential => blocking::one_after_another(&queue),
            Mode::Threads => blocking::in_threads(&queue, workers)?,
            Mode::Async => asynchronous::in_tasks(&queue, workers)?,
        }
        Ok(queue.finish())
    }
}
