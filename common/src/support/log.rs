//! Log lines as in the notes: local time with its zone, name of the thread or process, level, message. They go to stderr; results
//! go to stdout.
//!
//! ```text
//! 12:07:28.238+01:00 (worker-1) INFO New client connected from 127.0.0.1:42769
//! ```
//!
//! What a peer has said may stand in a line, so it goes through [`terminal::line`]: one event is one line, and no terminal obeys it.
//! A line that cannot be written (the reader of a pipe has gone, the disk is full) is lost, and nothing else happens.

use std::fmt;
use std::io::{self, Write};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use crate::core::worker_name::worker_name;
use crate::support::terminal;

/// Libraries that log for their own developers, each call of a procedure on several lines: shown with `trace`. Below it their spans
/// cost nothing.
const LIBRARIES: [&str; 2] = ["lapin", "tarpc"];

/// Starts logging: everything of `level` and above, for this process and those forked from it.
pub fn start(level: Level) {
    // Read once: later there may be no descriptor for the zone's file.
    let lines = Lines { zone: TimeZone::system() };
    // A second call (in a test, say) changes nothing.
    let _ = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(|| LossyStderr)
        .log_internal_errors(false) // they are written with eprintln!, which panics where stderr cannot be written
        .with_ansi(false)
        .event_format(lines)
        .finish()
        .with(filter_fn(move |about| level >= Level::TRACE || !LIBRARIES.contains(&crate_of(about.target()))))
        .try_init();
}

/// Writes a line to stderr, or several, with the words of a peer made harmless. A line that cannot be written is lost; `eprintln!`
/// would panic.
pub fn line(line: impl fmt::Display) {
    let mut shown = String::new();
    for line in line.to_string().split('\n') {
        shown.push_str(&terminal::line(line));
        shown.push('\n');
    }
    let _ = io::stderr().write_all(shown.as_bytes());
}

/// The crate that speaks: the first part of a path.
fn crate_of(target: &str) -> &str {
    target.split("::").next().unwrap_or(target)
}

/// Standard error, for a subscriber that makes a noise about errors.
struct LossyStderr;

impl Write for LossyStderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = io::stderr().write_all(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Lines {
    zone: TimeZone,
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let now = Timestamp::now().to_zoned_datetime(self.zone.clone());
        write!(writer, "{} ({}) ", now.strftime("%H:%M:%S%.3f%:z"), worker_name())?;
        write!(writer, "{} ", event.metadata().level())?;
        let mut message = String::new();
        context.format_fields(Writer::new(&mut message), event)?;
        writeln!(writer, "{}", terminal::line(&message))
    }
}
