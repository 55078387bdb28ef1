//! Log lines as in the notes: time, name of the thread or process, level, message. They go to stderr; results go to
//! stdout.
//!
//! ```text
//! 12:07:28.238 (worker-1) INFO New client connected from 127.0.0.1:42769
//! ```

use std::cell::RefCell;
use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

thread_local! {
    static NAME: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Starts logging: everything of `level` and above, for this process and those forked from it.
pub fn start(level: Level) {
    // A second call (in a test, say) changes nothing.
    let _ = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .event_format(Lines)
        .try_init();
}

/// The name under which this thread logs, when its own is not the right one: in a process just forked, say.
pub fn name_worker(name: &str) {
    NAME.set(Some(name.to_owned()));
}

/// Logs under another name for the length of `speak`: for one who speaks for many, as the simulator for its clients.
pub fn speak_as(name: &str, speak: impl FnOnce()) {
    let before = NAME.replace(Some(name.to_owned()));
    speak();
    NAME.set(before);
}

/// The name under which this thread logs.
#[must_use]
pub fn worker_name() -> String {
    NAME.with_borrow(Clone::clone)
        .unwrap_or_else(|| std::thread::current().name().unwrap_or("unnamed").to_owned())
}

struct Lines;

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
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let (seconds, millis) = (now.as_secs(), now.subsec_millis());
        let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
        write!(writer, "{hour:02}:{minute:02}:{second:02}.{millis:03} ({}) ", worker_name())?;
        write!(writer, "{} ", event.metadata().level())?;
        context.format_fields(writer.by_ref(), event)?;
        writeln!(writer)
    }
}
