//! What was to be reached, and whether it was.

use common::bench::Spread;
use serde::Serialize;

use super::results::{Results, Row, Table};

/// One goal.
#[derive(Debug, Serialize)]
pub struct Goal {
    /// In words.
    pub goal: String,
    /// What was found, in words.
    pub found: String,
    /// Whether it was met; `None`: it was not measured.
    pub met: Option<bool>,
}

/// A goal per line; those about parts that were not asked for are left out.
pub fn judge(results: &Results) -> Vec<Goal> {
    [
        ("bulk", "session", 5.0, "iperf3 UDP"),
        ("bulk", "session", 1.5, "quinn"),
        ("bulk", "session", 0.4, "iperf3 TCP"),
        ("bulk", "session", 0.4, "TCP"),
        ("bulk", "session, 1 % loss", 0.8, "session"),
        ("loss 5 %", "session", 10.0, "session, window 1"),
        ("loss 20 %", "session", 10.0, "session, window 1"),
        ("requests", "board", 0.8, "minimal echo"),
    ]
    .into_iter()
    .filter_map(|(table, one, factor, other)| at_least(results.table(table)?, one, factor, other))
    .collect()
}

/// The median of the ratios reaches the factor. "Faster" needs more: every round's ratio above 1.
fn at_least(table: &Table, one: &str, factor: f64, other: &str) -> Option<Goal> {
    let goal = format!("{}: {one} ≥ {factor} × {other}", table.name);
    let (own, others) = (table.row(one)?, table.row(other)?);
    let Some(ratio) = own.ratio_to(others) else {
        return Some(Goal { goal, found: why_not(&[own, others]), met: None });
    };
    let faster = factor <= 1.0 || ratio.min > 1.0;
    Some(Goal { goal, found: in_words(ratio), met: Some(ratio.median >= factor && faster) })
}

fn in_words(Spread { median, min, max }: Spread) -> String {
    format!("{median:.2} [{min:.2}..{max:.2}]")
}

fn why_not(rows: &[&Row]) -> String {
    rows.iter()
        .find_map(|row| Some(format!("{}: {}", row.name, row.skipped.as_ref()?)))
        .unwrap_or_else(|| "not measured".into())
}
