//! What was measured: samples in rows, rows in tables, and the ratios between rows of the same round.

use common::bench::goal::Goal;
use common::bench::rounds;
use serde::Serialize;

/// Everything.
#[derive(Debug, Default, Serialize)]
pub struct Results {
    /// The machine.
    pub machine: String,
    /// Who ran where.
    pub pinning: String,
    /// Seed of the order and of the links.
    pub seed: u64,
    /// How often each was measured.
    pub rounds: u32,
    /// How long each was measured, seconds.
    pub time_s: f64,
    /// The version of iperf3, or why it took no part.
    pub iperf: String,
    /// The tables.
    pub tables: Vec<Table>,
    /// What was to be reached.
    pub goals: Vec<Goal>,
    /// How long it took, seconds.
    pub took_s: f64,
    /// Whether Ctrl-C cut it short.
    pub interrupted: bool,
}

/// Contestants under one load.
#[derive(Debug, Serialize)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// The load in words.
    pub about: String,
    /// The unit of a rate.
    pub unit: &'static str,
    /// How a rate is divided to be in that unit.
    pub scale: f64,
    /// A contestant each; the first is what the others are compared with.
    pub rows: Vec<Row>,
}

/// A contestant.
pub type Row = rounds::Row<Sample>;

/// One measurement.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Sample {
    /// Bytes delivered, or requests answered, per second.
    pub per_s: f64,
    /// The server's processor time per MiB or per request, microseconds.
    pub cpu_us: Option<f64>,
    /// Datagrams sent again, of all that were sent.
    pub retransmitted: Option<f64>,
}

impl Results {
    /// The table of that name, if it was measured.
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == name)
    }
}

impl Table {
    /// The row of that name.
    pub fn row(&self, name: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.name == name)
    }
}
