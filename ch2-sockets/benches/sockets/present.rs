//! What is printed and written: a table per load, the goals; the same as Markdown and as JSON.

use std::time::Duration;

use common::bench::table;
use common::support::cli::human;

use super::results::{Results, Row, Table};

/// What the run is, before it begins.
pub fn opening(results: &Results) {
    println!(
        "{}\n{}\niperf3: {}",
        results.machine,
        results.pinning.replace("the generator", "clients"),
        results.iperf
    );
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
        "{}; {}. {} rounds of {}, seed {}. {}.\n\n",
        results.machine,
        results.pinning.replace("the generator", "clients"),
        results.rounds,
        human(Duration::from_secs_f64(results.time_s)),
        results.seed,
        results.iperf,
    );
    head + &table::markdown(&tables(results), &results.goals, LEGEND)
}

const LEGEND: &str = "Ratios: the median over the rounds [lowest..highest], each of one round. CPU: the server's, per MiB or per request.
!: other programs took more than 5 % of the machine in some round, and repeating did not help.";

fn tables(results: &Results) -> Vec<table::Table> {
    let of = |table: &Table| {
        let ratio = format!("× {}", table.rows.first().map_or("", |row| row.name.as_str()));
        let head = ["", table.unit, &ratio, "CPU µs", "sent again", ""];
        let title = format!("{}: {}", table.name, table.about);
        table::Table::of(title, &head, &table.rows, |row| cells(table, row))
    };
    results.tables.iter().map(of).collect()
}

fn cells(table: &Table, row: &Row) -> Vec<String> {
    let digits = if table.scale > 1.0 { 2 } else { 0 };
    let rate = row.spread(|sample| Some(sample.per_s / table.scale));
    let ratio = table.rows.first().and_then(|first| row.ratio_to(first, |sample| sample.per_s));
    let cpu = row.spread(|sample| sample.cpu_us).map(|cpu| format!("{:.2}", cpu.median));
    let again =
        row.spread(|sample| sample.retransmitted).map(|again| format!("{:.1} %", again.median * 100.0));
    let mark = if row.is_disturbed() { "!  " } else { "" };
    let dash = || "–".to_owned();
    vec![
        row.name.clone(),
        rate.map_or_else(dash, |rate| format!("{:.digits$}", rate.median)),
        ratio.map_or_else(dash, |ratio| ratio.to_string()),
        cpu.unwrap_or_else(dash),
        again.unwrap_or_else(dash),
        format!("{mark}{}", row.note),
    ]
}
