//! How far a long run is: a bar on a terminal, and now and then a line where standard error is none (a file, a pipe, CI).

use std::io::{IsTerminal, stderr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use clap::Args;
use common::support::cli::duration_within;
use indicatif::{ProgressBar, ProgressStyle};

/// How often there is a line.
#[derive(Args, Debug, Clone, Copy)]
pub struct ProgressArgs {
    /// Where standard error is no terminal: say how far it is, at most once in this time
    #[arg(long = "progress", value_name = "TIME", default_value = "5s",
          value_parser = duration_within(Duration::from_millis(100)..=Duration::from_secs(86_400)))]
    every: Duration,
}

/// The bar, or the lines.
pub struct Progress {
    /// Hidden where there are lines.
    pub bar: ProgressBar,
    lines: Option<Lines>,
}

/// When there was a line, and how often there is one.
struct Lines {
    every: Duration,
    last: Mutex<Instant>,
}

impl Progress {
    /// A bar with this template, or lines.
    #[must_use]
    pub fn new(args: ProgressArgs, template: &str) -> Progress {
        let bar = ProgressBar::new(0); // hides itself where stderr is no terminal
        bar.set_style(
            ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        let lines = (!stderr().is_terminal()).then(|| Lines::new(args.every, Instant::now()));
        Progress { bar, lines }
    }

    /// Neither.
    #[must_use]
    pub fn none() -> Progress {
        Progress { bar: ProgressBar::hidden(), lines: None }
    }

    /// Says `how_far` it is, if it is time for a line.
    pub fn tell(&self, how_far: impl FnOnce() -> String) {
        if self.lines.as_ref().is_some_and(|lines| lines.is_due(Instant::now())) {
            tracing::info!("{}", how_far());
        }
    }
}

impl Lines {
    /// The first line comes when the time is over for the first time: a short run has none.
    fn new(every: Duration, now: Instant) -> Lines {
        Lines { every, last: Mutex::new(now) }
    }

    fn is_due(&self, now: Instant) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let due = now.saturating_duration_since(*last) >= self.every;
        if due {
            *last = now;
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_at_most_one_line_in_the_time() {
        let (began, second) = (Instant::now(), Duration::from_secs(1));
        let lines = Lines::new(10 * second, began);
        let due: Vec<u32> = (0..35).filter(|&at| lines.is_due(began + at * second)).collect();
        assert_eq!(due, [10, 20, 30]);
    }
}
