//! The rounds: every contestant once in each, in an order drawn anew, and once more when others disturbed it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::bench::machine::{Foreign, Pins};
use indicatif::{ProgressBar, ProgressStyle};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use super::args::Args;
use super::results::{Row, Sample, Table};

/// From this share of the processors on, other programs disturb.
pub const FOREIGN_LIMIT: f64 = 0.05;
/// How often a disturbed measurement is repeated.
const REPEATS: u32 = 2;

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
    order: StdRng,
    interrupted: &'static AtomicBool,
    bar: ProgressBar,
}

impl<'a> Race<'a> {
    /// Ready to start.
    pub fn new(args: &'a Args, pins: Pins, seed: u64, interrupted: &'static AtomicBool) -> Race<'a> {
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{elapsed:>5} {wide_msg}") {
            bar.set_style(style);
        }
        Race { args, pins, seed, order: StdRng::seed_from_u64(seed), interrupted, bar }
    }

    /// How long a measurement lasts.
    pub fn time(&self) -> Duration {
        self.args.time()
    }

    /// Measures all, round by round. The first is what the others are compared with, and takes part always. Who fails is
    /// skipped from then on, and loses its samples: half a result is none.
    pub fn run(&mut self, mut table: Table, time: Duration, field: &[Contestant<'_>]) -> Table {
        table.rows = field
            .iter()
            .enumerate()
            .map(|(index, contestant)| Row {
                name: contestant.name.clone(),
                note: contestant.note.into(),
                skipped: (!self.takes_part(index, &contestant.name)).then(|| "not asked for".into()),
                samples: Vec::new(),
            })
            .collect();
        for round in 1..=self.args.rounds() {
            let mut order: Vec<usize> = (0..field.len()).collect();
            order.shuffle(&mut self.order);
            for index in order {
                if self.is_interrupted() {
                    return table;
                }
                let row = &mut table.rows[index];
                if row.skipped.is_some() {
                    continue;
                }
                self.bar.set_message(format!("{}, round {round}: {}", table.name, row.name));
                self.bar.tick();
                let measured = self.undisturbed(|| (field[index].measure)(time));
                match measured {
                    // What Ctrl-C cut short is no sample.
                    Ok(_) if self.is_interrupted() => row.samples.push(None),
                    Ok(sample) => row.samples.push(Some(sample)),
                    Err(error) => {
                        row.skipped = Some(format!("{error:#}"));
                        row.samples.clear();
                    }
                }
            }
        }
        table
    }

    /// Measures, and again while other programs take too much; the least disturbed measurement counts.
    fn undisturbed(&self, measure: impl Fn() -> anyhow::Result<Sample>) -> anyhow::Result<Sample> {
        let watched = || {
            let foreign = Foreign::watch();
            let mut sample = measure()?;
            sample.foreign = foreign.share();
            anyhow::Ok(sample)
        };
        let mut best = watched()?;
        for _ in 0..REPEATS {
            if best.foreign <= FOREIGN_LIMIT || self.is_interrupted() {
                break;
            }
            let again = watched()?;
            if again.foreign < best.foreign {
                best = again;
            }
        }
        Ok(best)
    }

    fn takes_part(&self, index: usize, name: &str) -> bool {
        index == 0 || self.args.only.is_empty() || self.args.only.iter().any(|only| name.starts_with(only))
    }

    /// Whether Ctrl-C has come.
    pub fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::SeqCst)
    }

    /// Takes the line of progress off the screen.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
