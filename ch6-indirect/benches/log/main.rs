//! The broker's log beside a bare writer of the same bytes, and on two key-value stores: `cargo bench -p ch6-indirect --bench log`.
//!
//! ```text
//!   for each size of a batch (1, 100, 1000 messages for an fdatasync)
//!     for each round, for each store in an order drawn anew                                     common::bench::rounds
//!       publish, and acknowledge what came 1000 messages before ──► messages/s, wait, fdatasync    measure.rs
//! ```
//!
//! A message is safe when its fdatasync has returned: all are of one durability class.

mod measure;
mod start;

use std::cell::RefCell;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use common::bench::arguments::{Arguments, Schedule};
use common::bench::goal::Goal;
use common::bench::layout::{Column, Layout, median};
use common::bench::results::Table;
use common::bench::rounds::Contestant;
use common::bench::session::Session;
use common::support::cli::parse;

use measure::{Kind, Sample, Subject};

/// The broker's log beside a bare writer, fjall and redb
#[derive(Debug, Parser)]
#[command(
    override_usage = "cargo bench -p ch6-indirect --bench log -- [OPTIONS]",
    after_help = "Examples:
  cargo bench -p ch6-indirect --bench log                        about four minutes
  cargo bench -p ch6-indirect --bench log -- --quick             a look, no result
  cargo bench -p ch6-indirect --bench log -- --batch 1000        one size

How to read it: a message of 128 bytes is published, and the one that came 1000 before it is acknowledged. An
fdatasync is for `batch` messages: twice as many wait at most. `× bare` is the median of the ratio to the bare writer in the same round."
)]
struct Args {
    /// How many messages share an fdatasync
    #[arg(long, value_delimiter = ',', value_name = "N,...", default_value = "1,100,1000", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    batch: Vec<u32>,
    /// With how many messages in the log a start is measured; 0: not at all
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(0..=100_000_000))]
    messages: u64,
    #[command(flatten)]
    measure: Arguments<Times>,
}

#[derive(Debug)]
struct Times;

impl Schedule for Times {
    const FULL: (u32, Duration) = (9, Duration::from_secs(2));
    const QUICK: (u32, Duration) = (3, Duration::from_millis(500));
}

const LAYOUT: Layout<Sample> = Layout {
    value: |sample| sample.messages_per_s,
    columns: &[
        Column { head: "wait p50 µs", cell: |row| median(row, 0, |sample| Some(sample.p50_us)) },
        Column { head: "p99 µs", cell: |row| median(row, 0, |sample| Some(sample.p99_us)) },
        Column { head: "fdatasync/s", cell: |row| median(row, 0, |sample| sample.syncs_per_s) },
        Column {
            head: "messages each",
            cell: |row| median(row, 1, |sample| Some(sample.messages_per_s / sample.syncs_per_s?)),
        },
    ],
    remarks: |_| [Vec::new(), Vec::new()],
    legend: "Of fjall and redb commits are counted: they make one fdatasync for each, and more of their own.",
};

fn main() -> ExitCode {
    let args: Args = parse();
    args.measure.run("cargo bench -p ch6-indirect --bench log", || run(&args))
}

fn run(args: &Args) -> anyhow::Result<()> {
    let mut session = Session::start(&args.measure, None, Vec::new())?;
    session.announce();
    // First: memory that was used before is found again by the allocator, and would not be seen.
    if args.messages > 0 {
        println!("{}\n", start::measure(args.messages)?);
    }
    session.expect(args.batch.len() * Kind::ALL.len());
    let time = session.time();
    let subjects = Kind::ALL.into_iter().map(|kind| Ok((kind, RefCell::new(Subject::new(kind)?))));
    let subjects = subjects.collect::<anyhow::Result<Vec<_>>>()?;
    for &batch in &args.batch {
        let contestants = subjects.iter().map(|(kind, subject)| {
            let measure = move |time| subject.borrow_mut().measure(u64::from(batch), time);
            let of = Contestant::new(kind.name(), kind.note(), measure);
            if *kind == Kind::Bare { of } else { of.compared_with(0) }
        });
        let about = "128 bytes, published and 1000 later acknowledged";
        let table =
            Table { ratio_to: "bare".into(), ..Table::new(format!("batch {batch}"), about, "messages/s") };
        session.run(table, time, &contestants.collect::<Vec<_>>());
    }
    session.finish(&LAYOUT, |results| {
        let tables = results.tables.iter();
        tables
            .map(|table| Goal::at_least(&table.name, &table.rows[1], 0.65, &table.rows[0], LAYOUT.value))
            .collect()
    })
}
