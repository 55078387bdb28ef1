//! The rows as a JSON list, one row to a line, for those who compare comparisons.

use std::io;
use std::path::Path;

use serde::Serialize;

use super::data::{Comparison, Row};

/// A row that was skipped: nothing was measured, and every figure is `null`.
#[derive(Serialize)]
struct Skipped<'a> {
    scenario: &'a str,
    model: &'a str,
    service: &'a str,
    about: &'a str,
    clients: (),
    served: (),
    gave_up: (),
    refused: (),
    lost: (),
    wrong: (),
    requests: (),
    unanswered: (),
    never_sent: (),
    wait_ms: (),
    latency_us: (),
    throughput_per_s: (),
    server: (),
    repetitions: (),
    seed: u64,
    skipped: &'a str,
    foreign: (),
    spread: (),
    runs: (),
    latency_curve: (),
}

/// The rows as a JSON list of objects, one to a line; the names are those of [`Row`](super::Row).
///
/// A figure that was not measured, or is no finite number, is written as `null`.
pub fn json(comparison: &Comparison) -> String {
    let rows: Vec<String> = comparison.rows.iter().map(object).collect();
    if rows.is_empty() { "[]\n".into() } else { format!("[\n{}\n]\n", rows.join(",\n")) }
}

fn object(row: &Row) -> String {
    let Row { scenario, model, service, about, seed, .. } = row;
    let text = match &row.skipped {
        None => serde_json::to_string(row),
        Some(skipped) => serde_json::to_string(&Skipped {
            scenario,
            model,
            service,
            about,
            clients: (),
            served: (),
            gave_up: (),
            refused: (),
            lost: (),
            wrong: (),
            requests: (),
            unanswered: (),
            never_sent: (),
            wait_ms: (),
            latency_us: (),
            throughput_per_s: (),
            server: (),
            repetitions: (),
            seed: *seed,
            skipped,
            foreign: (),
            spread: (),
            runs: (),
            latency_curve: (),
        }),
    };
    text.expect("a row has only string keys and plain values")
}

/// Writes [`json`] to a file.
///
/// # Errors
///
/// When the file cannot be written.
pub fn write_json(comparison: &Comparison, path: &Path) -> io::Result<()> {
    std::fs::write(path, json(comparison))
}
