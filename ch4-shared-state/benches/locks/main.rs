//! Five ways to share a board, side by side: `cargo bench -p ch4-shared-state --bench locks`.
//!
//! ```text
//!   for each kind of read (short, long), for each mix of reads and writes, for each number of threads
//!     for each round, for each sharing in an order drawn anew                                          common::bench::rounds
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

use ch4_shared_state::locks::Sharing;
use common::bench::results::Table;
use common::bench::rounds::Contestant;
use common::bench::session::Session;
use common::support::cli::parse;
use common::support::interrupt;

use args::Args;
use measure::{Load, measure};

fn main() -> ExitCode {
    let args: Args = parse();
    args.measure.run("cargo bench -p ch4-shared-state --bench locks", || run(&args))
}

fn run(args: &Args) -> anyhow::Result<()> {
    let interrupted = interrupt::flag()?;
    let loads = loads(args);
    let mut session = Session::start(&args.measure, None, Vec::new())?;
    session.expect(loads.len() * Sharing::ALL.len());
    let (seed, time) = (session.seed, session.time());
    for &load in &loads {
        let contestant = |sharing: Sharing| {
            let of = Contestant::new(sharing.name(), "", move |time| {
                Ok(measure(sharing, load, time, seed, interrupted))
            });
            if sharing == Sharing::ALL[0] { of } else { of.compared_with(0) }
        };
        let ratio_to = Sharing::ALL[0].name().into();
        let table = Table { ratio_to, ..Table::new(load.to_string(), "", "calls/s") };
        session.run(table, time, &Sharing::ALL.map(contestant));
        if session.is_interrupted() {
            session.end(|_| Vec::new());
            anyhow::bail!("interrupted: a round is not whole");
        }
    }
    present::show(session.end(|_| Vec::new()), &loads, args)
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
