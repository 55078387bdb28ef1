//! How figures are written: three digits that count, a unit that fits, thousands apart.

use crate::support::count::count;

/// The space between thousands: narrow, and no line breaks at it.
const THIN: char = '\u{202f}';

/// Three significant digits, thousands apart: `0.043`, `8.12`, `61 200`.
pub(super) fn short(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() {
        return "–".into();
    }
    if size >= 1000.0 {
        let unit = 10f64.powi(size.log10().floor() as i32 - 2);
        return grouped(((value / unit).round() * unit).round());
    }
    let decimals = match size {
        _ if size < 0.000_5 => 0,
        _ if size < 1.0 => 3,
        _ if size < 10.0 => 2,
        _ if size < 100.0 => 1,
        _ => 0,
    };
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').into() } else { text }
}

/// A whole number with its thousands apart.
pub(super) fn grouped(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut text = String::new();
    if value < 0.0 {
        text.push('-');
    }
    for (index, digit) in digits.chars().enumerate() {
        // Four digits stand together: 1200, but 12 000.
        if index > 0 && digits.len() > 4 && (digits.len() - index).is_multiple_of(3) {
            text.push(THIN);
        }
        text.push(digit);
    }
    text
}

/// A whole number of things, its thousands apart: `1 client`, `12 000 clients`.
pub(super) fn counted(number: u64, noun: &str) -> String {
    count(number, noun).replacen(&number.to_string(), &grouped(number as f64), 1)
}

/// Two digits and a letter, for a narrow cell: `950`, `1.2k`, `61k`, `1.3M`.
pub(super) fn compact(value: f64) -> String {
    let (scaled, letter) = match value {
        _ if value >= 999_500.0 => (value / 1e6, "M"),
        _ if value >= 999.5 => (value / 1e3, "k"),
        _ => (value, ""),
    };
    if scaled < 9.95 && (!letter.is_empty() || scaled.fract() != 0.0) {
        format!("{scaled:.1}{letter}")
    } else {
        format!("{scaled:.0}{letter}")
    }
}

/// `[17k..19k]`: two digits, rounded outwards, so that what lies between them is seen to.
pub(super) fn interval(low: f64, high: f64) -> String {
    let unit = |value: f64| if value > 0.0 { 10f64.powf(value.log10().floor() - 1.0) } else { 1.0 };
    let outwards = |value: f64, round: fn(f64) -> f64| {
        let unit = unit(value);
        // What is whole already stays so: 4.9 / 0.1 is a little less than 49.
        let scaled = value / unit;
        let scaled = if (scaled - scaled.round()).abs() < 1e-9 { scaled.round() } else { round(scaled) };
        compact(scaled * unit)
    };
    format!("[{}..{}]", outwards(low, f64::floor), outwards(high, f64::ceil))
}

/// A length of time in the unit that suits it.
pub(super) fn millis(ms: f64) -> String {
    match ms {
        _ if ms == 0.0 => "0\u{a0}ms".into(),
        _ if ms < 0.1 => format!("{}\u{a0}µs", short(ms * 1000.0)),
        _ if ms < 0.995 => format!("{ms:.2}\u{a0}ms"),
        _ if ms < 10_000.0 => format!("{}\u{a0}ms", short(ms)),
        _ => format!("{}\u{a0}s", short(ms / 1000.0)),
    }
}

/// As `millis`, from microseconds.
pub fn micros(us: f64) -> String {
    if us < 1000.0 { format!("{}\u{a0}µs", short(us)) } else { millis(us / 1000.0) }
}

/// `2026-03-14 09:26 UTC` of the seconds since 1970.
///
/// Days to a date of the Gregorian calendar, counted in eras of 400 years that begin on a 1st of March, so that the
/// leap day is the last of its year.
pub(super) fn date(seconds: u64) -> String {
    let (days, of_day) = (seconds / 86_400 + 719_468, seconds % 86_400);
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!("{year}-{month:02}-{day:02} {:02}:{:02} UTC", of_day / 3600, of_day % 3600 / 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_count() {
        assert_eq!(short(0.0), "0");
        assert_eq!(short(0.0432), "0.043");
        assert_eq!(short(8.0), "8");
        assert_eq!(short(8.126), "8.13");
        assert_eq!(short(52.04), "52");
        assert_eq!(short(612.4), "612");
        assert_eq!(short(1234.0), "1230");
        assert_eq!(short(61_234.0), "61\u{202f}200");
    }

    #[test]
    fn narrow_cells() {
        assert_eq!(compact(5.0), "5");
        assert_eq!(compact(950.0), "950");
        assert_eq!(compact(1234.0), "1.2k");
        assert_eq!(compact(61_234.0), "61k");
        assert_eq!(compact(999_900.0), "1.0M");
        assert_eq!(interval(49.4, 49.6), "[49..50]");
        assert_eq!(interval(17_757.0, 17_757.0), "[17k..18k]");
        assert_eq!(interval(4.9, 30_000.0), "[4.9..30k]");
        assert_eq!(interval(0.0, 0.0), "[0..0]");
    }

    #[test]
    fn times_take_the_unit_that_suits_them() {
        assert_eq!(millis(0.042), "42\u{a0}µs");
        assert_eq!(millis(0.4312), "0.43\u{a0}ms");
        assert_eq!(millis(165.2), "165\u{a0}ms");
        assert_eq!(micros(4200.0), "4.2\u{a0}ms");
        assert_eq!(millis(15_000.0), "15\u{a0}s");
    }

    #[test]
    fn dates() {
        assert_eq!(date(0), "1970-01-01 00:00 UTC");
        assert_eq!(date(951_827_696), "2000-02-29 12:34 UTC");
    }
}
