//! How far something is that takes a while: a bar on a terminal, and elsewhere a line on stderr now and then.
//!
//! ```text
//!   terminal     sending [========>          ] 60 MB/150 MB 12 MB/s, 7s left
//!   a file       sending: 60.00 MB of 150.00 MB, 40 %, 5s so far             every 5 s
//! ```
//!
//! What is done within the first 5 s writes nothing into a file: a log is no place for what nobody waits for.

use std::io::{IsTerminal, stderr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::support::cli::human;
use crate::support::{log, size, terminal};

/// How often a line is written where no bar can be.
pub const EVERY: Duration = Duration::from_secs(5);

/// What is shorter is over before anyone has read the bar.
const WORTH_A_BAR: u64 = 1 << 20;

/// Shown on stderr until it is dropped.
#[derive(Debug)]
pub struct Progress {
    done: u64,
    shown: Shown,
}

#[derive(Debug)]
enum Shown {
    Nothing,
    Bar(ProgressBar),
    Lines(Lines),
}

impl Progress {
    /// For so many bytes.
    #[must_use]
    pub fn of_bytes(what: &str, total: u64) -> Progress {
        let what = terminal::line(what).into_owned();
        let shown = if !stderr().is_terminal() {
            Shown::Lines(Lines { what, total, began: Instant::now(), lines: 0 })
        } else if total < WORTH_A_BAR {
            Shown::Nothing
        } else {
            let template =
                "{msg} [{bar:40}] {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec}, {eta} left";
            let style = ProgressStyle::with_template(template).expect("the template is right");
            Shown::Bar(ProgressBar::new(total).with_style(style.progress_chars("=> ")).with_message(what))
        };
        Progress { done: 0, shown }
    }

    /// So many of them are done.
    pub fn at(&mut self, done: u64) {
        self.done = done;
        match &mut self.shown {
            Shown::Nothing => {}
            Shown::Bar(bar) => bar.set_position(done),
            Shown::Lines(lines) => {
                if let Some(line) = lines.due(lines.began.elapsed(), done) {
                    log::line(line);
                }
            }
        }
    }

    /// So many more are done.
    pub fn advance(&mut self, by: u64) {
        self.at(self.done + by);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Shown::Bar(bar) = &self.shown {
            bar.finish_and_clear();
        }
    }
}

/// The lines, without a clock.
#[derive(Debug)]
struct Lines {
    what: String,
    total: u64,
    began: Instant,
    /// How many times [`EVERY`] have been told of.
    lines: u32,
}

impl Lines {
    /// The line that is due after so long; one, also when several were.
    fn due(&mut self, after: Duration, done: u64) -> Option<String> {
        let lines = u32::try_from(after.as_millis() / EVERY.as_millis()).unwrap_or(u32::MAX);
        if lines <= self.lines {
            return None;
        }
        self.lines = lines;
        let percent = 100 * u128::from(done) / u128::from(self.total.max(1));
        let [done, total] = [done, self.total].map(size::human);
        let after = human(Duration::from_secs(after.as_secs()));
        Some(format!("{}: {done} of {total}, {percent} %, {after} so far", self.what))
    }
}

/// When the next line is due, for a program whose bar is a thing of its own.
#[derive(Debug)]
pub struct Due {
    next_ms: AtomicU64,
}

impl Default for Due {
    fn default() -> Due {
        Due { next_ms: AtomicU64::new(EVERY.as_millis() as u64) }
    }
}

impl Due {
    /// Whether it is time for a line, so long after the beginning. Of several threads that ask, one is told.
    pub fn is_due(&self, since_start: Duration) -> bool {
        let now = since_start.as_millis() as u64;
        let next = self.next_ms.load(Ordering::Relaxed);
        let following = now + EVERY.as_millis() as u64;
        let (order, failed) = (Ordering::Relaxed, Ordering::Relaxed);
        now >= next && self.next_ms.compare_exchange(next, following, order, failed).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_comes_every_five_seconds_and_not_before() {
        let mut lines = Lines { what: "sending".into(), total: 150_000_000, began: Instant::now(), lines: 0 };
        let mut at = |milliseconds, done| lines.due(Duration::from_millis(milliseconds), done);
        assert_eq!(at(0, 0), None);
        assert_eq!(at(4_999, 50_000_000), None);
        assert_eq!(at(5_001, 60_000_000), Some("sending: 60.00 MB of 150.00 MB, 40 %, 5s so far".into()));
        assert_eq!(at(9_999, 70_000_000), None);
        assert_eq!(at(31_500, 80_000_000), Some("sending: 80.00 MB of 150.00 MB, 53 %, 31s so far".into()));
        assert_eq!(at(34_999, 90_000_000), None, "what was missed is not made up for");
        assert!(at(35_000, u64::MAX).is_some());
        let mut none = Lines { what: String::new(), total: 0, began: Instant::now(), lines: 0 };
        assert!(none.due(EVERY, 0).is_some());
    }

    #[test]
    fn a_line_is_due_every_five_seconds_and_not_at_once() {
        let progress = Due::default();
        let due: Vec<u64> =
            (0..200).filter(|tenth| progress.is_due(Duration::from_millis(100 * tenth))).collect();
        assert_eq!(due, [50, 100, 150]);
        assert!(progress.is_due(Duration::from_secs(100)) && !progress.is_due(Duration::from_secs(104)));
    }
}
