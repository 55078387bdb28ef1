//! The speed bench: every model, the limit and the peers, side by side in one run.
//!
//! ```text
//!   for each load                      echo at 1, 50, 1000 connections · 16 deep · a connection per request
//!     for each round
//!       for each contestant, in an order drawn anew
//!         start it ──► warm up ──► measure ──► stop it, ask what it cost           measure.rs
//!         too much foreign CPU? once more, at most twice                          race.rs
//!   generators against each other, the planted stall                              generators.rs  stall.rs
//!   tables · goals · Markdown · JSON                                              present.rs  goals.rs
//! ```
//!
//! Absolute numbers say more of the machine than of the program, and two runs of one program differ by more than two
//! programs in one run. So what is reported is the *ratio* to the limit, a loop that does the least a server can do
//! (`limit.rs`), measured in the same round: its median over the rounds, and its range.

mod args;
mod contestants;
mod generators;
mod goals;
mod limit;
mod loads;
mod measure;
mod peers;
mod present;
mod race;
mod results;
mod stall;

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use common::bench::machine::Pins;
use common::interrupt;
use rand::SeedableRng;
use rand::rngs::StdRng;

use args::{Args, Hidden};
use contestants::Field;
use loads::Part;
use peers::Peers;
use race::Race;
use results::Results;

fn main() -> ExitCode {
    let args = Args::parse();
    if let Some(Hidden::LimitServer { kind }) = args.hidden {
        return conclude(limit::run(kind));
    }
    if !args.bench {
        println!("This is a benchmark: cargo bench -p ch3-threads -- --help");
        return ExitCode::SUCCESS;
    }
    conclude(run(&args))
}

fn conclude(done: anyhow::Result<()>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> anyhow::Result<()> {
    let began = Instant::now();
    let interrupted = interrupt::flag()?;
    let pins = if args.unpinned { Pins::none() } else { Pins::apart()? };
    let peers = Peers::find()?;
    let seed = args.seed.unwrap_or_else(rand::random);
    let mut results = Results::new(seed, args, &pins, &peers);
    present::opening(&results);

    let field = Field { only: &args.only, full: args.full };
    let mut race = Race::new(args, &pins, &peers, seed, StdRng::seed_from_u64(seed), interrupted);
    race.expect(args.parts(), &field);
    for &part in args.parts() {
        match part {
            Part::Generator => results.tables.push(generators::run(&mut race)?),
            Part::Stall => results.stall = race.uninterrupted(stall::run)?,
            _ => results.tables.extend(part.load().map(|load| race.run(load, &field)).transpose()?),
        }
        if race.is_interrupted() {
            break;
        }
    }
    results.interrupted = race.is_interrupted();
    race.finish();
    results.goals = goals::judge(&results);
    results.took_s = began.elapsed().as_secs_f64();
    present::closing(&results);
    present::files(&results, args)
}
