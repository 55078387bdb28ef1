//! The figures of a scenario as columns: one unit and one number of decimals to a column, and no column without a figure.

use super::data::{Percentiles, Row};
use super::number::interval;
use crate::support::statistics::median;

/// One column: what it shows, and a cell per row.
pub(super) struct Column {
    /// What several columns have in common (`wait`), or the first word of a lone one.
    pub group: &'static str,
    /// The rest of the heading, with its unit.
    pub head: String,
    /// A cell per row, without padding; empty where the row has no such figure.
    pub cells: Vec<String>,
}

/// The columns of these rows. All are numbers, except `range`.
pub(super) fn columns(rows: &[&Row]) -> Vec<Column> {
    let mut columns = Vec::new();
    columns.extend(counted("", "served", rows, |row| row.served, true));
    columns.extend(counted("gave", "up", rows, |row| row.gave_up, false));
    columns.extend(counted("re-", "fused", rows, |row| row.refused, false));
    columns.extend(counted("", "lost", rows, |row| row.lost, false));
    columns.extend(counted("", "wrong", rows, |row| row.wrong, false));
    let wait = |point: fn(Percentiles) -> f64| {
        move |row: &Row| row.wait_ms.map(|percentiles| point(percentiles) * 1000.0)
    };
    columns.extend(timed("wait", "p50", rows, wait(|wait| wait.p50), true));
    columns.extend(timed("wait", "max", rows, wait(|wait| wait.max), true));
    let latency = |point: fn(Percentiles) -> f64| move |row: &Row| row.latency_us.map(point);
    // Where each client asks once, its wait is its latency: a column that repeats another is left out.
    let repeats = |columns: &[Column], new: &Column| {
        columns.iter().any(|old| old.head == new.head && old.cells == new.cells)
    };
    for latency in [
        timed("latency", "p50", rows, latency(|latency| latency.p50), false),
        timed("latency", "p99", rows, latency(|latency| latency.p99), false),
        timed("latency", "max", rows, latency(|latency| latency.max), false),
    ] {
        columns.extend(latency.filter(|column| !repeats(&columns, column)));
    }
    columns.extend(measured("through-", "put/s".into(), rows, |row| {
        (row.throughput_per_s > 0.0).then_some(row.throughput_per_s)
    }));
    columns.extend(range(rows));
    columns.extend(measured("CPU", "ms".into(), rows, |row| Some(row.server.cpu_ms)));
    columns.extend(measured("mem", "MiB".into(), rows, |row| {
        (row.server.peak_rss_kib > 0).then_some(row.server.peak_rss_kib as f64 / 1024.0)
    }));
    columns.extend(counted("", "threads", rows, |row| row.server.threads, true));
    columns.extend(counted("proc-", "esses", rows, |row| row.server.processes, true));
    columns.extend(counted("context", "switches", rows, |row| row.server.context_switches, true));
    columns
}

/// Counts; a column of zeros is left out unless `always`.
fn counted(
    group: &'static str,
    head: &'static str,
    rows: &[&Row],
    figure: impl Fn(&Row) -> u64,
    always: bool,
) -> Option<Column> {
    let wanted = always || rows.iter().any(|row| row.skipped.is_none() && figure(row) > 0);
    let cells =
        rows.iter().map(|row| if row.skipped.is_none() { figure(row).to_string() } else { String::new() });
    wanted.then(|| Column { group, head: head.into(), cells: cells.collect() })
}

/// Times, given in microseconds: in milliseconds where most of the column is large, or where they always are.
fn timed(
    group: &'static str,
    head: &'static str,
    rows: &[&Row],
    figure: impl Fn(&Row) -> Option<f64>,
    always_ms: bool,
) -> Option<Column> {
    let of_measured = rows.iter().filter(|row| row.skipped.is_none()).filter_map(|row| figure(row));
    let large = median(of_measured).is_some_and(|middle| middle >= 5000.0);
    let (unit, divisor) = if large || always_ms { ("ms", 1000.0) } else { ("µs", 1.0) };
    measured(group, format!("{head} {unit}"), rows, |row| figure(row).map(|us| us / divisor))
}

/// Measured figures; a column in which nobody has one is left out.
fn measured(
    group: &'static str,
    head: String,
    rows: &[&Row],
    figure: impl Fn(&Row) -> Option<f64>,
) -> Option<Column> {
    let values: Vec<Option<f64>> = rows
        .iter()
        .map(|row| figure(row).filter(|value| row.skipped.is_none() && value.is_finite()))
        .collect();
    let smallest =
        values.iter().flatten().copied().filter(|value| *value > 0.0).fold(f64::INFINITY, f64::min);
    let largest = values.iter().flatten().copied().reduce(f64::max)?;
    // The smallest keeps two digits that count, as long as the largest does not grow beyond six.
    let wanted = match smallest {
        _ if smallest < 1.0 => 2,
        _ if smallest < 100.0 => 1,
        _ => 0,
    };
    let decimals = match largest {
        _ if largest >= 10_000.0 => 0,
        _ if largest >= 1000.0 => usize::from(wanted == 2),
        _ => wanted,
    };
    let cells =
        values.iter().map(|value| value.map(|value| format!("{value:.decimals$}")).unwrap_or_default());
    Some(Column { group, head, cells: cells.collect() })
}

/// From the lowest to the highest throughput of the repetitions.
fn range(rows: &[&Row]) -> Option<Column> {
    let range = |row: &Row| {
        let (low, high) = row.spread.throughput_per_s?;
        (row.skipped.is_none() && row.repetitions > 1).then(|| interval(low, high))
    };
    let cells: Vec<String> = rows.iter().map(|row| range(row).unwrap_or_default()).collect();
    cells.iter().any(|cell| !cell.is_empty()).then(|| Column {
        group: "lowest,",
        head: "highest".into(),
        cells,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_latency_that_is_the_wait_is_shown_once() {
        let wait = Percentiles { p50: 100.0, p90: 150.0, p99: 200.0, max: 200.0 };
        let latency = Percentiles { p50: 100_000.0, p90: 150_000.0, p99: 200_000.0, max: 201_000.0 };
        let row = Row { wait_ms: Some(wait), latency_us: Some(latency), ..Row::default() };
        let heads: Vec<String> = columns(&[&row])
            .into_iter()
            .filter(|column| column.head.ends_with("ms"))
            .map(|column| format!("{} {}", column.group, column.head))
            .collect();
        assert_eq!(heads, ["wait p50 ms", "wait max ms", "latency p99 ms", "latency max ms", "CPU ms"]);
    }
}
