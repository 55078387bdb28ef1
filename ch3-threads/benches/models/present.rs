//! What is printed and written: a table per load, the goals; the same as Markdown and as JSON.

use std::fmt::Write;
use std::fs;
use std::time::Duration;

use anyhow::Context;
use common::cli::human;

use super::args::Args;
use super::race::FOREIGN_LIMIT;
use super::results::{Results, Row, Table};

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
    for table in &results.tables {
        println!("{}: {}", table.name, table.about);
        let cells = cells(table);
        let widths: Vec<usize> = (0..cells[0].len())
            .map(|column| cells.iter().map(|row| row[column].chars().count()).max().unwrap_or(0))
            .collect();
        for row in &cells {
            let mut line = String::new();
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let padding = " ".repeat(width - cell.chars().count());
                // Names and notes begin where their column begins, numbers end where it ends.
                let left = column == 0 || column + 1 == row.len();
                let _ =
                    if left { write!(line, "{cell}{padding}  ") } else { write!(line, "{padding}{cell}  ") };
            }
            println!("  {}", line.trim_end());
        }
        for line in skipped(table) {
            println!("  {line}");
        }
        println!();
    }
    println!("GOALS");
    for goal in &results.goals {
        println!("  {:<9}{}: {}", verdict(goal.met), goal.goal, goal.found);
    }
    println!("\n{LEGEND}");
    let interrupted = if results.interrupted { "; interrupted, so what is above is not all" } else { "" };
    println!("It took {}{interrupted}.", human(Duration::from_secs(results.took_s as u64)));
}

/// The files that were asked for.
///
/// # Errors
/// One cannot be written.
pub fn files(results: &Results, args: &Args) -> anyhow::Result<()> {
    if let Some(path) = &args.markdown {
        fs::write(path, markdown(results)).with_context(|| format!("cannot write {}", path.display()))?;
    }
    if let Some(path) = &args.json {
        let text = serde_json::to_string_pretty(results)?;
        fs::write(path, text + "\n").with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

const LEGEND: &str = "Ratios: the median over the rounds [lowest..highest], each of one round. CPU: the server's, its children's included.
g: the generator was busy for 90 % of the time or more, and what was measured is mostly itself.
starved: clients without a single answer in the measured time.
!: other programs took more than 5 % of the machine in some round, and repeating did not help.";

fn verdict(met: Option<bool>) -> &'static str {
    match met {
        Some(true) => "met",
        Some(false) => "MISSED",
        None => "–",
    }
}

/// The head, and a row for everybody who was measured.
fn cells(table: &Table) -> Vec<[String; 7]> {
    let unit = if table.name.starts_with("connect") { "connections/s" } else { "requests/s" };
    let ratio = format!("× {}", table.ratio_to);
    let head = ["", unit, &ratio, "CPU µs each", "p99 µs", "generator busy", ""].map(str::to_owned);
    let measured = table.rows.iter().filter(|row| row.samples.iter().any(Option::is_some));
    [head].into_iter().chain(measured.map(|row| cells_of(table, row))).collect()
}

fn cells_of(table: &Table, row: &Row) -> [String; 7] {
    let median =
        |value: fn(&super::results::Sample) -> Option<f64>| row.spread(value).map(|spread| spread.median);
    let number =
        |value: Option<f64>, digits: usize| value.map_or("–".into(), |value| format!("{value:.digits$}"));
    let ratio = row.base.and_then(|base| row.ratio_to(&table.rows[base]));
    let ratio = ratio.map(|ratio| format!("{:.2} [{:.2}..{:.2}]", ratio.median, ratio.min, ratio.max));
    let busy = median(|sample| sample.generator_busy);
    let disturbed = row.samples.iter().flatten().any(|sample| sample.foreign > FOREIGN_LIMIT);
    let bound = busy.is_some_and(|busy| busy >= GENERATOR_BOUND).then_some("g");
    let starved = row.samples.iter().flatten().map(|sample| sample.starved).max().unwrap_or(0);
    let starved = (starved > 0).then(|| format!("up to {starved} clients starved"));
    let notes = [disturbed.then_some("!"), bound, Some(row.note.as_str()), starved.as_deref(), row.fault()];
    let notes: Vec<&str> = notes.into_iter().flatten().filter(|note| !note.is_empty()).collect();
    [
        row.name.clone(),
        median(|sample| Some(sample.per_s)).map_or("–".into(), thousands),
        ratio.unwrap_or_else(|| "1".into()),
        number(median(|sample| sample.cpu_us), 2),
        number(median(|sample| sample.p99_us), 0),
        number(busy.map(|busy| busy * 100.0), 0) + " %",
        notes.join("  "),
    ]
}

/// Who was not measured, and why.
fn skipped(table: &Table) -> impl Iterator<Item = String> {
    table.rows.iter().filter_map(|row| Some(format!("SKIPPED {}: {}", row.name, row.skipped.as_ref()?)))
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

fn markdown(results: &Results) -> String {
    let mut text = format!(
        "{}; {}. {} rounds of {}, seed {}.\n\n",
        results.machine,
        results.pinning,
        results.rounds,
        human(Duration::from_secs_f64(results.time_s)),
        results.seed
    );
    text += &format!("Peers: {}.\n\n", results.peers.join("; "));
    for table in &results.tables {
        text += &format!("### {}: {}\n\n", table.name, table.about);
        for (index, row) in cells(table).iter().enumerate() {
            text += &format!("| {} |\n", row.join(" | "));
            if index == 0 {
                text += "|---|--:|--:|--:|--:|--:|---|\n";
            }
        }
        text.push('\n');
        let skipped: Vec<String> = skipped(table).map(|line| format!("- {line}\n")).collect();
        if !skipped.is_empty() {
            text += &(skipped.concat() + "\n");
        }
    }
    text += "### Goals\n\n| goal | found | |\n|---|---|---|\n";
    for goal in &results.goals {
        text += &format!("| {} | {} | {} |\n", goal.goal, goal.found, verdict(goal.met));
    }
    text + "\n" + &LEGEND.replace('\n', "\\\n") + "\n"
}
