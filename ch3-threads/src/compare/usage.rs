//! What a server uses while it runs: its whole tree of processes, looked at again and again in `/proc`.
//!
//! CPU time and context switches are exact, because the kernel adds them up when a process is waited for (see
//! `contestant`). Memory, threads and processes have no such sum: they are sampled, and a peak between two looks is
//! missed. Looking costs time that the server and the clients need, so it takes at most a tenth of one processor.

use std::fs;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// The shortest pause between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// The highest values seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Peak {
    /// Memory of all processes, KiB: private pages of each, and the file and shared pages of the largest (they are
    /// mostly the same pages in all of them).
    pub rss_kib: u64,
    /// Threads of all processes.
    pub threads: u64,
    /// Processes.
    pub processes: u64,
}

/// Looks at a process tree until it is told to stop.
pub struct Watcher {
    stop: Sender<()>,
    thread: JoinHandle<Peak>,
}

impl Watcher {
    /// Watches `root` and its descendants.
    pub fn start(root: u32) -> Watcher {
        let (stop, stopped) = channel();
        let thread = thread::spawn(move || {
            let mut peak = Peak::default();
            loop {
                let began = Instant::now();
                peak = peak.max(look(root));
                let pause = PAUSE.max(began.elapsed() * 10);
                if stopped.recv_timeout(pause) != Err(RecvTimeoutError::Timeout) {
                    return peak;
                }
            }
        });
        Watcher { stop, thread }
    }

    /// The highest values seen so far; the last look is taken now.
    pub fn finish(self, root: u32) -> Peak {
        let last = look(root);
        drop(self.stop);
        self.thread.join().map_or(last, |peak| peak.max(last))
    }
}

impl Peak {
    fn max(self, other: Peak) -> Peak {
        Peak {
            rss_kib: self.rss_kib.max(other.rss_kib),
            threads: self.threads.max(other.threads),
            processes: self.processes.max(other.processes),
        }
    }
}

/// One look at `root` and all its descendants.
fn look(root: u32) -> Peak {
    let mut sum = Peak::default();
    let mut largest_shared = 0;
    let mut to_visit = vec![root];
    while let Some(pid) = to_visit.pop() {
        // Whoever is gone between two reads is not counted.
        let Ok(status) = fs::read_to_string(format!("/proc/{pid}/status")) else { continue };
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse::<u64>().ok()
        };
        sum.processes += 1;
        sum.threads += field("Threads:").unwrap_or(0);
        sum.rss_kib += field("RssAnon:").unwrap_or(0);
        let shared = field("RssFile:").unwrap_or(0) + field("RssShmem:").unwrap_or(0);
        largest_shared = largest_shared.max(shared);
        to_visit.extend(children(pid));
    }
    sum.rss_kib += largest_shared;
    sum
}

/// The children of every thread of a process.
fn children(pid: u32) -> Vec<u32> {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    tasks
        .flatten()
        .filter_map(|task| fs::read_to_string(task.path().join("children")).ok())
        .flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn sees_this_process_and_its_threads() {
        let hold = Arc::new(std::sync::Barrier::new(2));
        let held = Arc::clone(&hold);
        let thread = thread::spawn(move || held.wait());
        let seen = look(std::process::id());
        hold.wait();
        thread.join().unwrap();
        assert!(seen.processes >= 1 && seen.threads >= 2 && seen.rss_kib > 100, "{seen:?}");
    }

    #[test]
    fn sees_its_children_too() {
        use std::process::{Command, Stdio};
        let mut cat = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let seen = look(std::process::id());
        drop(cat.stdin.take()); // its end of input
        cat.wait().unwrap();
        assert!(seen.processes >= 2, "{seen:?}");
    }
}
