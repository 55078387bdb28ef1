//! `compare`: what a remote call costs. The same operations of the board over many wires, side by side. Row 5.7; notes, chapter 5, the
//! disadvantages of RPC.
//!
//! ```text
//!   for each load                      load: publish alone, read alone, 64 at once, and the tasks at which RPC is bad
//!     for each round
//!       for each contestant, in an order drawn anew
//!         its server, a process of its own ──► warm up ──► call, call, … ──► are all on the board? ──► stop it
//!     bytes per operation              counted once by a relay between client and server
//!   ratios of one round ──► median [lowest..highest] ──► table, JSON, page
//! ```
//!
//! | file | what it is |
//! |---|---|
//! | `args` | the arguments |
//! | `contestant` | who takes part, and its server |
//! | `wire` | a file each: the minimal server of a wire, if there is no other, and the client |
//! | `client` | the clients of all wires as one |
//! | `server` | `compare-server`: the minimal servers as a process |
//! | `load` | what is asked |
//! | `tally` | how long operations took |
//! | `measure` | one measurement: calls in a loop, one or many at once |
//! | `generator`, `framing` | the load generator: prepared requests, in a closed loop or an open one |
//! | `run` | what a measurement needs and finds |
//! | `parts`, `stopwatch` | where the time of a call goes |
//! | `shares` | the same as a table and a picture |
//! | `relay` | what goes over the wire, counted |
//! | `goals` | what was to be reached |
//! | `show`, `page` | the tables for a terminal, and as a page |
//! | `picture` | latency against the offered rate |

mod args;
mod client;
mod contestant;
mod framing;
mod generator;
mod goals;
mod load;
mod measure;
mod page;
mod parts;
mod picture;
mod relay;
mod run;
mod server;
mod shares;
mod show;
mod stopwatch;
mod tally;
mod wire;

use std::fs;
use std::io::Write;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;
use common::bench::machine::Pins;
use common::bench::results::{Results, Table};
use common::bench::rounds::Contestant as Measured;
use common::bench::session::Session;
use common::support::cli::{stdout, writable};
use common::support::interrupt;

pub use args::CompareArgs;
pub use server::{CompareServerArgs, run as run_server};

use contestant::{Contestant, Wanted};
use load::{Asked, Load};
use measure::Sample;
use relay::Counted;

/// Compares, prints the tables, writes the files.
///
/// # Errors
/// A file that cannot be written. A contestant that cannot run is a row that says so.
pub fn run(args: &CompareArgs) -> anyhow::Result<ExitCode> {
    writable(&args.report)?;
    let interrupted = interrupt::flag()?;
    let pins = args.pin.pins()?;
    let mut wanted = Wanted::find(&args.only);
    let mut session: Session<'_, Sample, _> = Session::start(&args.measure, Some(pins), wanted.peers())?;
    wanted.seed = session.seed;
    let loads = args.loads();
    let of = |load: Load| wanted.contestants.iter().copied().filter(move |one| one.is_for(load));
    session.expect(loads.iter().map(|asked| of(asked.load).count()).sum());
    let time = session.time();
    for &asked in &loads {
        let contestants: Vec<Measured<'_, Sample>> =
            of(asked.load).map(|contestant| measured(contestant, asked, &wanted, pins)).collect();
        let table = Table::new(asked.name(), asked.about(), asked.load.unit());
        session.run(table, if asked.load.is_task() { time / 4 } else { time }, &contestants);
    }
    let loads: Vec<Load> =
        loads.into_iter().map(|asked| asked.load).filter(|load| load.is_counted()).collect();
    let counted = count(&session.results, &loads, &wanted, interrupted);
    session.results.extra.insert("bytes".into(), serde_json::to_value(&counted)?);
    let results = session.end(goals::judge);
    // The files first: stdout may be closed (`… | head`).
    if let Some(path) = &args.report {
        let page = page::html(results, &counted);
        fs::write(path, page).with_context(|| format!("cannot write {}", path.display()))?;
    }
    args.measure.write(&show::markdown(results, &counted), results)?;
    write!(stdout(), "{}", show::text(results, &counted))?;
    if results.interrupted {
        common::support::log::line("interrupted: what is above is not complete");
        return Ok(ExitCode::from(interrupt::STATUS));
    }
    Ok(ExitCode::SUCCESS)
}

/// Counts the bytes of all that was measured.
fn count(
    results: &Results<Sample>,
    loads: &[Load],
    wanted: &Wanted,
    interrupted: &AtomicBool,
) -> Vec<Counted> {
    let mut counted = Vec::new();
    for &contestant in &wanted.contestants {
        if interrupted.load(Ordering::SeqCst) {
            break;
        }
        let row = |load: &Load| results.table(load.name())?.row(contestant.name());
        let is_measured = |load: &&Load| row(load).is_some_and(|row| row.skipped.is_none());
        let loads: Vec<Load> = loads.iter().filter(is_measured).copied().collect();
        if loads.is_empty() {
            continue;
        }
        match Counted::of(contestant, loads, wanted) {
            Ok(all) => counted.extend(all),
            Err(error) => tracing::warn!("the bytes of {} are not counted: {error:#}", contestant.name()),
        }
    }
    counted
}

/// A contestant under a load, as the rounds want it.
fn measured(contestant: Contestant, asked: Asked, wanted: &Wanted, pins: Pins) -> Measured<'_, Sample> {
    let measure = move |time: Duration| measure::measure(contestant, asked, time, wanted, pins);
    let why = wanted.obstacle(contestant).or_else(|| contestant.cannot(asked.load).map(str::to_owned));
    Measured::new(contestant.name(), contestant.note(asked.load), measure).skipped(why)
}
