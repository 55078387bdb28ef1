//! The results: a table for each mix, as Markdown that reads on a terminal too, and JSON.

use std::fmt::Write as _;
use std::io::Write as _;

use ch4_shared_state::locks::{KEPT, Kind};
use common::bench::Spread;
use common::bench::table::Table;
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
    args.measure.write(&tables, results)
}

fn markdown(results: &Results, args: &Args) -> String {
    let mut text = format!(
        "{}; {} rounds of {:?}, seed {}.\n",
        results.machine,
        args.measure.rounds(),
        args.measure.time(),
        results.seed,
    );
    let tables = args.read.iter().flat_map(|&read| args.reads.iter().map(move |&reads| (read, reads)));
    for (read, reads) in tables {
        let what = match read {
            Read::Last => format!("take the last {} messages", args.batch),
            Read::Search => format!("search all {KEPT} messages"),
        };
        let _ = writeln!(text, "\n{reads} % reads, which {what}; {} % writes:\n", 100 - reads);
        let mut cells =
            vec![["threads", "", "calls/s", "× mutex [range]", "p99"].map(str::to_owned).to_vec()];
        for row in results.rows.iter().filter(|row| (row.read, row.reads) == (read, reads)) {
            let is_first = row.kind == Kind::ALL[0].name();
            let mark = if row.is_disturbed { " !" } else { "" };
            cells.push(vec![
                if is_first { row.threads.to_string() } else { String::new() },
                row.kind.to_owned(),
                rate(row.calls_per_s.median) + mark,
                row.to_mutex.to_string(),
                microseconds(row.p99_us.median),
            ]);
        }
        text += &Table { cells, left: vec![1], ..Table::default() }.markdown();
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

fn microseconds(us: f64) -> String {
    match us {
        us if us < 10.0 => format!("{us:.2} µs"),
        us if us < 10_000.0 => format!("{us:.0} µs"),
        us => format!("{:.1} ms", us / 1e3),
    }
}
