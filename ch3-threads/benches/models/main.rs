//! The speed bench: every model, the limit and the peers, side by side in one run.
//!
//! ```text
//!   for each load                      echo at 1, 50, 1000 connections · 16 deep · a connection per request
//!     for each round, for each contestant in an order drawn anew                  common::bench::rounds
//!       start it ──► warm up ──► measure ──► stop it, ask what it cost            testbed.rs
//!   generators against each other, the planted stall                              generators.rs  stall.rs
//!   tables · goals · Markdown · JSON                                              sample.rs  goals.rs
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
mod peers;
mod sample;
mod stall;
mod testbed;

use std::process::ExitCode;
use std::time::Duration;

use common::bench::arguments::conclude;
use common::bench::rounds::Contestant;
use common::bench::session::Session;
use common::support::cli::parse;
use common::support::interrupt;

use args::{Args, Hidden, Times};
use contestants::{Entry, Field, Who};
use loads::{Load, Part};
use peers::Peers;
use sample::{LAYOUT, Sample, Table};
use testbed::Testbed;

fn main() -> ExitCode {
    let args: Args = parse();
    match args.hidden {
        Some(Hidden::LimitServer { kind }) => conclude(limit::run(kind)),
        None => args.measure.run("cargo bench -p ch3-threads", || run(&args)),
    }
}

fn run(args: &Args) -> anyhow::Result<()> {
    let peers = Peers::find()?;
    let mut session = Session::start(&args.measure, Some(args.pinning.pins()?), peers.versions())?;
    session.announce();
    let testbed =
        Testbed { pins: session.pins, peers: &peers, seed: session.seed, interrupted: interrupt::flag()? };
    let field = Field { only: &args.only, full: args.full };
    session.expect(count(args.parts(), &field));
    let mut stall = None;
    for &part in args.parts() {
        match (part, part.load()) {
            (Part::Generator, _) => generators::run(&mut session, &testbed)?,
            (_, Some(load)) => under_load(&mut session, &testbed, load, &field)?,
            (_, None) => {
                let seen = stall::run(&testbed, session.time());
                // What Ctrl-C cut short is no result.
                stall = if session.is_interrupted() { None } else { Some(seen?) };
            }
        }
        if session.is_interrupted() {
            break;
        }
    }
    session.results.extra.insert("stall".into(), serde_json::to_value(stall)?);
    session.finish(&LAYOUT, |results| goals::judge(results, stall))
}

/// How many contestants all tables have together.
fn count(parts: &[Part], field: &Field<'_>) -> usize {
    let contestants = |part: &Part| match part.load() {
        Some(load) => field.entries(&load).iter().filter(|(_, entry)| entry.is_ok()).count(),
        None if *part == Part::Generator => generators::COUNT,
        None => 0,
    };
    parts.iter().map(contestants).sum()
}

/// Measures the field under one load.
fn under_load(
    session: &mut Session<'_, Sample, Times>,
    testbed: &Testbed<'_>,
    load: Load,
    field: &Field<'_>,
) -> anyhow::Result<()> {
    let contestants: Vec<_> = field
        .entries(&load)
        .into_iter()
        .map(|(who, entry)| {
            let note = entry.as_ref().map_or_else(|_| String::new(), Entry::note);
            let skipped = entry.as_ref().err().cloned();
            let measure = move |time| match &entry {
                Ok(entry) if entry.short => testbed.measure(entry, &load, short(time)),
                Ok(entry) => testbed.measure(entry, &load, time),
                Err(why) => anyhow::bail!("{why}"),
            };
            let contestant = Contestant::new(who.name(), note, measure).skipped(skipped);
            if who == Who::Limit { contestant } else { contestant.compared_with(0) }
        })
        .collect();
    let unit = if load.connects() { "connections/s" } else { "requests/s" };
    let table = Table { ratio_to: "limit".into(), ..Table::new(load.name, load.about, unit) };
    session.run(table, session.time(), &contestants);
    let limit = session.results.table(load.name).and_then(|table| table.rows.first());
    let why = limit.filter(|limit| limit.samples.is_empty()).and_then(|limit| limit.skipped.as_ref());
    match why {
        Some(why) if !session.is_interrupted() => anyhow::bail!("the limit cannot be measured: {why}"),
        _ => Ok(()),
    }
}

/// How long those are measured that no goal names.
fn short(time: Duration) -> Duration {
    (time / 5).max(time.min(Duration::from_millis(400)))
}
