//! What is printed and written: a table per part with ratios to redis in the same round, and the goals.

use std::io::{self, Write as _};

use ch4_shared_state::simulate::outcome::Outcome;
use common::bench::layout::median;
use common::bench::results::Results;
use common::bench::rounds::Row;
use common::bench::table::TextTable;

use super::args::Args;
use super::contest::{HALF_LOAD_TIMES, Part, REDIS};

/// From this fraction of a processor on, it is the clients that were measured.
const GENERATOR_BOUND: f64 = 0.9;

type Value = fn(&Outcome) -> Option<f64>;

const PER_S: Value = |outcome| Some(outcome.per_s);
const P50: Value = |outcome| outcome.latency_us.map(|latency| latency.p50);
const P99: Value = |outcome| outcome.latency_us.map(|latency| latency.p99);
const MAX: Value = |outcome| outcome.latency_us.map(|latency| latency.max);
const CPU: Value = |outcome| outcome.server.map(|server| server.cpu_us);
const RSS: Value = |outcome| outcome.server.map(|server| server.rss_mib);

const LEGEND: &str = "Ratios: the median over the rounds [lowest..highest], each of one round. g: the clients were busy for 90 % of the \
time or more, and what was measured is mostly themselves. !: other programs took more than 5 % of the machine in some round, and \
repeating did not help.";

/// Prints the tables, and writes the files that were asked for.
///
/// # Errors
/// A file that cannot be written.
pub fn present(results: &Results<Outcome>, args: &Args) -> anyhow::Result<()> {
    let text = markdown(results);
    io::stdout().lock().write_all(text.as_bytes())?;
    args.measure.write(&text, results)
}

fn markdown(results: &Results<Outcome>) -> String {
    let half_load = format!(
        "Open loop at half of what redis reached, for {:.1} s a round: p99",
        results.time_s * f64::from(HALF_LOAD_TIMES)
    );
    let parts = [
        (
            Part::Throughput,
            "Closed loop, 128 bytes to 100 subscribers: deliveries/s",
            PER_S,
            "more is better",
        ),
        (Part::HalfLoad, half_load.as_str(), P99, "less is better"),
        (Part::Calm, "Open loop, 50 000 deliveries/s: processor time of one", CPU, "less is better"),
        (Part::Crowd, "Idle crowd with two messages a second: resident MiB", RSS, "less is better"),
    ];
    let tables = parts.map(|(part, about, value, better)| {
        let head = format!("× redis ({better})");
        let head = ["", "deliveries/s", "p50 µs", "p99 µs", "max µs", "CPU µs each", "MiB", &head, ""];
        let rows = rows(results, part);
        let redis = rows.iter().find(|row| row.name == REDIS);
        TextTable::of(about.into(), &head, rows, |row| {
            let cell = |value, digits| median(row, digits, value).unwrap_or_else(|| "–".into());
            vec![
                row.name.clone(),
                cell(PER_S, 0),
                cell(P50, 0),
                cell(P99, 0),
                cell(MAX, 0),
                cell(CPU, 3),
                cell(RSS, 0),
                if row.name == REDIS { "1".into() } else { ratio(row, redis, value) },
                notes(row),
            ]
        })
    });
    let mut cells = vec![vec![String::new(), "p99 beside it ÷ p99 without".into()]];
    for row in rows(results, Part::Stalled).iter().filter(|row| row.name != REDIS) {
        let without = rows(results, Part::Calm).iter().find(|calm| calm.name == row.name);
        cells.push(vec![row.name.clone(), ratio(row, without, P99)]);
    }
    let title = "One client that never reads".into();
    let stalled = TextTable { title, cells, left: vec![0], skipped: Vec::new() };
    let tables: String = tables.iter().chain([&stalled]).map(|table| table.markdown() + "\n").collect();
    format!("{}\n{tables}{LEGEND}\n", results.head())
}

/// The board's models in their order, then redis.
fn rows(results: &Results<Outcome>, part: Part) -> &[Row<Outcome>] {
    results.table(part.name()).map_or(&[], |table| table.rows.as_slice())
}

fn ratio(row: &Row<Outcome>, other: Option<&Row<Outcome>>, value: Value) -> String {
    let known = |outcome: &Outcome| value(outcome).unwrap_or(f64::NAN);
    let ratio = other.and_then(|other| row.ratio_to(other, known));
    ratio.map_or("–".into(), |ratio| ratio.to_string())
}

fn notes(row: &Row<Outcome>) -> String {
    let bound = row.samples().any(|outcome| outcome.generator_busy >= GENERATOR_BOUND).then_some("g");
    let disturbed = row.is_disturbed().then_some("!");
    bound.into_iter().chain(disturbed).collect::<Vec<_>>().join(" ")
}
