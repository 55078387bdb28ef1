//! The tables for a terminal, and as Markdown.

use common::bench::goal::Goal;
use common::bench::layout::DISTURBED;
use common::bench::results::{Results, Table};
use common::bench::rounds::Row;
use common::bench::table::TextTable;

use super::contestant::Contestant::{Framed, HttpEcho, TarpcBare};
use super::load::{Asked, Load};
use super::measure::Sample;
use super::relay::Counted;
use super::shares;

/// From this part of the ceiling on it is the generator that is measured.
const BOUND: f64 = 0.9;

const LEGEND: &str = "\
a second: operations. p50, p99, max: of one operation, µs. client, server: processor time for one operation, µs.
× framed, × tarpc-bare: of the p50, at 64 in flight of the calls a second, in an open loop of the p99; the
median over the rounds [lowest..highest], each ratio of one round. Tarpc's kind, the baseline too: one
thread at each end. × ceiling: of the calls a second of http-echo. From 0.9 on it is generator-bound: no result.
where: the parts in memory are measured without a socket, a bare exchange is the same number of bytes between
two processes that only read and write, and the rest is the difference: runtime, wake-ups, checks.
switches: context switches of all threads for one call.
waiting: calls of an open loop that nobody was free for before the end; their waiting is in the times.
B out, B in: bytes of one operation to the server and back, counted by a relay, without heads of TCP and IP.
× payload: bytes in both directions for each byte that is published.";

/// What is compared: the typical time; with many in flight the rate; in an open loop the tail, for it shows where calls have waited.
pub fn value(table: &str) -> fn(&Sample) -> f64 {
    match Asked::of(table).map(|asked| asked.load) {
        Some(load) if load.is_rate() => |sample| sample.per_s,
        Some(Load::Open) => |sample| sample.p99_us,
        _ => |sample| sample.p50_us,
    }
}

/// All tables for a terminal.
pub fn text(results: &Results<Sample>, counted: &[Counted]) -> String {
    let tables: String = results.tables.iter().map(|table| of(table, counted).plain() + "\n").collect();
    let goals: String = results.goals.iter().map(Goal::plain).collect();
    let goals = if goals.is_empty() { goals } else { format!("GOALS\n{goals}\n") };
    let warning = warning(results).map(|warning| warning + "\n").unwrap_or_default();
    format!(
        "{}\n{tables}{goals}{LEGEND}\n{DISTURBED}\n{warning}It took {:.0} s.\n",
        results.head(),
        results.took_s
    )
}

/// The same as Markdown.
pub fn markdown(results: &Results<Sample>, counted: &[Counted]) -> String {
    let tables: String = results.tables.iter().map(|table| of(table, counted).markdown() + "\n").collect();
    let goals: String = results.goals.iter().map(Goal::markdown).collect();
    let warning = warning(results).map(|warning| warning + "\n").unwrap_or_default();
    let legend = format!("{LEGEND}\n{DISTURBED}").replace('\n', "\\\n");
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

/// A table. What is prepared was not counted by the relay: it is a publish.
pub fn of(table: &Table<Sample>, counted: &[Counted]) -> TextTable {
    let load = Asked::of(&table.name).map(|asked| asked.load);
    if load == Some(Load::Where) {
        return shares::table(table);
    }
    let own: &[&str] = match load {
        Some(Load::Open) => &["waiting"],
        Some(Load::Served) => &["× ceiling"],
        _ => &["B out", "B in", "× payload"],
    };
    let all = ["", "a second", "× framed", "× tarpc-bare", "p50", "p99", "max", "client", "server"];
    let head: Vec<&str> = all.iter().chain(own).chain(&[""]).copied().collect();
    let title = format!("{}: {}", table.name, table.about);
    TextTable::of(title, &head, &table.rows, |row| cells(table, row, load, counted))
}

fn cells(table: &Table<Sample>, row: &Row<Sample>, load: Option<Load>, counted: &[Counted]) -> Vec<String> {
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
    let own = match load {
        Some(Load::Open) => vec![median(&|sample| sample.waiting as f64)],
        Some(Load::Served) => vec![ratio(HttpEcho.name())],
        _ => of_bytes(row, load, counted),
    };
    let of_all = [
        row.name.clone(),
        median(&|sample| sample.per_s),
        ratio(Framed.name()),
        ratio(TarpcBare.name()),
        median(&|sample| sample.p50_us),
        median(&|sample| sample.p99_us),
        median(&|sample| sample.max_us),
        median(&|sample| sample.client_us),
        median(&|sample| sample.server_us),
    ];
    let disturbed = if row.is_disturbed() { "!" } else { "" };
    let bound = if is_generator_bound(table, row) { "generator-bound" } else { "" };
    let notes = [disturbed, bound, &row.note].into_iter().filter(|note| !note.is_empty());
    let notes = notes.collect::<Vec<_>>().join("  ");
    of_all.into_iter().chain(own).chain([notes]).collect()
}

fn of_bytes(row: &Row<Sample>, load: Option<Load>, counted: &[Counted]) -> Vec<String> {
    let dash = || "–".to_owned();
    let bytes =
        counted.iter().find(|counted| counted.contestant.name() == row.name && Some(counted.load) == load);
    let payload = load.map_or(0, Load::payload);
    let bytes_of = |value: fn(&Counted) -> f64| bytes.map_or_else(dash, |bytes| number(value(bytes)));
    let factor = bytes.filter(|_| payload > 0).map(|bytes| format!("{:.2}", bytes.both() / payload as f64));
    vec![bytes_of(|bytes| bytes.to_server), bytes_of(|bytes| bytes.to_client), factor.unwrap_or_else(dash)]
}

/// Whether a server came so near to what the load generator can do that the generator was measured, and not the server.
pub fn is_generator_bound(table: &Table<Sample>, row: &Row<Sample>) -> bool {
    let ceiling = table.row(HttpEcho.name()).filter(|ceiling| ceiling.name != row.name);
    let ratio = ceiling.and_then(|ceiling| row.ratio_to(ceiling, |sample| sample.per_s));
    table.name == Load::Served.name() && ratio.is_some_and(|ratio| ratio.median >= BOUND)
}

/// Three digits that count, and no more than a tenth.
fn number(value: f64) -> String {
    if value < 100.0 && value.fract() != 0.0 { format!("{value:.1}") } else { format!("{value:.0}") }
}
