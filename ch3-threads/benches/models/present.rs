//! What is printed and written: a table per load, the goals; the same as Markdown and as JSON.

use std::time::Duration;

use common::bench::table;
use common::support::cli::human;

use super::results::{Results, Row, Sample, Table, fault};

/// From this fraction of a processor on, it is the generator that was measured.
const GENERATOR_BOUND: f64 = 0.9;

/// What the run is, before it begins.
pub fn opening(results: &Results) {
    println!("{}", results.machine);
    println!("{}; the generator is the simulator, in one thread", results.pinning);
    for peer in &results.peers {
        println!("  {peer}");
    }
    let time = human(Duration::from_secs_f64(results.time_s));
    println!("seed {}, {} rounds of {time}, in an order drawn anew for each\n", results.seed, results.rounds);
}

/// The tables and the goals.
pub fn closing(results: &Results) {
    print!("{}", table::plain(&tables(results), &results.goals, LEGEND));
    let interrupted = if results.interrupted { "; interrupted, so what is above is not all" } else { "" };
    println!("It took {}{interrupted}.", human(Duration::from_secs(results.took_s as u64)));
}

/// The same as Markdown.
pub fn markdown(results: &Results) -> String {
    let head = format!(
        "{}; {}. {} rounds of {}, seed {}.\n\nPeers: {}.\n\n",
        results.machine,
        results.pinning,
        results.rounds,
        human(Duration::from_secs_f64(results.time_s)),
        results.seed,
        results.peers.join("; ")
    );
    head + &table::markdown(&tables(results), &results.goals, LEGEND)
}

const LEGEND: &str = "Ratios: the median over the rounds [lowest..highest], each of one round. CPU: the server's, its children's included.
g: the generator was busy for 90 % of the time or more, and what was measured is mostly itself.
starved: clients without a single answer in the measured time.
!: other programs took more than 5 % of the machine in some round, and repeating did not help.";

fn tables(results: &Results) -> Vec<table::Table> {
    let of = |table: &Table| {
        let unit = if table.name.starts_with("connect") { "connections/s" } else { "requests/s" };
        let ratio = format!("× {}", table.ratio_to);
        let head = ["", unit, &ratio, "CPU µs each", "p99 µs", "generator busy", ""];
        let title = format!("{}: {}", table.name, table.about);
        table::Table::of(title, &head, &table.rows, |row| cells(table, row))
    };
    results.tables.iter().map(of).collect()
}

fn cells(table: &Table, row: &Row) -> Vec<String> {
    let median = |value: fn(&Sample) -> Option<f64>| row.spread(value).map(|spread| spread.median);
    let number =
        |value: Option<f64>, digits: usize| value.map_or("–".into(), |value| format!("{value:.digits$}"));
    let ratio = row.base.and_then(|base| row.ratio_to(&table.rows[base], |sample| sample.per_s));
    let busy = median(|sample| sample.generator_busy);
    let bound = busy.is_some_and(|busy| busy >= GENERATOR_BOUND).then_some("g");
    let starved = row.samples().map(|sample| sample.starved).max().unwrap_or(0);
    let starved = (starved > 0).then(|| format!("up to {starved} clients starved"));
    let disturbed = row.is_disturbed().then_some("!");
    let notes = [disturbed, bound, Some(row.note.as_str()), starved.as_deref(), fault(row)];
    let notes: Vec<&str> = notes.into_iter().flatten().filter(|note| !note.is_empty()).collect();
    vec![
        row.name.clone(),
        median(|sample| Some(sample.per_s)).map_or("–".into(), thousands),
        ratio.map_or("1".into(), |ratio| ratio.to_string()),
        number(median(|sample| sample.cpu_us), 2),
        number(median(|sample| sample.p99_us), 0),
        number(busy.map(|busy| busy * 100.0), 0) + " %",
        notes.join("  "),
    ]
}

/// A whole number with its thousands apart.
fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}
