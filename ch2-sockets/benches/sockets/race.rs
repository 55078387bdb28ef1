//! The contestants of a table and what they share; the rounds themselves are `common::bench::rounds`.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use common::bench::machine::Pins;
use common::bench::rounds::Rounds;

use super::args::Args;
use super::results::{Row, Sample, Table};

/// A contestant and how it is measured.
pub struct Contestant<'a> {
    /// Its name.
    pub name: String,
    /// What to know of it.
    pub note: &'a str,
    /// Measures it for so long.
    pub measure: Box<dyn Fn(Duration) -> anyhow::Result<Sample> + 'a>,
}

impl<'a> Contestant<'a> {
    /// One that takes part.
    pub fn new(
        name: impl Into<String>,
        note: &'a str,
        measure: impl Fn(Duration) -> anyhow::Result<Sample> + 'a,
    ) -> Contestant<'a> {
        Contestant { name: name.into(), note, measure: Box::new(measure) }
    }
}

/// What all measurements of a run share.
pub struct Race<'a> {
    args: &'a Args,
    /// Who runs where.
    pub pins: Pins,
    /// The seed of the run.
    pub seed: u64,
    rounds: Rounds<'a>,
}

impl<'a> Race<'a> {
    /// Ready to start.
    pub fn new(args: &'a Args, pins: Pins, seed: u64, interrupted: &'a AtomicBool) -> Race<'a> {
        Race { args, pins, seed, rounds: Rounds::new(args.measure.rounds(), seed, interrupted) }
    }

    /// How long a measurement lasts.
    pub fn time(&self) -> Duration {
        self.args.measure.time()
    }

    /// Measures all, round by round. The first is what the others are compared with, and takes part always.
    pub fn run(&mut self, mut table: Table, time: Duration, field: &[Contestant<'_>]) -> Table {
        table.rows = field
            .iter()
            .enumerate()
            .map(|(index, contestant)| Row {
                note: contestant.note.into(),
                skipped: (!self.takes_part(index, &contestant.name)).then(|| "not asked for".into()),
                ..Row::named(&contestant.name)
            })
            .collect();
        self.rounds.run(&table.name, &mut table.rows, |index| (field[index].measure)(time));
        table
    }

    fn takes_part(&self, index: usize, name: &str) -> bool {
        index == 0 || self.args.only.is_empty() || self.args.only.iter().any(|only| name.starts_with(only))
    }

    /// Whether Ctrl-C has come.
    pub fn is_interrupted(&self) -> bool {
        self.rounds.is_interrupted()
    }

    /// Takes the line of progress off the screen.
    pub fn finish(&self) {
        self.rounds.finish();
    }
}
