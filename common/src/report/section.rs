//! The rows of one scenario, with their ranks: the unit of the table and of the page.

use super::data::{Comparison, Row, ScenarioNote};
use super::ranking::ranks;
use super::workload::Workload;

/// One scenario of a comparison.
pub(super) struct Section<'a> {
    /// Its name on the command line.
    pub name: &'a str,
    /// What it asks, where the comparison says so.
    pub note: Option<&'a ScenarioNote>,
    /// What its figures mean.
    pub workload: Workload,
    /// Its rows, in the order of the comparison.
    pub rows: Vec<&'a Row>,
    /// The rank of each row; `None` where it was skipped.
    pub ranks: Vec<Option<usize>>,
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
    Section { name, note, workload: Workload::of(name), ranks: ranks(&rows), rows }
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
        let by = self.workload.ranked_by();
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
