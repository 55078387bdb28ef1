//! What was measured: samples in rows, rows in tables, and the ratios between rows of the same round.

use common::bench::goal::Goal;
use common::bench::machine::{self, Pins};
use common::bench::rounds;
use serde::Serialize;

use super::args::Args;
use super::peers::Peers;
use super::stall::StallSeen;

/// Everything.
#[derive(Debug, Serialize)]
pub struct Results {
    /// The seed of the order and of the simulator.
    pub seed: u64,
    /// Processor, number, kernel.
    pub machine: String,
    /// Who runs on which processor.
    pub pinning: String,
    /// How often each was measured.
    pub rounds: u32,
    /// How long, seconds.
    pub time_s: f64,
    /// The versions of the peers, or why they do not take part.
    pub peers: Vec<String>,
    /// One per load.
    pub tables: Vec<Table>,
    /// What two loops saw of a planted stall.
    pub stall: Option<StallSeen>,
    /// What was to be reached.
    pub goals: Vec<Goal>,
    /// How long all of it took, seconds.
    pub took_s: f64,
    /// It was ended before its time.
    pub interrupted: bool,
}

/// One load.
#[derive(Debug, Serialize)]
pub struct Table {
    /// The load's name.
    pub name: String,
    /// The load in words.
    pub about: String,
    /// What the ratio of a row is to.
    pub ratio_to: &'static str,
    /// Who took part, or did not.
    pub rows: Vec<Row>,
}

/// One contestant under one load; the row it is compared with is its base.
pub type Row = rounds::Row<Sample>;

/// One measurement.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Sample {
    /// Requests (or connections) answered per second.
    pub per_s: f64,
    /// The server's processor time per request, its children's included, microseconds.
    pub cpu_us: Option<f64>,
    /// The fraction of one processor that the simulator used. Near 1 it is the generator that was measured.
    pub generator_busy: Option<f64>,
    /// 99 of 100 answers were there within so many microseconds.
    pub p99_us: Option<f64>,
    /// Clients that had no answer in the whole measured time: the others took all of it.
    pub starved: u64,
    /// What was not right about it.
    pub fault: Option<String>,
}

impl Results {
    /// Nothing measured yet.
    pub fn new(seed: u64, args: &Args, pins: &Pins, peers: &Peers) -> Results {
        Results {
            seed,
            machine: machine::describe(),
            pinning: pins.describe(),
            rounds: args.measure.rounds(),
            time_s: args.measure.time().as_secs_f64(),
            peers: peers.versions(),
            tables: Vec::new(),
            stall: None,
            goals: Vec::new(),
            took_s: 0.0,
            interrupted: false,
        }
    }

    /// The table of that load, if it was run.
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

/// The first thing that was not right.
pub fn fault(row: &Row) -> Option<&str> {
    row.samples().find_map(|sample| sample.fault.as_deref())
}
