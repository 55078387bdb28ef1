//! What is printed and written: a table per load, the goals; the same as Markdown and as JSON.

use std::fs;
use std::time::Duration;

use anyhow::Context;
use common::bench::Spread;
use common::cli::human;

use super::args::Args;
use super::race::FOREIGN_LIMIT;
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
    for table in &results.tables {
        println!("{}: {}", table.name, table.about);
        let cells = cells(table);
        let widths: Vec<usize> = (0..COLUMNS)
            .map(|column| cells.iter().map(|row| row[column].chars().count()).max().unwrap_or(0))
            .collect();
        for row in &cells {
            let line: String = row
                .iter()
                .zip(&widths)
                .enumerate()
                .map(|(column, (cell, width))| {
                    let padding = " ".repeat(width - cell.chars().count());
                    // Names and notes begin where their column begins, numbers end where it ends.
                    let left = column == 0 || column + 1 == COLUMNS;
                    if left { format!("{cell}{padding}  ") } else { format!("{padding}{cell}  ") }
                })
                .collect();
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

const LEGEND: &str = "Ratios: the median over the rounds [lowest..highest], each of one round. CPU: the server's, per MiB or per request.
!: other programs took more than 5 % of the machine in some round, and repeating did not help.";

const COLUMNS: usize = 6;

fn verdict(met: Option<bool>) -> &'static str {
    match met {
        Some(true) => "met",
        Some(false) => "MISSED",
        None => "–",
    }
}

/// The head, and a row for everybody who was measured.
fn cells(table: &Table) -> Vec<[String; COLUMNS]> {
    let first = table.rows.first().map_or("", |row| row.name.as_str());
    let head = ["", table.unit, &format!("× {first}"), "CPU µs", "sent again", ""].map(str::to_owned);
    let measured = table.rows.iter().filter(|row| row.samples.iter().any(Option::is_some));
    [head].into_iter().chain(measured.map(|row| cells_of(table, row))).collect()
}

fn cells_of(table: &Table, row: &Row) -> [String; COLUMNS] {
    let digits = if table.scale > 1.0 { 2 } else { 0 };
    let rate = row.spread(|sample| Some(sample.per_s / table.scale));
    let ratio = table.rows.first().and_then(|first| row.ratio_to(first));
    let ratio = ratio.map(|Spread { median, min, max }| format!("{median:.2} [{min:.2}..{max:.2}]"));
    let cpu = row.spread(|sample| sample.cpu_us).map(|cpu| format!("{:.2}", cpu.median));
    let again =
        row.spread(|sample| sample.retransmitted).map(|again| format!("{:.1} %", again.median * 100.0));
    let disturbed = row.samples.iter().flatten().any(|sample| sample.foreign > FOREIGN_LIMIT);
    let mark = if disturbed { "!  " } else { "" };
    let dash = || "–".to_owned();
    [
        row.name.clone(),
        rate.map_or_else(dash, |rate| format!("{:.digits$}", rate.median)),
        ratio.unwrap_or_else(dash),
        cpu.unwrap_or_else(dash),
        again.unwrap_or_else(dash),
        format!("{mark}{}", row.note),
    ]
}

/// Who was not measured, and why.
fn skipped(table: &Table) -> impl Iterator<Item = String> {
    table.rows.iter().filter_map(|row| Some(format!("SKIPPED {}: {}", row.name, row.skipped.as_ref()?)))
}

fn markdown(results: &Results) -> String {
    let mut text = format!(
        "{}; {}. {} rounds of {}, seed {}. {}.\n\n",
        results.machine,
        results.pinning.replace("the generator", "clients"),
        results.rounds,
        human(Duration::from_secs_f64(results.time_s)),
        results.seed,
        results.iperf,
    );
    for table in &results.tables {
        text += &format!("### {}: {}\n\n", table.name, table.about);
        for (index, row) in cells(table).iter().enumerate() {
            text += &format!("| {} |\n", row.join(" | "));
            if index == 0 {
                text += "|---|--:|--:|--:|--:|---|\n";
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
