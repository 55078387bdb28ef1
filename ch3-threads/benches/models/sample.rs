//! One measurement, and what is shown of it.

use common::bench::layout::{Column, Layout, median};
use common::bench::{results, rounds};
use serde::Serialize;

/// From this fraction of a processor on, it is the generator that was measured.
const GENERATOR_BOUND: f64 = 0.9;

/// Everything that was measured.
pub type Results = results::Results<Sample>;

/// One load.
pub type Table = results::Table<Sample>;

/// One contestant under one load.
pub type Row = rounds::Row<Sample>;

/// One measurement.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Sample {
    /// Requests (or connections) answered per second.
    pub per_s: f64,
    /// The server's processor time per request, its children's included, microseconds.
    pub cpu_us: Option<f64>,
    /// The fraction of one processor that the simulator used. Near 1 it is the generator that was measured.
    pub generator_busy: Option<f64>,
    /// 99 of 100 answers were there within so many microseconds.
    pub p99_us: Option<f64>,
    /// Clients that had no answer in the whole measured time: the others took all of it.
    pub starved: u64,
    /// What was not right about it.
    pub fault: Option<String>,
}

/// What is shown beside rates and ratios.
pub const LAYOUT: Layout<Sample> = Layout {
    value: |sample| sample.per_s,
    columns: &[
        Column { head: "CPU µs each", cell: |row| median(row, 2, |sample| sample.cpu_us) },
        Column { head: "p99 µs", cell: |row| median(row, 0, |sample| sample.p99_us) },
        Column {
            head: "generator busy",
            cell: |row| {
                median(row, 0, |sample| sample.generator_busy.map(|busy| busy * 100.0))
                    .map(|busy| busy + " %")
            },
        },
    ],
    remarks,
    legend: "CPU: the server's, its children's included.
g: the generator (the simulator, in one thread) was busy for 90 % of the time or more, and what was measured is mostly itself.
starved: clients without a single answer in the measured time.",
};

/// The first thing that was not right.
pub fn fault(row: &Row) -> Option<&str> {
    row.samples().find_map(|sample| sample.fault.as_deref())
}

fn remarks(row: &Row) -> [Vec<String>; 2] {
    let busy = row.spread(|sample| sample.generator_busy);
    let bound = busy.is_some_and(|busy| busy.median >= GENERATOR_BOUND).then(|| "g".to_owned());
    let starved = row.samples().map(|sample| sample.starved).max().unwrap_or(0);
    let starved = (starved > 0).then(|| format!("up to {starved} clients starved"));
    let behind = [starved, fault(row).map(str::to_owned)];
    [bound.into_iter().collect(), behind.into_iter().flatten().collect()]
}

/// The 99th percentiles of the two loops.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct StallSeen {
    /// Closed loop, milliseconds.
    pub closed_p99_ms: f64,
    /// Open loop, milliseconds.
    pub open_p99_ms: f64,
    /// The longest that either saw, milliseconds.
    pub longest_ms: f64,
}
