//! The results: a table for each mix, as Markdown that reads on a terminal too, and JSON.

use std::fmt::Write as _;
use std::io::Write as _;

use ch4_shared_state::locks::KEPT;
use common::bench::results::Results;
use common::bench::table::TextTable;

use super::args::{Args, Read};
use super::measure::{Load, Sample};

/// Prints the tables, and writes the files that were asked for.
///
/// # Errors
/// A file cannot be written.
pub fn show(results: &Results<Sample>, loads: &[Load], args: &Args) -> anyhow::Result<()> {
    let tables = markdown(results, loads, args);
    write!(std::io::stdout(), "{tables}")?;
    args.measure.write(&tables, results)
}

/// The tables of one mix as one table: it differs in the number of threads only.
fn markdown(results: &Results<Sample>, loads: &[Load], args: &Args) -> String {
    let mut text = results.head();
    let mixes = args.read.iter().flat_map(|&read| args.reads.iter().map(move |&reads| (read, reads)));
    for (read, reads) in mixes {
        let what = match read {
            Read::Last => format!("take the last {} messages", args.batch),
            Read::Search => format!("search all {KEPT} messages"),
        };
        let _ = writeln!(text, "\n{reads} % reads, which {what}; {} % writes:\n", 100 - reads);
        let mut cells =
            vec![["threads", "", "calls/s", "× mutex [range]", "p99"].map(str::to_owned).to_vec()];
        let tables = loads.iter().zip(&results.tables);
        for (load, table) in tables.filter(|(load, _)| (load.read, load.reads) == (read, reads)) {
            let mutex = &table.rows[0];
            for (index, row) in table.rows.iter().enumerate() {
                let per_s = row.spread(|sample| Some(sample.calls_per_s));
                let p99 = row.spread(|sample| Some(sample.p99_us));
                let ratio = row.ratio_to(mutex, |sample| sample.calls_per_s);
                let (Some(per_s), Some(p99), Some(ratio)) = (per_s, p99, ratio) else { continue };
                let mark = if row.is_disturbed() { " !" } else { "" };
                cells.push(vec![
                    if index == 0 { load.threads.to_string() } else { String::new() },
                    row.name.clone(),
                    rate(per_s.median) + mark,
                    ratio.to_string(),
                    microseconds(p99.median),
                ]);
            }
        }
        text += &TextTable { cells, left: vec![1], ..TextTable::default() }.markdown();
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
