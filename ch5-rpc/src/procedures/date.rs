//! `dateTime.iso8601`: `19980717T14:08:55`, and what other programs write instead.
//!
//! ```text
//!   19980717T14:08:55      the only form that the specification shows, without a time zone
//!   1998-07-17T14:08:55.25+02:00   with dashes, a fraction and a zone (or Z): taken as well
//! ```
//!
//! It is kept as it came: to turn one form into another would guess a time zone.

/// Whether it is one.
#[must_use]
pub fn is_date(text: &str) -> bool {
    parse(text.as_bytes()).is_some()
}

fn parse(text: &[u8]) -> Option<()> {
    let mut rest = text;
    let year = number(&mut rest, 4)?;
    let has_dashes = skip(&mut rest, b'-');
    let month = number(&mut rest, 2)?;
    if has_dashes != skip(&mut rest, b'-') {
        return None;
    }
    let day = number(&mut rest, 2)?;
    let is_begun = skip(&mut rest, b'T');
    let hour = number(&mut rest, 2)?;
    let has_colons = skip(&mut rest, b':');
    let minute = number(&mut rest, 2)?;
    if !is_begun || has_colons != skip(&mut rest, b':') {
        return None;
    }
    let second = number(&mut rest, 2)?;
    if skip(&mut rest, b'.') {
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        rest = &rest[digits..];
        if digits == 0 || digits > 9 {
            return None;
        }
    }
    zone(rest)?;
    let is_possible =
        (1..=12).contains(&month) && (1..=days(year, month)).contains(&day) && hour < 24 && minute < 60;
    (is_possible && second <= 60).then_some(()) // 60 is a leap second
}

fn days(year: u32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Nothing, `Z`, `+hh:mm` or `+hhmm`.
fn zone(mut rest: &[u8]) -> Option<()> {
    if matches!(rest, b"" | b"Z") {
        return Some(());
    }
    if !skip(&mut rest, b'+') && !skip(&mut rest, b'-') {
        return None;
    }
    let hours = number(&mut rest, 2)?;
    skip(&mut rest, b':');
    let minutes = number(&mut rest, 2)?;
    (rest.is_empty() && hours < 24 && minutes < 60).then_some(())
}

fn number(rest: &mut &[u8], digits: usize) -> Option<u32> {
    let (number, after) = rest.split_at_checked(digits)?;
    *rest = after;
    number.iter().try_fold(0, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + u32::from(byte - b'0')))
}

fn skip(rest: &mut &[u8], byte: u8) -> bool {
    let is_there = rest.first() == Some(&byte);
    if is_there {
        *rest = &rest[1..];
    }
    is_there
}

#[cfg(test)]
mod tests {
    use super::is_date;

    #[test]
    fn the_forms_that_programs_write() {
        for date in [
            "19980717T14:08:55",
            "00010101T00:00:00",
            "1998-07-17T14:08:55",
            "1998-07-17T14:08:55Z",
            "20240229T235960.123456+0200",
            "2024-02-29T23:59:59-11:30",
        ] {
            assert!(is_date(date), "{date}");
        }
        for other in [
            "",
            "19980717",
            "19980717 14:08:55",
            "1998-0717T14:08:55",
            "19980717T14:0855",
            "19980732T14:08:55",
            "19981317T14:08:55",
            "20230229T14:08:55",
            "19000229T14:08:55",
            "19980717T24:08:55",
            "19980717T14:08:61",
            "19980717T14:08:55.",
            "19980717T14:08:55z",
            "19980717T14:08:55+2",
            "+9980717T14:08:55",
            "１9980717T14:08:55",
        ] {
            assert!(!is_date(other), "{other}");
        }
    }
}
