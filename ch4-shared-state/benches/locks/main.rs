//! Five ways to share a board, side by side: `cargo bench -p ch4-shared-state --bench locks`.
//!
//! ```text
//!   for each kind of read (short, long), for each mix of reads and writes, for each number of threads
//!     for each round
//!       for each kind, in an order drawn anew
//!         a board of 1024 messages ──► all threads at once, as fast as they can ──► calls/s, p99      measure.rs
//!         too much foreign CPU? once more, at most twice
//!   tables · JSON · Markdown                                                                          present.rs
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
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use ch4_shared_state::locks::Kind;
use clap::Parser;
use common::bench::Spread;
use common::bench::machine::{self, Foreign};
use common::interrupt;
use indicatif::{ProgressBar, ProgressStyle};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use args::Args;
use measure::{Load, Sample, measure};
use present::{Results, Row};

/// The part of the machine that other programs may take without a measurement being repeated.
const FOREIGN_LIMIT: f64 = 0.05;
/// How often one measurement is repeated.
const REPEATS: u32 = 2;

fn main() -> ExitCode {
    let args = Args::parse();
    if !args.bench {
        println!("This is a benchmark: cargo bench -p ch4-shared-state --bench locks -- --help");
        return ExitCode::SUCCESS;
    }
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> anyhow::Result<()> {
    let interrupted = interrupt::flag().context("Ctrl-C cannot be handled")?;
    let seed = args.seed.unwrap_or_else(rand::random);
    let mut order = StdRng::seed_from_u64(seed);
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
    let bar = progress(loads.len() * args.rounds() as usize * Kind::ALL.len());

    let mut results = Results { machine: machine::describe(), seed, rows: Vec::new() };
    for load in loads {
        let mut samples: Vec<Vec<Sample>> = vec![Vec::new(); Kind::ALL.len()];
        for _ in 0..args.rounds() {
            let mut kinds: Vec<usize> = (0..Kind::ALL.len()).collect();
            kinds.shuffle(&mut order);
            for kind in kinds {
                bar.set_message(format!("{}, {load}", Kind::ALL[kind].name()));
                samples[kind].push(undisturbed(Kind::ALL[kind], load, args, seed, interrupted));
                bar.inc(1);
            }
            if interrupted.load(Ordering::Relaxed) {
                bar.finish_and_clear();
                anyhow::bail!("interrupted: a round is not whole");
            }
        }
        results.rows.extend(rows(load, &samples));
    }
    bar.finish_and_clear();
    present::show(&results, args)
}

/// One measurement, repeated while other programs take too much of the machine.
fn undisturbed(kind: Kind, load: Load, args: &Args, seed: u64, interrupted: &AtomicBool) -> Sample {
    let mut repeats = 0;
    loop {
        let watch = Foreign::watch();
        let mut sample = measure(kind, load, args.time(), seed, interrupted);
        sample.foreign = watch.share();
        if sample.foreign <= FOREIGN_LIMIT || repeats == REPEATS || interrupted.load(Ordering::Relaxed) {
            return sample;
        }
        repeats += 1;
    }
}

/// One row for each kind; its ratios are to the mutex's of the same round.
fn rows(load: Load, samples: &[Vec<Sample>]) -> Vec<Row> {
    let of = |kind: usize, value: &dyn Fn(usize) -> f64| {
        Spread::of((0..samples[kind].len()).map(value).collect()).expect("there is a round")
    };
    (0..samples.len())
        .map(|kind| Row {
            kind: Kind::ALL[kind].name(),
            read: load.read,
            reads: load.reads,
            threads: load.threads,
            calls_per_s: of(kind, &|round| samples[kind][round].calls_per_s),
            p99_us: of(kind, &|round| samples[kind][round].p99_us),
            to_mutex: of(kind, &|round| samples[kind][round].calls_per_s / samples[0][round].calls_per_s),
            is_disturbed: samples[kind].iter().any(|sample| sample.foreign > FOREIGN_LIMIT),
        })
        .collect()
}

fn progress(length: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len}, {eta} to go: {msg}");
    ProgressBar::new(length as u64).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
