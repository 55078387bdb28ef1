//! Sizes as they are written on a command line and shown to a reader: `100MiB`, `64k`, `4096`.

/// Reads a number of bytes: a number and a unit, where `k`, `M`, `G` (with or without `iB`) are powers of 1024 and `kB`,
/// `MB`, `GB` powers of 1000 (IEC 80000-13). For clap: `#[arg(value_parser = crate::size::bytes)]`.
///
/// # Errors
/// A sentence for the user: no number, an unknown unit, or more than 2^63 - 1 bytes, which no file can have.
pub fn bytes(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = (&text[..split], text[split..].trim_start());
    let number: f64 = number
        .parse()
        .map_err(|_| format!("`{text}` is not a size; write for example 4096, 64KiB or 1.5GiB"))?;
    let factor: f64 = match unit {
        "" | "B" => 1.0,
        "k" | "K" | "KiB" | "kiB" => 1024.0,
        "M" | "MiB" => 1024.0 * 1024.0,
        "G" | "GiB" => 1024.0 * 1024.0 * 1024.0,
        "kB" => 1e3,
        "MB" => 1e6,
        "GB" => 1e9,
        other => {
            return Err(format!(
                "`{other}` is not a unit of size; the units are KiB, MiB, GiB, kB, MB and GB"
            ));
        }
    };
    let size = (number * factor).round();
    if size < 2f64.powi(63) {
        Ok(size as u64)
    } else {
        Err(format!("`{text}` is more than any file can have"))
    }
}

/// Writes a number of bytes for a reader: `512 B`, `20.0 MiB`.
#[must_use]
pub fn human(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_in_every_unit() {
        for (text, size) in [
            ("0", 0),
            ("4096", 4096),
            ("64KiB", 65536),
            ("64k", 65536),
            ("1.5 GiB", 3 << 29),
            ("2MB", 2_000_000),
        ] {
            assert_eq!(bytes(text), Ok(size), "{text}");
        }
    }

    #[test]
    fn what_is_no_size_is_explained() {
        for (text, hint) in
            [("much", "is not a size"), ("-1", "is not a size"), ("3 pages", "not a unit"), ("9e9", "unit")]
        {
            assert!(bytes(text).unwrap_err().contains(hint), "{text}");
        }
        assert!(bytes("9999999999999999999G").unwrap_err().contains("more than"));
    }

    #[test]
    fn sizes_are_written_for_a_reader() {
        for (size, text) in
            [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (20 << 20, "20.0 MiB"), (3 << 29, "1.5 GiB")]
        {
            assert_eq!(human(size), text);
        }
    }
}
