//! The rows as a JSON list, one row to a line, for those who compare comparisons.

use std::io;
use std::path::Path;

use super::data::Comparison;

/// The rows as a JSON list of objects, one to a line; the names are those of [`Row`](super::Row).
///
/// A figure that is no finite number is written as `null`.
pub fn json(comparison: &Comparison) -> String {
    let rows: Vec<String> = comparison
        .rows
        .iter()
        .map(|row| serde_json::to_string(row).expect("a row has only string keys and plain values"))
        .collect();
    if rows.is_empty() { "[]\n".into() } else { format!("[\n{}\n]\n", rows.join(",\n")) }
}

/// Writes [`json`] to a file.
///
/// # Errors
///
/// When the file cannot be written.
pub fn write_json(comparison: &Comparison, path: &Path) -> io::Result<()> {
    std::fs::write(path, json(comparison))
}
