//! Five ways to share a board, side by side: `cargo bench -p ch4-shared-state --bench locks`.
//!
//! ```text
//!   for each kind of read (short, long), for each mix of reads and writes, for each number of threads
//!     for each round, for each kind in an order drawn anew                                          common::bench::rounds
//!       a board of 1024 messages ──► all threads at once, as fast as they can ──► calls/s, p99      measure.rs
//!   tables · JSON · Markdown                                                                        present.rs
//! ```
//!
//! A short read takes the last eight messages: less than a lock costs when its cache line comes from another core. A long one searches
//! all 1024: the lock hardly matters, but whether readers may search together does.
//!
//! Absolute numbers say more of the machine than of the locks. What is reported beside them is the ratio to the mutex in the same round:
//! its median over the rounds, and its range.

mod args;
mod measure;
mod present;

use std::process::ExitCode;

use anyhow::Context;
use ch4_shared_state::locks::Kind;
use clap::Parser;
use common::bench::machine;
use common::bench::rounds::{self, Rounds};
use common::support::interrupt;

use args::Args;
use measure::{Load, measure};
use present::{Results, Row};

fn main() -> ExitCode {
    let args = Args::parse();
    args.measure.run("cargo bench -p ch4-shared-state --bench locks", || run(&args))
}

fn run(args: &Args) -> anyhow::Result<()> {
    let interrupted = interrupt::flag().context("Ctrl-C cannot be handled")?;
    let seed = args.measure.seed();
    let loads = loads(args);
    let mut rounds = Rounds::new(args.measure.rounds(), seed, interrupted);
    rounds.expect(loads.len() * Kind::ALL.len());
    let mut results = Results { machine: machine::describe(), seed, rows: Vec::new() };
    for load in loads {
        let mut kinds = Kind::ALL.map(|kind| rounds::Row::named(kind.name()));
        rounds.run(&load.to_string(), &mut kinds, |kind| {
            Ok(measure(Kind::ALL[kind], load, args.measure.time(), seed, interrupted))
        });
        if rounds.is_interrupted() {
            rounds.finish();
            anyhow::bail!("interrupted: a round is not whole");
        }
        results.rows.extend(kinds.iter().zip(Kind::ALL).filter_map(|(row, kind)| {
            Some(Row {
                kind: kind.name(),
                read: load.read,
                reads: load.reads,
                threads: load.threads,
                calls_per_s: row.spread(|sample| Some(sample.calls_per_s))?,
                p99_us: row.spread(|sample| Some(sample.p99_us))?,
                to_mutex: row.ratio_to(&kinds[0], |sample| sample.calls_per_s)?,
                is_disturbed: row.is_disturbed(),
            })
        }));
    }
    rounds.finish();
    present::show(&results, args)
}

fn loads(args: &Args) -> Vec<Load> {
    let mut loads = Vec::new();
    for &read in &args.read {
        for &reads in &args.reads {
            loads.extend(args.threads.iter().map(|&threads| Load {
                read,
                reads,
                threads,
                batch: args.batch,
            }));
        }
    }
    loads
}
