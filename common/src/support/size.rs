//! Sizes and rates as they are written on a command line: `64KiB`, `2MB`, `4MB/s`.
//!
//! `kB`, `MB` and `GB` are powers of 1000, as networks and disks are sold; `KiB`, `MiB` and `GiB` are powers of 1024 (IEC 80000-13).

/// Reads a size in bytes. A bare number is bytes. For clap: `#[arg(value_parser = size::bytes)]`.
///
/// # Errors
/// A sentence for the user: no number, an unknown unit, or too large to be meant (over 1 TB).
pub fn bytes(text: &str) -> Result<u64, String> {
    const UNITS: &str = "the units are B, kB, MB, GB and KiB, MiB, GiB, for example 64KiB or 2MB";
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = (&text[..split], text[split..].trim_start());
    let number: f64 =
        number.parse().map_err(|_| format!("`{text}` does not begin with a number; {UNITS}"))?;
    let unit = match unit {
        "" | "B" => 1.0,
        "k" | "kB" | "KB" => 1e3,
        "M" | "MB" => 1e6,
        "G" | "GB" => 1e9,
        "Ki" | "KiB" => 1024.0,
        "Mi" | "MiB" => 1024.0 * 1024.0,
        "Gi" | "GiB" => 1024.0 * 1024.0 * 1024.0,
        other => return Err(format!("`{other}` is not a unit of size; {UNITS}")),
    };
    let bytes = (number * unit).round();
    if bytes > 1e12 { Err(format!("`{text}` is more than 1 TB")) } else { Ok(bytes as u64) }
}

/// Reads a rate in bytes per second, at least 1: a size and, if you like, `/s`.
///
/// # Errors
/// As [`bytes`], or a rate of nothing.
pub fn rate(text: &str) -> Result<u64, String> {
    match bytes(text.trim().strip_suffix("/s").unwrap_or(text))? {
        0 => Err("a rate is at least 1 byte per second".into()),
        rate => Ok(rate),
    }
}

/// Writes a size for a reader, in powers of 1000, three digits: `128 B`, `2 MB`, `1.25 GB`.
#[must_use]
pub fn human(bytes: u64) -> String {
    let (value, unit) = match bytes {
        0..1_000 => return format!("{bytes} B"),
        1_000..1_000_000 => (bytes as f64 / 1e3, "kB"),
        1_000_000..1_000_000_000 => (bytes as f64 / 1e6, "MB"),
        _ => (bytes as f64 / 1e9, "GB"),
    };
    let decimals = if value < 10.0 { 2 } else { usize::from(value < 100.0) };
    let digits = format!("{value:.decimals$}");
    let digits = if decimals > 0 { digits.trim_end_matches('0').trim_end_matches('.') } else { &digits };
    format!("{digits} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_rates_are_read_in_every_unit() {
        for (text, expected) in
            [("0", 0), ("512", 512), ("64KiB", 65_536), ("1.5 MB", 1_500_000), ("2GiB", 2 << 30)]
        {
            assert_eq!(bytes(text), Ok(expected), "{text}");
        }
        assert_eq!((rate("4MB/s"), rate("4MB")), (Ok(4_000_000), Ok(4_000_000)));
    }

    #[test]
    fn what_is_no_size_is_explained() {
        for (text, hint) in
            [("much", "begin with a number"), ("", "number"), ("3 parsecs", "not a unit"), ("2000GB", "1 TB")]
        {
            let error = bytes(text).unwrap_err();
            assert!(error.contains(hint), "{text}: {error}");
        }
        assert!(rate("0/s").is_err());
    }

    #[test]
    fn sizes_are_written_for_readers() {
        for (size, text) in
            [(0, "0 B"), (999, "999 B"), (2_000_000, "2 MB"), (1_250_000_000, "1.25 GB"), (800_000, "800 kB")]
        {
            assert_eq!(human(size), text);
        }
    }
}
