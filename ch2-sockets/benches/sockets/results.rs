//! What was measured: samples in rows, rows in tables, and the ratios between rows of the same round.

use common::bench::Spread;
use serde::Serialize;

use super::goals::Goal;

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
#[derive(Debug, Default, Serialize)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// What to know of it.
    pub note: String,
    /// Why it was not measured.
    pub skipped: Option<String>,
    /// One per round; `None` where Ctrl-C came.
    pub samples: Vec<Option<Sample>>,
}

/// One measurement.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Sample {
    /// Bytes delivered, or requests answered, per second.
    pub per_s: f64,
    /// The server's processor time per MiB or per request, microseconds.
    pub cpu_us: Option<f64>,
    /// Datagrams sent again, of all that were sent.
    pub retransmitted: Option<f64>,
    /// The fraction of all processors that other programs used meanwhile.
    pub foreign: f64,
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

impl Row {
    /// A value of all its samples.
    pub fn spread(&self, value: impl Fn(&Sample) -> Option<f64>) -> Option<Spread> {
        Spread::of(self.samples.iter().flatten().filter_map(value).collect())
    }

    /// Its rates divided by another row's, round by round: the machine's moods are in both and cancel out.
    pub fn ratio_to(&self, other: &Row) -> Option<Spread> {
        let rounds = self.samples.iter().zip(&other.samples);
        let ratios = rounds.filter_map(|(own, others)| {
            let (own, others) = (own.as_ref()?.per_s, others.as_ref()?.per_s);
            (others > 0.0).then(|| own / others)
        });
        Spread::of(ratios.collect())
    }
}
