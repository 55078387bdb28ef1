//! The tables for a terminal, and as Markdown.

use common::bench::layout::{Column, Layout, median};
use common::bench::results::Results;
use common::bench::rounds::Row;

use super::measure::Sample;

const LEGEND: &str = "\
p50, p99, max: µs from the intended start of a message until its confirm, without confirms until its delivery.
per CPU s: the same figure for a second of the server's processor time, all its processes.
generator: how busy the generator was, %. flushes: of the disk, those of other programs included, for 1000 messages.
least: the least server. generator-bound: at 0.9 of its rate or more, so that it is the generator's figure.
Where less is better, a ratio below 1 is better.";

/// How results are shown.
pub const LAYOUT: Layout<Sample> = Layout {
    value: |sample| sample.value,
    columns: &[
        Column { head: "p50", cell: |row| median(row, 0, |sample| sample.p50_us) },
        Column { head: "p99", cell: |row| median(row, 0, |sample| sample.p99_us) },
        Column { head: "max", cell: |row| median(row, 0, |sample| sample.max_us) },
        Column { head: "per CPU s", cell: |row| median(row, 0, |sample| sample.per_cpu_s) },
        Column {
            head: "generator",
            cell: |row| median(row, 0, |sample| sample.generator.map(|part| part * 100.0)),
        },
        Column { head: "flushes", cell: |row| median(row, 2, |sample| sample.flushes) },
        Column { head: "MiB", cell: |row| median(row, 0, |sample| sample.memory_mib) },
        Column { head: "recovered, s", cell: |row| median(row, 2, |sample| sample.recovered_s) },
    ],
    remarks: |_| [Vec::new(), Vec::new()],
    legend: LEGEND,
};

/// All tables for a terminal.
pub fn text(results: &Results<Sample>) -> String {
    let warning = warning(results).map(|warning| warning + "\n").unwrap_or_default();
    format!("{}\n{}\n{warning}It took {:.0} s.\n", results.head(), LAYOUT.plain(results), results.took_s)
}

/// The same as Markdown.
pub fn markdown(results: &Results<Sample>) -> String {
    let warning = warning(results).map(|warning| warning + "\n\n").unwrap_or_default();
    format!("{warning}{}", LAYOUT.markdown(results))
}

/// What must be known before a figure is believed.
pub fn warning(results: &Results<Sample>) -> Option<String> {
    let rows = || results.tables.iter().flat_map(|table| &table.rows);
    let disturbed = rows().filter(|row: &&Row<Sample>| row.is_disturbed()).count();
    (disturbed > 0).then(|| {
        format!(
            "WARNING: the machine was shared: {disturbed} of {} rows were disturbed. Only ratios mean something.",
            rows().count()
        )
    })
}
