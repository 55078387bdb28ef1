//! What a bench has measured: contestants in rows, rows in tables, and the run that they are of.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};

use super::goal::Goal;
use super::rounds::Row;
use crate::support::cli::human;

/// Contestants under one load.
#[derive(Debug, Clone, Serialize)]
pub struct Table<S> {
    /// Its name.
    pub name: String,
    /// The load in words.
    pub about: String,
    /// The unit of the figure that is compared.
    pub unit: &'static str,
    /// What the figure is divided by to be in that unit.
    pub scale: f64,
    /// What the ratio of a row is to, in words.
    pub ratio_to: String,
    /// The contestants.
    pub rows: Vec<Row<S>>,
}

impl<S> Table<S> {
    /// A table of rates, without rows.
    pub fn new(name: impl Into<String>, about: impl Into<String>, unit: &'static str) -> Table<S> {
        Table {
            name: name.into(),
            about: about.into(),
            unit,
            scale: 1.0,
            ratio_to: String::new(),
            rows: Vec::new(),
        }
    }

    /// The row of that name.
    pub fn row(&self, name: &str) -> Option<&Row<S>> {
        self.rows.iter().find(|row| row.name == name)
    }
}

/// Everything that a run has measured.
#[derive(Debug, Serialize)]
pub struct Results<S> {
    /// Processor, number, kernel.
    pub machine: String,
    /// Who ran on which processor, where that matters.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub pinning: String,
    /// The seed of the order and of all that was drawn.
    pub seed: u64,
    /// How often each was measured.
    pub rounds: u32,
    /// How long each was measured, seconds.
    pub time_s: f64,
    /// The versions of the peers, or why they took no part.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub peers: Vec<String>,
    /// One per load.
    pub tables: Vec<Table<S>>,
    /// What only this bench has measured.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
    /// What was to be reached.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub goals: Vec<Goal>,
    /// How long all of it took, seconds.
    pub took_s: f64,
    /// It was ended before its time.
    pub interrupted: bool,
}

impl<S> Results<S> {
    /// The table of that name, if it was measured.
    pub fn table(&self, name: &str) -> Option<&Table<S>> {
        self.tables.iter().find(|table| table.name == name)
    }

    /// Whether one contestant reaches `factor` times another; `None` where one of them is not in the table, or the table was not asked
    /// for.
    pub fn at_least(
        &self,
        table: &str,
        own: &str,
        factor: f64,
        other: &str,
        value: impl Fn(&S) -> f64,
    ) -> Option<Goal> {
        let table = self.table(table)?;
        Some(Goal::at_least(&table.name, table.row(own)?, factor, table.row(other)?, value))
    }

    /// How long each was measured, for a reader.
    pub fn time(&self) -> String {
        human(Duration::from_secs_f64(self.time_s))
    }

    /// What the run is, as a line of Markdown, and its peers as another.
    pub fn head(&self) -> String {
        let pinning = if self.pinning.is_empty() { String::new() } else { format!("; {}", self.pinning) };
        let (machine, rounds, time, seed) = (&self.machine, self.rounds, self.time(), self.seed);
        let head = format!("{machine}{pinning}. {rounds} rounds of {time}, seed {seed}.\n");
        match self.peers.as_slice() {
            [] => head,
            peers => format!("{head}\nPeers: {}.\n", peers.join("; ")),
        }
    }
}
