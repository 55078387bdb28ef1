//! The results: a table for each mix, as Markdown that reads on a terminal too, and JSON.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use anyhow::Context;
use ch4_shared_state::locks::{KEPT, Kind};
use common::bench::Spread;
use serde::Serialize;

use super::args::{Args, Read};

/// All that was measured.
#[derive(Debug, Serialize)]
pub struct Results {
    /// Where.
    pub machine: String,
    /// With which seed.
    pub seed: u64,
    /// What came of it.
    pub rows: Vec<Row>,
}

/// One kind under one load.
#[derive(Debug, Serialize)]
pub struct Row {
    /// Which way of sharing.
    pub kind: &'static str,
    /// What a read was.
    pub read: Read,
    /// Reads among a hundred calls.
    pub reads: u32,
    /// How many threads.
    pub threads: u32,
    /// Calls of all threads per second.
    pub calls_per_s: Spread,
    /// Of a hundred calls 99 took at most so long, microseconds.
    pub p99_us: Spread,
    /// Calls per second over the mutex's of the same round.
    pub to_mutex: Spread,
    /// Other programs took more than a twentieth of the machine.
    pub is_disturbed: bool,
}

/// Prints the tables, and writes the files that were asked for.
///
/// # Errors
/// A file cannot be written.
pub fn show(results: &Results, args: &Args) -> anyhow::Result<()> {
    let tables = markdown(results, args);
    write!(std::io::stdout(), "{tables}")?;
    if let Some(path) = &args.markdown {
        write_file(path, &tables)?;
    }
    if let Some(path) = &args.json {
        write_file(path, &(serde_json::to_string_pretty(results)? + "\n"))?;
    }
    Ok(())
}

fn write_file(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn markdown(results: &Results, args: &Args) -> String {
    let mut text = format!(
        "{}; {} rounds of {:?}, seed {}.\n",
        results.machine,
        args.rounds(),
        args.time(),
        results.seed,
    );
    let tables = args.read.iter().flat_map(|&read| args.reads.iter().map(move |&reads| (read, reads)));
    for (read, reads) in tables {
        let what = match read {
            Read::Last => format!("take the last {} messages", args.batch),
            Read::Search => format!("search all {KEPT} messages"),
        };
        let _ = writeln!(text, "\n{reads} % reads, which {what}; {} % writes:\n", 100 - reads);
        let mut lines = vec![vec!["threads".to_owned(), String::new()]];
        lines[0].extend(["calls/s", "× mutex (range)", "p99"].map(str::to_owned));
        for row in results.rows.iter().filter(|row| (row.read, row.reads) == (read, reads)) {
            let threads =
                if row.kind == Kind::ALL[0].name() { row.threads.to_string() } else { String::new() };
            let mark = if row.is_disturbed { " !" } else { "" };
            lines.push(vec![
                threads,
                row.kind.to_owned(),
                rate(row.calls_per_s.median) + mark,
                ratio(row.to_mutex),
                microseconds(row.p99_us.median),
            ]);
        }
        text += &table(&lines);
    }
    text
}

/// Columns of equal width; all but the second are figures.
fn table(lines: &[Vec<String>]) -> String {
    let width =
        |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0).max(3);
    let widths: Vec<usize> = (0..lines[0].len()).map(width).collect();
    let mut text = String::new();
    for (number, line) in lines.iter().enumerate() {
        for (column, cell) in line.iter().enumerate() {
            let width = widths[column];
            let _ = if column == 1 {
                write!(text, "| {cell:<width$} ")
            } else {
                write!(text, "| {cell:>width$} ")
            };
        }
        text += "|\n";
        if number == 0 {
            for (column, width) in widths.iter().enumerate() {
                let dashes = "-".repeat(width + 1);
                text += &if column == 1 { format!("|-{dashes}") } else { format!("|{dashes}:") };
            }
            text += "|\n";
        }
    }
    text
}

fn rate(per_s: f64) -> String {
    match per_s {
        per_s if per_s >= 1e6 => format!("{:.2} M", per_s / 1e6),
        per_s if per_s >= 1e5 => format!("{:.0} k", per_s / 1e3),
        per_s => format!("{:.1} k", per_s / 1e3),
    }
}

/// Two digits behind the point; of what is under a tenth, two that count.
fn ratio(Spread { median, min, max }: Spread) -> String {
    let digits = if median < 0.1 && median > 0.0 { (1.0 - median.log10().floor()) as usize } else { 2 };
    format!("{median:.digits$} ({min:.digits$}–{max:.digits$})")
}

fn microseconds(us: f64) -> String {
    match us {
        us if us < 10.0 => format!("{us:.2} µs"),
        us if us < 10_000.0 => format!("{us:.0} µs"),
        us => format!("{:.1} ms", us / 1e3),
    }
}
