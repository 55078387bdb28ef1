//! The rounds of all loads. What a round is, is in `common::bench::rounds`.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use common::bench::machine::Pins;
use common::bench::rounds::Rounds;

use super::args::Args;
use super::contestants::{Entry, Field, Who};
use super::generators;
use super::loads::{Load, Part};
use super::measure::Stand;
use super::peers::Peers;
use super::results::{Row, Table};

/// The rounds of all loads.
pub struct Race<'a> {
    /// What all measurements share.
    pub stand: Stand<'a>,
    /// How long each is measured.
    pub time: Duration,
    /// Everybody once in each.
    pub rounds: Rounds<'a>,
}

impl<'a> Race<'a> {
    /// Nothing run yet.
    pub fn new(
        args: &Args,
        pins: Pins,
        peers: &'a Peers,
        seed: u64,
        interrupted: &'a AtomicBool,
    ) -> Race<'a> {
        Race {
            stand: Stand { pins, peers, seed, interrupted },
            time: args.measure.time(),
            rounds: Rounds::new(args.measure.rounds(), seed, interrupted),
        }
    }

    /// Counts what is to be measured, so that a bar can show how far it is.
    pub fn expect(&mut self, parts: &[Part], field: &Field<'_>) {
        let contestants: usize = parts
            .iter()
            .map(|part| match (part, part.load()) {
                (Part::Generator, _) => generators::COUNT,
                (_, Some(load)) => field.entries(&load).iter().filter(|(_, entry)| entry.is_ok()).count(),
                _ => 0,
            })
            .sum();
        self.rounds.expect(contestants);
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
        self.rounds.run(load.name, &mut rows, |index| match &entries[index].1 {
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
        self.rounds.is_interrupted()
    }

    /// Takes the bar off the screen.
    pub fn finish(&self) {
        self.rounds.finish();
    }
}

/// How long those are measured whom no goal names.
fn short(time: Duration) -> Duration {
    (time / 5).max(time.min(Duration::from_millis(400)))
}
