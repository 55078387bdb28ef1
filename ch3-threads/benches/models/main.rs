//! The speed bench: every model, the limit and the peers, side by side in one run.
//!
//! ```text
//!   for each load                      echo at 1, 50, 1000 connections · 16 deep · a connection per request
//!     for each round, for each contestant in an order drawn anew                  common::bench::rounds
//!       start it ──► warm up ──► measure ──► stop it, ask what it cost            measure.rs
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
use common::bench::arguments::conclude;
use common::support::interrupt;

use args::{Args, Hidden};
use contestants::Field;
use loads::Part;
use peers::Peers;
use race::Race;
use results::Results;

fn main() -> ExitCode {
    let args = Args::parse();
    match args.hidden {
        Some(Hidden::LimitServer { kind }) => conclude(limit::run(kind)),
        None => args.measure.run("cargo bench -p ch3-threads", || run(&args)),
    }
}

fn run(args: &Args) -> anyhow::Result<()> {
    let began = Instant::now();
    let interrupted = interrupt::flag()?;
    let (pins, seed) = (args.pinning.pins()?, args.measure.seed());
    let peers = Peers::find()?;
    let mut results = Results::new(seed, args, &pins, &peers);
    present::opening(&results);

    let field = Field { only: &args.only, full: args.full };
    let mut race = Race::new(args, pins, &peers, seed, interrupted);
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
    args.measure.write(&present::markdown(&results), &results)
}
