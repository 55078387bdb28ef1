//! The tables for a terminal, and as Markdown.

use common::bench::results::{Results, Table};
use common::bench::rounds::Row;
use common::bench::table::TextTable;

use super::contestant::Contestant::{Framed, TarpcBare};
use super::load::Load;
use super::measure::Sample;
use super::relay::Counted;
use clap::ValueEnum;

const LEGEND: &str = "\
a second: operations. p50, p99, max: of one operation, µs. client, server: processor time for one operation, µs.
× framed, × tarpc-bare: of the p50, at 64 in flight of the calls a second; the median over the rounds
[lowest..highest], each ratio of one round. Tarpc's kind, the baseline too: one thread at each end.
B out, B in: bytes of one operation to the server and back, counted by a relay, without heads of TCP and IP.
× payload: bytes in both directions for each byte that is published.
!: other programs took more than 5 % of the machine in some round, and repeating did not help.";

/// What is compared: the typical time, or with many in flight the rate.
pub fn value(table: &str) -> fn(&Sample) -> f64 {
    if table == Load::Many.name() { |sample| sample.per_s } else { |sample| sample.p50_us }
}

/// All tables for a terminal.
pub fn text(results: &Results<Sample>, counted: &[Counted]) -> String {
    let tables: String = results.tables.iter().map(|table| of(table, counted).plain() + "\n").collect();
    let goals: String = results
        .goals
        .iter()
        .map(|goal| format!("  {:<9}{}: {}\n", goal.verdict(), goal.goal, goal.found))
        .collect();
    let goals = if goals.is_empty() { goals } else { format!("GOALS\n{goals}\n") };
    let warning = warning(results).map(|warning| warning + "\n").unwrap_or_default();
    format!("{}\n{tables}{goals}{LEGEND}\n{warning}It took {:.0} s.\n", results.head(), results.took_s)
}

/// The same as Markdown.
pub fn markdown(results: &Results<Sample>, counted: &[Counted]) -> String {
    let tables: String = results.tables.iter().map(|table| of(table, counted).markdown() + "\n").collect();
    let goal = |goal: &common::bench::goal::Goal| {
        format!("| {} | {} | {} |\n", goal.goal, goal.found, goal.verdict())
    };
    let goals: String = results.goals.iter().map(goal).collect();
    let warning = warning(results).map(|warning| warning + "\n").unwrap_or_default();
    let legend = LEGEND.replace('\n', "\\\n");
    format!("{}\n{warning}\n{tables}| goal | found | |\n|---|---|---|\n{goals}\n{legend}\n", results.head())
}

/// What must be known before a figure is believed.
pub fn warning(results: &Results<Sample>) -> Option<String> {
    let rows = || results.tables.iter().flat_map(|table| &table.rows);
    let disturbed = rows().filter(|row| row.is_disturbed()).count();
    (disturbed > 0).then(|| {
        format!(
            "WARNING: the machine was shared: {disturbed} of {} rows were disturbed. Only ratios mean something.",
            rows().count()
        )
    })
}

/// A table.
pub fn of(table: &Table<Sample>, counted: &[Counted]) -> TextTable {
    let head = [
        "",
        "a second",
        "× framed",
        "× tarpc-bare",
        "p50",
        "p99",
        "max",
        "client",
        "server",
        "B out",
        "B in",
        "× payload",
        "",
    ];
    let title = format!("{}: {}", table.name, table.about);
    TextTable::of(title, &head, &table.rows, |row| cells(table, row, counted))
}

fn cells(table: &Table<Sample>, row: &Row<Sample>, counted: &[Counted]) -> Vec<String> {
    let dash = || "–".to_owned();
    let value = value(&table.name);
    let median = |value: &dyn Fn(&Sample) -> f64| {
        row.spread(|sample| Some(value(sample))).map_or_else(dash, |spread| number(spread.median))
    };
    let ratio = |base: &str| match table.row(base) {
        Some(base) if base.name != row.name => {
            row.ratio_to(base, value).map_or_else(dash, |ratio| ratio.to_string())
        }
        Some(_) => "1".into(),
        None => dash(),
    };
    let bytes = counted
        .iter()
        .find(|counted| counted.contestant.name() == row.name && counted.load.name() == table.name);
    let payload = Load::value_variants().iter().find(|load| load.name() == table.name);
    let payload = payload.map_or(0, |load| load.payload());
    let bytes_of = |value: fn(&Counted) -> f64| bytes.map_or_else(dash, |bytes| number(value(bytes)));
    let factor = bytes.filter(|_| payload > 0).map(|bytes| format!("{:.2}", bytes.both() / payload as f64));
    let disturbed = if row.is_disturbed() { "!  " } else { "" };
    vec![
        row.name.clone(),
        median(&|sample| sample.per_s),
        ratio(Framed.name()),
        ratio(TarpcBare.name()),
        median(&|sample| sample.p50_us),
        median(&|sample| sample.p99_us),
        median(&|sample| sample.max_us),
        median(&|sample| sample.client_us),
        median(&|sample| sample.server_us),
        bytes_of(|bytes| bytes.to_server),
        bytes_of(|bytes| bytes.to_client),
        factor.unwrap_or_else(dash),
        format!("{disturbed}{}", row.note).trim_end().to_owned(),
    ]
}

/// Three digits that count, and no more than a tenth.
fn number(value: f64) -> String {
    if value < 100.0 && value.fract() != 0.0 { format!("{value:.1}") } else { format!("{value:.0}") }
}
