//! The rounds: everybody once per round, in an order drawn anew, and once more when the machine was not ours.

use common::bench::machine::Pins;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use super::args::Args;
use super::contestants::{Entry, Field, Who};
use super::generators;
use super::loads::{Load, Part};
use super::measure::Stand;
use super::peers::Peers;
use super::results::{Row, Sample, Table};

/// The part of the machine that other programs may take without a measurement being repeated.
pub const FOREIGN_LIMIT: f64 = 0.05;
/// How often one measurement is repeated.
const REPEATS: u32 = 2;
/// Of all measurements, one in so many may be repeated: on a busy machine the bench must end all the same.
const REPEATS_IN_ALL: u64 = 4;

/// The rounds of all loads.
pub struct Race<'a> {
    /// What all measurements share.
    pub stand: Stand<'a>,
    /// How long each is measured.
    pub time: Duration,
    rounds: u32,
    order: StdRng,
    repeats_left: u64,
    bar: ProgressBar,
}

impl<'a> Race<'a> {
    /// Nothing run yet.
    pub fn new(
        args: &Args,
        pins: &Pins,
        peers: &'a Peers,
        seed: u64,
        order: StdRng,
        interrupted: &'a AtomicBool,
    ) -> Race<'a> {
        let bar = ProgressBar::new(0);
        bar.set_style(
            ProgressStyle::with_template("{bar:30} {pos}/{len}, {eta} to go: {msg}")
                .unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        Race {
            stand: Stand { pins: *pins, peers, seed, interrupted },
            time: args.time(),
            rounds: args.rounds(),
            order,
            repeats_left: 0,
            bar,
        }
    }

    /// Counts what is to be measured: for the bar, and for how many repetitions there may be.
    pub fn expect(&mut self, parts: &[Part], field: &Field<'_>) {
        let contestants: usize = parts
            .iter()
            .map(|part| match (part, part.load()) {
                (Part::Generator, _) => generators::COUNT,
                (_, Some(load)) => field.entries(&load).iter().filter(|(_, entry)| entry.is_ok()).count(),
                _ => 0,
            })
            .sum();
        let measurements = contestants as u64 * u64::from(self.rounds);
        self.repeats_left = measurements.div_ceil(REPEATS_IN_ALL);
        self.bar.set_length(measurements);
    }

    /// Everybody under one load.
    ///
    /// # Errors
    /// The limit itself could not be measured.
    pub fn run(&mut self, load: Load, field: &Field<'_>) -> anyhow::Result<Table> {
        let entries = field.entries(&load);
        let mut rows: Vec<Row> = entries
            .iter()
            .map(|(who, entry)| Row {
                note: entry.as_ref().map_or_else(|_| String::new(), Entry::note),
                skipped: entry.as_ref().err().cloned(),
                base: (*who != Who::Limit).then_some(0),
                ..Row::named(who.name())
            })
            .collect();
        let (stand, time) = (self.stand, self.time);
        self.rounds(load.name, &mut rows, |index| match &entries[index].1 {
            Ok(entry) if entry.short => stand.measure(entry, &load, short(time)),
            Ok(entry) => stand.measure(entry, &load, time),
            Err(why) => anyhow::bail!("{why}"),
        });
        let limit = rows.first().filter(|limit| limit.samples.is_empty() && !self.is_interrupted());
        if let Some(why) = limit.and_then(|limit| limit.skipped.as_ref()) {
            anyhow::bail!("the limit cannot be measured: {why}");
        }
        Ok(Table { name: load.name.into(), about: load.about.into(), ratio_to: "limit", rows })
    }

    /// Measures every row that is not skipped once per round. Who fails is skipped from then on, and loses its samples:
    /// half a result is none.
    pub fn rounds(
        &mut self,
        name: &str,
        rows: &mut [Row],
        measure: impl Fn(usize) -> anyhow::Result<Sample>,
    ) {
        for round in 1..=self.rounds {
            let mut order: Vec<usize> = (0..rows.len()).collect();
            order.shuffle(&mut self.order);
            for index in order {
                if self.is_interrupted() {
                    return;
                }
                let row = &mut rows[index];
                if row.skipped.is_some() {
                    continue;
                }
                self.bar.set_message(format!("{name}, round {round}: {}", row.name));
                match self.undisturbed(|| measure(index)) {
                    // What Ctrl-C cut short is no sample.
                    Ok(_) if self.is_interrupted() => row.samples.push(None),
                    Ok(sample) => row.samples.push(Some(sample)),
                    Err(error) => {
                        row.skipped = Some(format!("{error:#}"));
                        row.samples.clear();
                    }
                }
                self.bar.inc(1);
            }
        }
    }

    /// Measures, and once more while other programs take too much; the least disturbed measurement counts.
    fn undisturbed(&mut self, measure: impl Fn() -> anyhow::Result<Sample>) -> anyhow::Result<Sample> {
        let mut best = measure()?;
        for _ in 0..REPEATS {
            if best.foreign <= FOREIGN_LIMIT || self.repeats_left == 0 || self.is_interrupted() {
                break;
            }
            self.repeats_left -= 1;
            let again = measure()?;
            if again.foreign < best.foreign {
                best = again;
            }
        }
        Ok(best)
    }

    /// What needs no rounds; `None` after Ctrl-C.
    ///
    /// # Errors
    /// What it says.
    pub fn uninterrupted<T>(
        &self,
        step: impl FnOnce(&Stand<'_>, Duration) -> anyhow::Result<T>,
    ) -> anyhow::Result<Option<T>> {
        if self.is_interrupted() {
            return Ok(None);
        }
        let done = step(&self.stand, self.time);
        if self.is_interrupted() { Ok(None) } else { done.map(Some) }
    }

    /// Whether Ctrl-C has come.
    pub fn is_interrupted(&self) -> bool {
        self.stand.interrupted.load(Ordering::SeqCst)
    }

    /// Takes the bar off the screen.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// How long those are measured whom no goal names.
fn short(time: Duration) -> Duration {
    (time / 5).max(time.min(Duration::from_millis(400)))
}
