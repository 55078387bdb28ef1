//! How a link's faults are written on a command line.
//!
//! ```text
//! probability   20%   0.2                     rate   10mbit   1.5MB/s   800kbit/s      (bits, or Bytes with a capital B)
//! chance        5%    5%:200ms
//! cut           up@2s..5s   down@#100..#200   both@10s..   up      (`#` counts datagrams; no end: for ever)
//! ```

use std::fmt;
use std::time::Duration;

use super::profile::{Blocked, Cut, Span};
use crate::support::cli::{duration, human};
use crate::support::size;

/// Reads a probability: a percentage, or a number from 0 to 1.
///
/// # Errors
/// A sentence for the user: no number, or beyond its bounds.
pub fn probability(text: &str) -> Result<f64, String> {
    let text = text.trim();
    let (number, scale) = match text.strip_suffix('%') {
        Some(number) => (number.trim_end(), 100.0),
        None => (text, 1.0),
    };
    let value =
        decimal(number).ok_or_else(|| format!("`{text}` is no probability; write 20% or 0.2"))? / scale;
    if value <= 1.0 {
        return Ok(value);
    }
    let hint = if scale > 1.0 { String::new() } else { format!(" (is it {number}% that is meant?)") };
    Err(format!("`{text}` is more than certain{hint}"))
}

/// Reads a probability and, after a colon, how long what happens takes: `5%:200ms`. Without it: [`probability`] alone.
///
/// # Errors
/// A sentence for the user about the part that is wrong.
pub fn chance(text: &str) -> Result<(f64, Option<Duration>), String> {
    match text.split_once(':') {
        Some((chance, time)) => Ok((probability(chance)?, Some(duration(time)?))),
        None => Ok((probability(text)?, None)),
    }
}

/// Reads a rate, as bytes per second: `10mbit`, `10mbit/s`, `800kbit`, `1gbit`, `1.5MB/s`, `500kB`.
///
/// # Errors
/// A sentence for the user: no number, an unknown unit, less than a byte per second.
pub fn rate(text: &str) -> Result<u64, String> {
    let unknown = || format!("`{text}` is not a rate; write 10mbit or 1.5MB/s");
    let plain = text.trim();
    let plain = plain.strip_suffix("/s").unwrap_or(plain);
    // Bits are told from bytes by their word: `Mbit`, as tc(8) has it, and a capital B for bytes.
    let lower = plain.to_ascii_lowercase();
    let rate = match lower.strip_suffix("bit") {
        Some(bits) => {
            let digits = bits.trim_end_matches(['k', 'm', 'g']);
            let scale = match &bits[digits.len()..] {
                "" => 1.0,
                "k" => 1e3,
                "m" => 1e6,
                "g" => 1e9,
                _ => return Err(unknown()),
            };
            decimal(digits.trim_end()).ok_or_else(unknown)? * scale / 8.0
        }
        None if plain.ends_with('B') => size::bytes(plain)? as f64,
        None => return Err(unknown()),
    };
    if (1.0..1e15).contains(&rate) { Ok(rate.round() as u64) } else { Err(unknown()) }
}

/// Reads a pulled cable: a way, and after an `@` from when to when. `up@2s..5s`, `both@10s..`, `down@#100..#200`, `up`.
///
/// # Errors
/// A sentence for the user about the part that is wrong.
pub fn cut(text: &str) -> Result<Cut, String> {
    let text = text.trim();
    let (way, span) = text.split_once('@').unwrap_or((text, "0.."));
    let blocked = match way.trim() {
        "up" => Blocked::Up,
        "down" => Blocked::Down,
        "both" => Blocked::Both,
        other => {
            return Err(format!("`{other}` is not a way; write up, down or both, for example up@2s..5s"));
        }
    };
    let (from, to) = span
        .split_once("..")
        .ok_or_else(|| format!("`{span}` is no span; write 2s..5s, 2s.. or #100..#200"))?;
    let (from, to) = (from.trim(), to.trim());
    let span = if from.starts_with('#') || to.starts_with('#') {
        let from = if from.is_empty() { 0 } else { index(from)? };
        Span::Index { from, to: optional(to, index)? }
    } else {
        let from = if from.is_empty() { Duration::ZERO } else { duration(from)? };
        Span::Time { from, to: optional(to, duration)? }
    };
    let is_empty = match span {
        Span::Time { from, to } => to.is_some_and(|to| to <= from),
        Span::Index { from, to } => to.is_some_and(|to| to <= from),
    };
    if is_empty { Err(format!("`{text}` ends before it begins")) } else { Ok(Cut { blocked, span }) }
}

/// As [`cut`] reads it.
impl fmt::Display for Cut {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = match self.blocked {
            Blocked::Up => "up",
            Blocked::Down => "down",
            Blocked::Both => "both",
        };
        let (from, to) = match self.span {
            Span::Time { from, to } => (human(from), to.map(human)),
            Span::Index { from, to } => (format!("#{from}"), to.map(|to| format!("#{to}"))),
        };
        write!(formatter, "{way}@{from}..{}", to.unwrap_or_default())
    }
}

fn index(text: &str) -> Result<u64, String> {
    let number = text.strip_prefix('#').and_then(|number| number.parse().ok());
    number.ok_or_else(|| format!("`{text}` is no datagram's number; write #100..#200"))
}

fn optional<T>(text: &str, read: impl FnOnce(&str) -> Result<T, String>) -> Result<Option<T>, String> {
    if text.is_empty() { Ok(None) } else { read(text).map(Some) }
}

/// A number in plain digits: no sign, no exponent, no `inf`, all of which `f64` would read.
fn decimal(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    text.parse().ok().filter(|_| plain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn probabilities_are_percentages_or_parts_of_one() {
        for (text, value) in
            [("20%", 0.2), ("0.2", 0.2), ("0", 0.0), ("1", 1.0), ("100 %", 1.0), (" 0.5% ", 0.005)]
        {
            assert_eq!(probability(text), Ok(value), "{text}");
        }
        for (text, hint) in [
            ("20", "is it 20% that is meant"),
            ("101%", "more than certain"),
            ("-1%", "no probability"),
            ("inf", "no probability"),
            ("1e-3", "no probability"),
            ("%", "no probability"),
        ] {
            assert!(probability(text).unwrap_err().contains(hint), "{text}");
        }
    }

    #[test]
    fn a_chance_may_say_for_how_long() {
        assert_eq!(chance("5%:200ms"), Ok((0.05, Some(Duration::from_millis(200)))));
        assert_eq!(chance("0.05"), Ok((0.05, None)));
        assert!(chance("5%:").is_err() && chance(":2s").is_err() && chance("5%:2").is_err());
    }

    #[test]
    fn rates_are_bits_by_word_and_bytes_by_capital() {
        for (text, bytes) in [
            ("10mbit", 1_250_000),
            ("10Mbit/s", 1_250_000),
            ("8bit", 1),
            ("800kbit", 100_000),
            ("1gbit/s", 125_000_000),
            ("1.5MB/s", 1_500_000),
            ("500 kB", 500_000),
            ("1MiB/s", 1_048_576),
        ] {
            assert_eq!(rate(text), Ok(bytes), "{text}");
        }
        for text in ["10", "mbit", "10mb/s", "0mbit", "10 parsec/s", "", "99999999999999GB/s"] {
            assert!(rate(text).is_err(), "{text}");
        }
    }

    #[test]
    fn cuts_have_a_way_and_a_span_of_time_or_datagrams() {
        let time = |from, to: Option<u64>| Span::Time { from: s(from), to: to.map(s) };
        for (text, blocked, span) in [
            ("up@2s..5s", Blocked::Up, time(2, Some(5))),
            ("both@10s..", Blocked::Both, time(10, None)),
            ("down", Blocked::Down, time(0, None)),
            ("down@..5s", Blocked::Down, time(0, Some(5))),
            ("down@#100..#200", Blocked::Down, Span::Index { from: 100, to: Some(200) }),
            ("up@#7..", Blocked::Up, Span::Index { from: 7, to: None }),
            ("up@..#3", Blocked::Up, Span::Index { from: 0, to: Some(3) }),
        ] {
            assert_eq!(cut(text), Ok(Cut { blocked, span }), "{text}");
        }
        for (text, hint) in [
            ("left@2s..5s", "is not a way"),
            ("up@2s", "is no span"),
            ("up@5s..2s", "ends before"),
            ("up@#5..#5", "ends before"),
            ("up@#5..7s", "no datagram's number"),
            ("up@2..5", "no unit"),
        ] {
            let error = cut(text).unwrap_err();
            assert!(error.contains(hint), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_a_parser_panic(text in ".*") {
            let _ = (probability(&text), chance(&text), rate(&text), cut(&text));
        }

        #[test]
        fn no_text_of_their_own_characters_does_either(text in "[0-9.#@:%a-zA-Z µ/-]{0,24}") {
            if let Ok(value) = probability(&text) {
                prop_assert!((0.0..=1.0).contains(&value));
            }
            if let Ok(rate) = rate(&text) {
                prop_assert!(rate >= 1);
            }
            let _ = (chance(&text), cut(&text));
        }

        #[test]
        fn what_is_written_is_read(percent in 0u32..=100, from in 0u64..1_000_000, length in 1u64..1_000_000) {
            let to = from + length;
            prop_assert_eq!(probability(&format!("{percent}%")), Ok(f64::from(percent) / 100.0));
            let span = Span::Index { from, to: Some(to) };
            prop_assert_eq!(cut(&format!("both@#{from}..#{to}")), Ok(Cut { blocked: Blocked::Both, span }));
            let ms = Duration::from_millis;
            let span = Span::Time { from: ms(from), to: Some(ms(to)) };
            prop_assert_eq!(cut(&format!("up@{from}ms..{to}ms")), Ok(Cut { blocked: Blocked::Up, span }));
            prop_assert_eq!(cut(&Cut { blocked: Blocked::Up, span }.to_string()), Ok(Cut { blocked: Blocked::Up, span }));
            prop_assert_eq!(rate(&format!("{length}kbit")), Ok(length * 125));
        }
    }
}
