//! How a duration is read and written.

use std::time::Duration;

use humantime::DurationError;

/// Reads a duration as it is written on a command line: numbers and units, `250us`, `500ms`, `1.5s`, `2m`, `1h 30m`.
///
/// A bare `0` needs no unit. For clap: `#[arg(value_parser = crate::support::cli::duration)]`.
///
/// # Errors
/// A sentence for the user: no number, no unit, an unknown unit, negative, or too long to be meant (over a year).
pub fn duration(text: &str) -> Result<Duration, String> {
    const UNITS: &str = "the units are us, ms, s, m and h, for example 500ms or 15s";
    let text = text.trim();
    if text.contains('M') {
        return Err(format!("`M` is a month, and a minute is `m`; {UNITS}"));
    }
    match humantime::parse_duration(text) {
        Ok(duration) if duration > Duration::from_secs(366 * 86_400) => {
            Err(format!("`{text}` is more than a year"))
        }
        Ok(duration) => Ok(duration),
        Err(DurationError::UnknownUnit { unit, .. }) if unit.is_empty() => {
            Err(format!("`{text}` has no unit; {UNITS}"))
        }
        Err(DurationError::UnknownUnit { unit, .. }) => {
            Err(format!("`{unit}` is not a unit of time; {UNITS}"))
        }
        Err(DurationError::NumberOverflow) => {
            Err(format!("`{text}` is more than a year, or finer than a nanosecond"))
        }
        Err(_) => Err(format!("`{text}` is not a duration; {UNITS}")),
    }
}

/// Writes a duration for a reader, in the unit that suits it and with at most three digits after the point:
/// `250us`, `1.5s`, `2m`, `24h`. [`duration`] reads it back. By hand, because a table wants `1.5s` where humantime writes `1s 500ms`.
pub fn human(duration: Duration) -> String {
    let mut nanos = duration.as_nanos();
    loop {
        let (unit, name) = match nanos {
            0 => return "0s".into(),
            1..1_000_000 => (1_000, "us"),
            1_000_000..1_000_000_000 => (1_000_000, "ms"),
            172_800_000_000_000.. if nanos.is_multiple_of(86_400_000_000_000) => (86_400_000_000_000, "d"),
            7_200_000_000_000.. if nanos.is_multiple_of(3_600_000_000_000) => (3_600_000_000_000, "h"),
            120_000_000_000.. if nanos.is_multiple_of(60_000_000_000) => (60_000_000_000, "m"),
            _ => (1_000_000_000, "s"),
        };
        let thousandths = (nanos * 1000 + unit / 2) / unit;
        let rounded = thousandths * unit / 1000;
        if rounded == nanos {
            let digits = format!("{}.{:03}", thousandths / 1000, thousandths % 1000);
            return format!("{}{name}", digits.trim_end_matches('0').trim_end_matches('.'));
        }
        nanos = rounded; // 999.9996ms is 1s, and 119.9999s is 2m
    }
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
            ("1h 30m", 5_400_000_000_000),
            ("0", 0),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_nanos(nanos)), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_explained() {
        for (text, hint) in [
            ("15", "has no unit"),
            ("fast", "is not a duration"),
            ("-5s", "is not a duration"),
            ("", "is not a duration"),
            ("5 parsecs", "is not a unit"),
            ("1.2.3s", "is not a duration"),
            ("1e3s", "is not a unit"),
            ("5M", "a minute"),
            ("99999999m", "more than a year"),
            ("99999999999999999999s", "more than a year"),
            ("0.1234us", "finer than"),
        ] {
            let error = duration(text).unwrap_err();
            assert!(error.contains(hint), "{text}: {error}");
        }
    }

    #[test]
    fn durations_are_written_as_they_are_read() {
        for text in [
            "0s", "0.001us", "250us", "1.5ms", "500ms", "15s", "16.5s", "90s", "2m", "7261s", "61m", "2h",
            "121m", "24h", "36h", "2d", "49h",
        ] {
            assert_eq!(human(duration(text).unwrap()), text);
        }
        for (text, rounded) in
            [("999.9996ms", "1s"), ("119.9999s", "2m"), ("10m 3us", "10m"), ("1.2346ms", "1.235ms")]
        {
            assert_eq!(human(duration(text).unwrap()), rounded);
        }
    }
}
