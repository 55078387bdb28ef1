//! What the commands of every chapter share: how much is logged, how a duration is written and read, where output goes, and how a
//! program ends.

mod stdout;

use std::fs::OpenOptions;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use tracing::Level;

pub use stdout::{NobodyReads, Stdout, finish, stdout};

/// How much is logged, on stderr.
#[derive(Debug, Clone, Args)]
pub struct LogArgs {
    /// What is logged, on stderr: error, warn, info, debug or trace
    #[arg(long, global = true, value_name = "LEVEL", default_value = "info")]
    log: Level,
}

impl LogArgs {
    /// Starts logging.
    pub fn start(&self) {
        crate::support::log::start(self.log);
    }
}

/// Whether these files can be written: asked before a long run of which they are to tell. What is there stays as it is; what is not,
/// is not there afterwards either. Only plain files are looked at, since to open a pipe is to be heard at its other end.
///
/// # Errors
/// Which one cannot, and why.
pub fn writable<'a>(files: impl IntoIterator<Item = &'a PathBuf>) -> anyhow::Result<()> {
    for file in files {
        let exists = file.symlink_metadata().is_ok();
        if exists && !file.is_file() {
            continue;
        }
        let cannot = || format!("cannot write {}", file.display());
        OpenOptions::new().append(true).create(true).open(file).with_context(cannot)?;
        if !exists {
            std::fs::remove_file(file).with_context(cannot)?;
        }
    }
    Ok(())
}

/// Reads a duration as it is written on a command line: a number and a unit, `250us`, `500ms`, `1.5s`, `2m`.
///
/// A bare `0` needs no unit. For clap: `#[arg(value_parser = crate::support::cli::duration)]`.
///
/// # Errors
/// A sentence for the user: no number, no unit, an unknown unit, negative, or too long to be meant (over a year).
pub fn duration(text: &str) -> Result<Duration, String> {
    const UNITS: &str = "the units are us, ms, s and m, for example 500ms or 15s";
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = (&text[..split], text[split..].trim_start());
    if number.is_empty() {
        return Err(format!("`{text}` does not begin with a number; {UNITS}"));
    }
    let number: f64 = number.parse().map_err(|_| format!("`{number}` is not a number; {UNITS}"))?;
    let unit_s = match unit {
        "us" | "µs" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" | "min" => 60.0,
        "" if number == 0.0 => 1.0,
        "" => return Err(format!("`{text}` has no unit; {UNITS}")),
        other => return Err(format!("`{other}` is not a unit of time; {UNITS}")),
    };
    let seconds = number * unit_s;
    if seconds > 366.0 * 86_400.0 {
        return Err(format!("`{text}` is more than a year"));
    }
    // Rounded to whole nanoseconds, because 0.3 ms is not a binary fraction and should not print as 299999 ns.
    Ok(Duration::from_nanos((seconds * 1e9).round() as u64))
}

/// Writes a duration for a reader, in the unit that suits it and with at most three digits after the point:
/// `250us`, `1.5s`, `2m`. What it writes below an hour, [`duration`] reads back.
pub fn human(duration: Duration) -> String {
    let nanos = duration.as_nanos() as f64;
    let (value, unit) = match nanos {
        0.0 => return "0s".into(),
        n if n < 1e6 => (n / 1e3, "us"),
        n if n < 1e9 => (n / 1e6, "ms"),
        n if n < 120e9 || n % 60e9 != 0.0 => (n / 1e9, "s"),
        n => (n / 60e9, "m"),
    };
    let digits = format!("{value:.3}");
    format!("{}{unit}", digits.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_in_every_unit() {
        for (text, nanos) in [
            ("250us", 250_000),
            ("500ms", 500_000_000),
            ("0.3ms", 300_000),
            ("15s", 15_000_000_000),
            ("1.5 s", 1_500_000_000),
            ("2m", 120_000_000_000),
            ("0", 0),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_nanos(nanos)), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_explained() {
        for (text, hint) in [
            ("15", "no unit"),
            ("fast", "begin with a number"),
            ("-5s", "begin with a number"),
            ("", "begin with a number"),
            ("5 parsecs", "not a unit"),
            ("1.2.3s", "not a number"),
            ("99999999m", "more than a year"),
        ] {
            let error = duration(text).unwrap_err();
            assert!(error.contains(hint), "{text}: {error}");
        }
    }

    #[test]
    fn whether_a_file_can_be_written_is_asked_without_writing_it() {
        let folder = tempfile::tempdir().unwrap();
        let [there, not_there, nowhere] = ["a", "b", "no/c"].map(|name| folder.path().join(name));
        std::fs::write(&there, "kept").unwrap();
        writable([&there, &not_there, &"/dev/null".into(), &folder.path().into()]).unwrap();
        assert_eq!((std::fs::read_to_string(&there).unwrap().as_str(), not_there.exists()), ("kept", false));
        let error = writable([&there, &nowhere]).unwrap_err();
        assert_eq!(error.to_string(), format!("cannot write {}", nowhere.display()));
    }

    #[test]
    fn durations_are_written_as_they_are_read() {
        for text in ["0s", "250us", "1.5ms", "500ms", "15s", "16.5s", "90s", "2m"] {
            assert_eq!(human(duration(text).unwrap()), text);
        }
    }
}
