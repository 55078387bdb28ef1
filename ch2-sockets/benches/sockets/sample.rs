//! One measurement, what is shown of it, and the contestants of a table.

use common::bench::layout::{Column, Layout, median};
use common::bench::{results, rounds};
use serde::Serialize;

/// Everything that was measured.
pub type Results = results::Results<Sample>;

/// Contestants under one load.
pub type Table = results::Table<Sample>;

/// A contestant, and how it is measured.
pub type Contestant = rounds::Contestant<'static, Sample>;

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

/// A table to be filled: all contestants are compared with the first.
pub struct Load {
    /// Without rows.
    pub table: Table,
    /// Who takes part.
    pub contestants: Vec<Contestant>,
    /// How many times as long as the others it is measured.
    pub times: u32,
}

/// What is shown beside rates and ratios.
pub const LAYOUT: Layout<Sample> = Layout {
    value: |sample| sample.per_s,
    columns: &[
        Column { head: "CPU µs", cell: |row| median(row, 2, |sample| sample.cpu_us) },
        Column {
            head: "sent again",
            cell: |row| {
                median(row, 1, |sample| sample.retransmitted.map(|again| again * 100.0))
                    .map(|again| again + " %")
            },
        },
    ],
    remarks: |_| [Vec::new(), Vec::new()],
    legend: "CPU: the server's, per MiB or per request.",
};

impl Load {
    /// A load with these contestants; those whose names begin as none of `only` are not asked for, but the first takes part always.
    pub fn restricted_to(self, only: &[String]) -> Load {
        let first = self.contestants.first().map_or(String::new(), |first| first.name.clone());
        let is_asked_for = |name: &str| only.is_empty() || only.iter().any(|only| name.starts_with(only));
        let contestants = self.contestants.into_iter().enumerate().map(|(index, contestant)| match index {
            0 => contestant,
            _ => {
                let why = (!is_asked_for(&contestant.name)).then(|| "not asked for".to_owned());
                contestant.skipped(why).compared_with(0)
            }
        });
        Load { contestants: contestants.collect(), table: Table { ratio_to: first, ..self.table }, ..self }
    }
}
