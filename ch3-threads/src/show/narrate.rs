//! The story of a demonstration: one line per event, with the time and the name of who says it.
//!
//! The notes' section "Logging debug" replaces `print` by a log whose every line names its thread. Ours names the
//! process as well, and keeps it short:
//!
//! ```text
//!     0.604 (Consumer    ) Queue is empty, waiting ...
//!     │      │             └ what happened
//!     │      └ the thread's name, or in a forked child the process's name
//!     └ seconds since the program started
//! ```
//!
//! Not `tracing`: a subscriber takes its thread name from the runtime, and after a fork every child is "main" to it.

use std::cell::RefCell;
use std::fmt;
use std::io::Write;
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use common::support::cli::within;
use nix::unistd::gettid;

static START: OnceLock<Instant> = OnceLock::new();
static PROCESS_NAME: OnceLock<String> = OnceLock::new();

/// Says one line of the story on stderr: `say!("Retrieved: {element}")`.
macro_rules! say {
    ($($line:tt)*) => { $crate::show::narrate::line(format_args!($($line)*)) };
}
pub(super) use say;

/// The times of the lecture notes, made shorter so that a demonstration takes seconds and not minutes.
#[derive(Args, Debug, Clone, Copy)]
pub struct Pace {
    /// What the lecture notes' seconds are multiplied by (1 = the notes' own pace, at most 10)
    #[arg(long, value_name = "FACTOR", default_value_t = 0.2, value_parser = within(0.0..=10.0), allow_negative_numbers = true)]
    time_scale: f64,
}

impl Pace {
    /// So many seconds of the notes, at this pace.
    pub fn seconds(self, of_the_notes: f64) -> Duration {
        Duration::from_secs_f64(of_the_notes * self.time_scale)
    }

    /// Says which pace this is.
    pub fn announce(self) {
        say!("time scale {}: one second of the notes takes {:?}", self.time_scale, self.seconds(1.0));
    }
}

/// Takes the moment that all times count from. A child forked later inherits it.
pub fn start_the_clock() {
    START.get_or_init(Instant::now);
}

/// Gives this process a name; only a freshly forked child does, because its main thread is "main" like its parent's.
pub fn name_this_process(name: &str) {
    // A child is named once, at birth; a second name would be ignored.
    let _ = PROCESS_NAME.set(name.to_owned());
}

/// Writes one line as one write(2), so that lines of several processes do not mix. What stderr refuses is dropped.
pub fn line(what: fmt::Arguments<'_>) {
    thread_local!(static LINE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) });
    let seconds = START.get_or_init(Instant::now).elapsed().as_secs_f64();
    LINE.with_borrow_mut(|line| {
        line.clear();
        let _ = writeln!(line, "{seconds:8.3} ({:<12}) {what}", name());
        let _ = std::io::stderr().write_all(line);
    });
}

/// The name in a line: of the thread if it has one, else what Python would call it, `Thread-<number>`.
fn name() -> String {
    match thread::current().name() {
        Some("main") => PROCESS_NAME.get().cloned().unwrap_or_else(|| "main".into()),
        Some(name) => name.to_owned(),
        None => format!("Thread-{}", gettid()),
    }
}
