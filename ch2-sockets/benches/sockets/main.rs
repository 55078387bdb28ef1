//! The speed bench of chapter 2: sessions over UDP, the lossy link and the UDP board beside peers, in one run.
//!
//! ```text
//!   bulk       16 MiB messages over a clean loopback: sessions · quinn · iperf3 (UDP, TCP) · TCP · the limit    bulk.rs
//!   lossy      the same through a bad link: sessions · stop-and-wait · TCP                                      lossy.rs
//!   requests   small requests to the UDP board and to a minimal UDP echo                                        requests.rs
//!     for each round, for each contestant in an order drawn anew                  common::bench::rounds
//!       start its server ──► warm up ──► measure ──► stop it                      race.rs
//!   tables · goals · Markdown · JSON                                              present.rs  goals.rs
//! ```
//!
//! What is reported is the ratio of two contestants in the same round, its median over the rounds, and its range.

mod args;
mod bulk;
mod child;
mod echo;
mod goals;
mod iperf;
mod limit;
mod lossy;
mod meter;
mod present;
mod quic;
mod race;
mod requests;
mod results;
mod servers;
mod sessions;
mod tcp;
mod tun;

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use common::bench::arguments::conclude;
use common::bench::machine;
use common::support::interrupt;

use args::{Args, BenchPart};
use race::Race;
use results::Results;

fn main() -> ExitCode {
    let args = Args::parse();
    match args.hidden {
        Some(server) => conclude(server.serve()),
        None => args.measure.run("cargo bench -p ch2-sockets", || run(&args)),
    }
}

fn run(args: &Args) -> anyhow::Result<()> {
    let began = Instant::now();
    let interrupted = interrupt::flag()?;
    let (pins, seed) = (args.pinning.pins()?, args.measure.seed());
    let mut results = Results {
        machine: machine::describe(),
        pinning: pins.describe(),
        seed,
        rounds: args.measure.rounds(),
        time_s: args.measure.time().as_secs_f64(),
        iperf: iperf::version().unwrap_or_else(|why| format!("SKIPPED, {why}")),
        ..Results::default()
    };
    present::opening(&results);
    let mut race = Race::new(args, pins, seed, interrupted);
    for part in args.parts() {
        if race.is_interrupted() {
            break;
        }
        results.tables.extend(match part {
            BenchPart::Bulk => vec![bulk::run(&mut race)],
            BenchPart::Lossy => lossy::run(&mut race),
            BenchPart::Requests => vec![requests::run(&mut race)],
        });
    }
    results.interrupted = race.is_interrupted();
    race.finish();
    results.goals = goals::judge(&results);
    results.took_s = began.elapsed().as_secs_f64();
    present::closing(&results);
    args.measure.write(&present::markdown(&results), &results)
}
