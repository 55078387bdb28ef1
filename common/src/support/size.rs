//! Sizes and rates: how they are written on a command line, and how they are shown.
//!
//! ```text
//!   k  kB     M  MB     G  GB      powers of 1000, as networks and disks are sold
//!   Ki KiB    Mi MiB    Gi GiB     powers of 1024 (IEC 80000-13)
//! ```
//!
//! Capitals make no difference. A reader is shown powers of 1000.

use bytesize::ByteSize;

/// The limit of [`up_to_1_tb`].
const TERABYTE: u64 = 1_000_000_000_000;

/// Reads a size in bytes. A bare number is bytes. For clap: `#[arg(value_parser = size::bytes)]`.
///
/// # Errors
/// A sentence for the user: no number, an unknown unit, or more than 2^63 - 1, which no file can have.
pub fn bytes(text: &str) -> Result<u64, String> {
    const UNITS: &str = "write for example 4096, 64kB (64 000), 64KiB (65 536), 1.5MB or 2GiB";
    let text = text.trim();
    // The crate also reads a sign.
    let read = text.parse().ok().filter(|_| text.starts_with(|first: char| first.is_ascii_digit()));
    let ByteSize(size) = read.ok_or_else(|| format!("`{text}` is not a size; {UNITS}"))?;
    if size > i64::MAX as u64 { Err(format!("`{text}` is more than any file can have")) } else { Ok(size) }
}

/// Reads a size as [`bytes()`] does, but at most 1 TB: more is not meant where the bytes are to be sent.
///
/// # Errors
/// As [`bytes()`], or more than 1 TB.
pub fn up_to_1_tb(text: &str) -> Result<u64, String> {
    match bytes(text)? {
        size if size > TERABYTE => Err(format!("`{text}` is more than 1 TB")),
        size => Ok(size),
    }
}

/// Reads the size of what is kept in memory, as [`up_to_1_tb`].
///
/// # Errors
/// As there.
pub fn in_memory(text: &str) -> Result<usize, String> {
    up_to_1_tb(text).map(|size| usize::try_from(size).unwrap_or(usize::MAX))
}

/// Reads a rate in bytes per second, from 1 to 1 TB/s: a size and, if you like, `/s`.
///
/// # Errors
/// As [`up_to_1_tb`], or a rate of nothing.
pub fn rate(text: &str) -> Result<u64, String> {
    match up_to_1_tb(text.trim().strip_suffix("/s").unwrap_or(text))? {
        0 => Err("a rate is at least 1 byte per second".into()),
        rate => Ok(rate),
    }
}

/// Writes a size for a reader: `128 B`, `2.00 MB`, `1.25 GB`.
#[must_use]
pub fn human(bytes: u64) -> String {
    format!("{:.2}", ByteSize(bytes).display().si())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn k_is_1000_and_ki_is_1024() {
        for (text, expected) in [
            ("0", 0),
            ("4096", 4096),
            ("64k", 64_000),
            ("64kB", 64_000),
            ("64Ki", 65_536),
            (" 64KiB ", 65_536),
            ("1.5 MB", 1_500_000),
            ("1.5 GiB", 3 << 29),
            ("2GB", 2_000_000_000),
        ] {
            assert_eq!(bytes(text), Ok(expected), "{text}");
        }
        assert_eq!((rate("4MB/s"), rate("4MB")), (Ok(4_000_000), Ok(4_000_000)));
    }

    #[test]
    fn what_is_no_size_is_explained() {
        for text in ["", "much", "-1", "+1", "3 parsecs", "9e9", "1.2.3k"] {
            let error = bytes(text).unwrap_err();
            assert!(error.contains("is not a size"), "{text}: {error}");
        }
        assert!(bytes("9999999999999999999G").unwrap_err().contains("more than any file"));
    }

    #[test]
    fn a_command_has_a_limit_of_its_own() {
        assert_eq!((bytes("2TB"), up_to_1_tb("1TB")), (Ok(2 * TERABYTE), Ok(TERABYTE)));
        assert!(up_to_1_tb("2000GB").unwrap_err().contains("1 TB"));
        assert!(rate("0/s").is_err() && rate("2TB/s").is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[0-9.kMGTiB /s+-]{0,24}|.*") {
            let _ = (bytes(&text), rate(&text));
        }
    }

    #[test]
    fn a_reader_is_shown_powers_of_1000() {
        for (size, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (65_536, "65.54 kB"),
            (2_000_000, "2.00 MB"),
            (1_250_000_000, "1.25 GB"),
        ] {
            assert_eq!(human(size), text);
        }
    }
}
