//! The rows of one scenario, with their ranks: the unit of the table and of the page.

use super::data::{Comparison, Row, ScenarioNote};
use super::ranking::ranks;

/// One scenario of a comparison.
pub(super) struct Section<'a> {
    /// Its name on the command line.
    pub name: &'a str,
    /// What it asks, where the comparison says so.
    pub note: Option<&'a ScenarioNote>,
    /// What its figures mean.
    pub kind: Kind,
    /// Its rows, in the order of the comparison.
    pub rows: Vec<&'a Row>,
    /// The rank of each row; `None` where it was skipped.
    pub ranks: Vec<Option<usize>>,
}

/// What a client comes for, and so which figure is the main one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It wants to be served and stays a while (Figures 4.5 to 4.11 of the notes).
    Stay,
    /// It sends one slow request (`simulating_many_requests.py` of the notes).
    Heavy,
    /// It sends requests as fast as they are answered.
    Load,
    /// It is one of thousands.
    Crowd,
}

impl Kind {
    /// The kind of the scenario with this name; one that is not known here is compared by its throughput.
    pub fn of(scenario: &str) -> Self {
        match scenario {
            "patience" | "stay" => Self::Stay,
            "heavy" => Self::Heavy,
            "crowd" => Self::Crowd,
            _ => Self::Load,
        }
    }

    /// Whether its times are the notes' seconds, scaled.
    pub fn is_scaled(self) -> bool {
        matches!(self, Self::Stay | Self::Heavy)
    }

    /// What its ranks go by.
    pub fn ranked_by(self) -> &'static str {
        match self {
            Self::Load => "clients served, then throughput",
            Self::Stay | Self::Heavy | Self::Crowd => "clients served, then the median wait",
        }
    }
}

/// The sections of a comparison, in the order in which their scenarios first appear.
pub(super) fn sections(comparison: &Comparison) -> Vec<Section<'_>> {
    let mut names: Vec<&str> = Vec::new();
    for row in &comparison.rows {
        if !names.contains(&row.scenario.as_str()) {
            names.push(&row.scenario);
        }
    }
    names.into_iter().map(|name| section(comparison, name)).collect()
}

fn section<'a>(comparison: &'a Comparison, name: &'a str) -> Section<'a> {
    let rows: Vec<&Row> = comparison.rows.iter().filter(|row| row.scenario == name).collect();
    let note = comparison.scenarios.iter().find(|note| note.name == name);
    Section { name, note, kind: Kind::of(name), ranks: ranks(&rows), rows }
}

impl<'a> Section<'a> {
    /// The rows that were measured, each with its rank.
    pub fn measured(&self) -> impl Iterator<Item = (&'a Row, usize)> + '_ {
        self.rows.iter().zip(&self.ranks).filter_map(|(row, rank)| Some((*row, (*rank)?)))
    }

    /// The rows that could not run, each with the reason.
    pub fn skipped(&self) -> impl Iterator<Item = (&'a Row, &'a str)> + '_ {
        self.rows.iter().filter_map(|row| Some((*row, row.skipped.as_deref()?)))
    }

    /// The other measured rows, which `row` is compared with.
    pub fn others(&self, row: &Row) -> Vec<&'a Row> {
        self.measured().map(|(other, _)| other).filter(|other| !std::ptr::eq(*other, row)).collect()
    }

    /// Who is ahead, in a sentence; empty when nothing was measured.
    pub fn verdict(&self) -> String {
        let best: Vec<&str> =
            self.measured().filter(|(_, rank)| *rank == 1).map(|(row, _)| row.model.as_str()).collect();
        let total = self.measured().count();
        let by = self.kind.ranked_by();
        let once = if self.measured().all(|(row, _)| row.repetitions < 2) {
            " Measured once, so there is no spread: the ranks are the order of that one run."
        } else {
            ""
        };
        match best.as_slice() {
            [] => String::new(),
            [_] if total == 1 => String::new(),
            [one] => format!("Ahead by {by}: {one}; no other model's range reaches it.{once}"),
            all if all.len() == total => {
                format!("By {by} all {total} models are level: their ranges overlap.{once}")
            }
            several => {
                format!(
                    "By {by} nobody is clearly ahead of: {} ({} of {total}).{once}",
                    several.join(", "),
                    several.len()
                )
            }
        }
    }
}
