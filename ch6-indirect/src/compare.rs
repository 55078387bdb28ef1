//! `compare`: our broker beside RabbitMQ, NATS and redis, each with its own protocol, under one load from one generator. Row 6.9.
//!
//! ```text
//!   for each class                     class: fan-out, transient, durable, one at a time, publish only, half load, idle, backlog
//!     for each round
//!       for each contestant, in an order drawn anew
//!         its server, which runs on ──► connect, declare ──► warm up ──► publish, deliver … ──► has everything come?
//!   ratios of one round ──► median [lowest..highest] ──► table, JSON, page
//! ```
//!
//! | file | what it is |
//! |---|---|
//! | `args` | the arguments |
//! | `class` | what is asked, and what survives a crash |
//! | `contestant` | who takes part, and what it is called in which class |
//! | `server` | the servers: each our child, on a free port, with a directory of its own |
//! | `peers` | NATS and redis as wires of the engine |
//! | `connect` | a publisher and consumers of a class, for any of them |
//! | `measure` | one measurement of a rate or a time |
//! | `memory` | what idle connections and messages that wait need |
//! | `least` | the least server: the ceiling of the generator, and what the disk allows |
//! | `bare_log` | a log without a broker |
//! | `process` | memory of a server, and flushes of the disk |
//! | `goals` | what was to be reached |
//! | `show`, `page` | the tables for a terminal, and as a page |

mod args;
mod bare_log;
mod class;
mod connect;
mod contestant;
mod goals;
mod least;
mod measure;
mod memory;
mod page;
mod peers;
mod process;
mod server;
mod show;

use std::cell::RefCell;
use std::fs;
use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use common::bench::results::Table;
use common::bench::rounds::{Contestant as Measured, Row};
use common::bench::session::Session;
use common::support::cli::{stdout, writable};
use common::support::interrupt;

pub use args::CompareArgs;
pub use least::{LeastServerArgs, run as run_least};

use class::Class;
use contestant::Contestant;
use measure::Sample;
use server::Servers;

/// Compares, prints the tables, writes the files.
///
/// # Errors
/// A file that cannot be written. A contestant that cannot run is a row that says so.
pub fn run(args: &CompareArgs) -> anyhow::Result<ExitCode> {
    writable(&args.report)?;
    let pins = args.pinning.pins()?;
    let servers = Servers::find(pins, args.broker)?;
    let mut session: Session<'_, Sample, _> = Session::start(&args.measure, Some(pins), servers.describe())?;
    let classes = args.classes();
    session.expect(classes.iter().map(|class| args.contestants(*class).len()).sum());
    for &class in &classes {
        let contestants: Vec<Measured<'_, Sample>> = args
            .contestants(class)
            .into_iter()
            .map(|contestant| measured(class, contestant, args, &servers))
            .collect();
        let base = contestants.iter().position(|one| one.name == Contestant::RabbitmqClassic.name());
        let contestants = contestants.into_iter().enumerate().map(|(index, one)| match base {
            Some(base) if base != index => one.compared_with(base),
            _ => one,
        });
        let contestants: Vec<Measured<'_, Sample>> = contestants.collect();
        let table = Table {
            ratio_to: Contestant::RabbitmqClassic.name().into(),
            scale: class.scale(),
            ..Table::new(class.name(), class.about(), class.unit())
        };
        let time = session.time();
        session.run(table, time, &contestants);
        if class.has_ceiling()
            && let Some(table) = session.results.tables.last_mut()
        {
            mark_bound(table);
        }
        servers.rest();
    }
    drop(servers);
    let results = session.end(goals::judge);
    // The files first: stdout may be closed (`… | head`).
    if let Some(path) = &args.report {
        fs::write(path, page::html(results)).with_context(|| format!("cannot write {}", path.display()))?;
    }
    args.measure.write(&show::markdown(results), results)?;
    write!(stdout(), "{}", show::text(results))?;
    if results.interrupted {
        common::support::log::line("interrupted: what is above is not complete");
        return Ok(ExitCode::from(interrupt::STATUS));
    }
    Ok(ExitCode::SUCCESS)
}

/// A row at nine tenths of the ceiling or more is the generator's figure: it says so.
fn mark_bound(table: &mut Table<Sample>) {
    let median = |row: &Row<Sample>| row.spread(|sample| Some(sample.value)).map(|spread| spread.median);
    let Some(ceiling) = table.row(Contestant::Least.name()).and_then(median) else { return };
    for row in table.rows.iter_mut().filter(|row| row.name != Contestant::Least.name()) {
        if median(row).is_some_and(|rate| rate >= 0.9 * ceiling) {
            row.note = format!("generator-bound  {}", row.note).trim_end().to_owned();
        }
    }
}

/// A contestant in a class, as the rounds want it.
fn measured<'a>(
    class: Class,
    contestant: Contestant,
    args: &'a CompareArgs,
    servers: &'a Servers,
) -> Measured<'a, Sample> {
    // Memory is the same in each round, and whatever other programs do: it is measured once.
    let found: RefCell<Option<Sample>> = RefCell::default();
    let once = move |measure: &dyn Fn() -> anyhow::Result<Sample>| {
        if let Some(sample) = &*found.borrow() {
            return Ok(sample.clone());
        }
        Ok(found.borrow_mut().insert(measure()?).clone())
    };
    let measure = move |time: Duration| match class {
        Class::Idle => once(&|| memory::idle(contestant, args.idle(), servers)),
        Class::Backlog => once(&|| memory::backlog(contestant, args.messages(), servers)),
        _ => measure::measure(class, contestant, time, servers),
    };
    Measured::new(contestant.name(), contestant.note(class), measure).skipped(servers.obstacle(contestant))
}

#[cfg(test)]
mod tests {
    use common::bench::undisturbed::Watched;

    use super::*;

    #[test]
    fn what_is_close_to_the_ceiling_is_no_result() {
        let row = |name: &str, value: f64| Row {
            samples: vec![Some(Watched { sample: Sample { value, ..Sample::default() }, foreign: 0.0 })],
            ..Row::named(name)
        };
        let rows = vec![row("least", 100.0), row("nats", 90.0), row("ours", 89.0)];
        let mut table = Table { rows, ..Table::new("fan-out", "", "M/s") };
        mark_bound(&mut table);
        let notes: Vec<&str> = table.rows.iter().map(|row| row.note.as_str()).collect();
        assert_eq!(notes, ["", "generator-bound", ""]);
    }
}
