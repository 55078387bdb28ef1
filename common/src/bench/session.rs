//! A run of a bench, from its first line to its files.
//!
//! ```text
//!   Session::start ──► run: a table ──► run: a table … ──► finish: goals, tables, files
//! ```

use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::Map;

use super::arguments::{Arguments, Schedule};
use super::goal::Goal;
use super::layout::Layout;
use super::machine::{self, Pins};
use super::results::{Results, Table};
use super::rounds::{Contestant, Rounds};
use crate::support::cli::human;
use crate::support::interrupt;

/// A run under way.
#[derive(Debug)]
pub struct Session<'a, S, T: Schedule> {
    /// Who runs where.
    pub pins: Pins,
    /// The seed of the run.
    pub seed: u64,
    /// What was measured so far.
    pub results: Results<S>,
    arguments: &'a Arguments<T>,
    rounds: Rounds<'static>,
    began: Instant,
}

impl<'a, S: Serialize, T: Schedule> Session<'a, S, T> {
    /// Nothing is measured yet. `pins`: `None` for a bench in one process. `peers`: their versions, or why they take no part.
    ///
    /// # Errors
    /// What sigaction(2) says.
    pub fn start(
        arguments: &'a Arguments<T>,
        pins: Option<Pins>,
        peers: Vec<String>,
    ) -> anyhow::Result<Session<'a, S, T>> {
        let seed = arguments.seed();
        Ok(Session {
            pins: pins.unwrap_or_else(Pins::none),
            seed,
            results: Results {
                machine: machine::describe(),
                pinning: pins.map(Pins::describe).unwrap_or_default(),
                seed,
                rounds: arguments.rounds(),
                time_s: arguments.time().as_secs_f64(),
                peers,
                tables: Vec::new(),
                extra: Map::new(),
                goals: Vec::new(),
                took_s: 0.0,
                interrupted: false,
            },
            arguments,
            rounds: Rounds::new(arguments.rounds(), seed, interrupt::flag()?),
            began: Instant::now(),
        })
    }

    /// Says what the run is, before it begins.
    pub fn announce(&self) {
        let Results { machine, pinning, peers, seed, rounds, .. } = &self.results;
        println!("{machine}\n{pinning}");
        for peer in peers {
            println!("  {peer}");
        }
        let time = self.results.time();
        println!("seed {seed}, {rounds} rounds of {time}, in an order drawn anew for each\n");
    }

    /// So many contestants are to come in all tables: the progress can be shown as a bar.
    pub fn expect(&mut self, contestants: usize) {
        self.rounds.expect(contestants);
    }

    /// How long a measurement lasts.
    pub fn time(&self) -> Duration {
        self.arguments.time()
    }

    /// Measures all contestants of a table once per round, each for `time`.
    pub fn run(&mut self, mut table: Table<S>, time: Duration, contestants: &[Contestant<'_, S>]) {
        table.rows = contestants.iter().map(Contestant::row).collect();
        self.rounds.run(&table.name, &mut table.rows, |index| (contestants[index].measure)(time));
        self.results.tables.push(table);
    }

    /// Whether Ctrl-C has come.
    pub fn is_interrupted(&self) -> bool {
        self.rounds.is_interrupted()
    }

    /// The measurements are over: the line of progress goes, and the goals are judged.
    pub fn end(&mut self, judge: impl FnOnce(&Results<S>) -> Vec<Goal>) -> &Results<S> {
        self.rounds.finish();
        self.results.interrupted = self.is_interrupted();
        self.results.took_s = self.began.elapsed().as_secs_f64();
        self.results.goals = judge(&self.results);
        &self.results
    }

    /// [Ends](Session::end) the run, prints the tables and the goals, and writes the files that were asked for.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn finish(
        mut self,
        layout: &Layout<S>,
        judge: impl FnOnce(&Results<S>) -> Vec<Goal>,
    ) -> anyhow::Result<()> {
        let arguments = self.arguments;
        let results = self.end(judge);
        print!("{}", layout.plain(results));
        let interrupted = if results.interrupted { "; interrupted, so what is above is not all" } else { "" };
        println!("It took {}{interrupted}.", human(Duration::from_secs(results.took_s as u64)));
        arguments.write(&layout.markdown(results), results)
    }
}
