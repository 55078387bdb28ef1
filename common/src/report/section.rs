//! The rows of one scenario, with their ranks: the unit of the table and of the page.

use super::data::{Comparison, Row, ScenarioNote};
use super::number::counted;
use super::ranking::{Unreliable, ranks, unreliable};
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
    /// The rank of each row that has one.
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

/// Which scenarios have figures that say less than they seem to, so that some rows, or all, are not ranked; `None` when none has.
pub fn warning(comparison: &Comparison) -> Option<String> {
    let warned = sections(comparison).into_iter().filter(|section| !section.warning().is_empty());
    let names: Vec<&str> = warned.map(|section| section.name).collect();
    (!names.is_empty()).then(|| {
        format!(
            "WARNING: figures of {} are not reliable; each section says which, and why.",
            names.join(", ")
        )
    })
}

fn section<'a>(comparison: &'a Comparison, name: &'a str) -> Section<'a> {
    let rows: Vec<&Row> = comparison.rows.iter().filter(|row| row.scenario == name).collect();
    let note = comparison.scenarios.iter().find(|note| note.name == name);
    Section { name, note, workload: Workload::of(name), ranks: ranks(&rows), rows }
}

impl<'a> Section<'a> {
    /// The rows that were measured, each with its rank, if it has one.
    pub fn measured(&self) -> impl Iterator<Item = (&'a Row, Option<usize>)> + '_ {
        let rows = self.rows.iter().copied().zip(self.ranks.iter().copied());
        rows.filter(|(row, _)| row.skipped.is_none())
    }

    /// The rows that could not run, each with the reason.
    pub fn skipped(&self) -> impl Iterator<Item = (&'a Row, &'a str)> + '_ {
        self.rows.iter().filter_map(|row| Some((*row, row.skipped.as_deref()?)))
    }

    /// The other measured rows, which `row` is compared with.
    pub fn others(&self, row: &Row) -> Vec<&'a Row> {
        self.measured().map(|(other, _)| other).filter(|other| !std::ptr::eq(*other, row)).collect()
    }

    /// What makes the figures say less than they seem to; empty when nothing does.
    pub fn warning(&self) -> String {
        let (mut foreign, mut disturbed, mut others) = (0.0_f64, Vec::new(), Vec::new());
        for (row, _) in self.measured() {
            let model = row.model.as_str();
            match unreliable(row) {
                None => {}
                Some(Unreliable::Foreign(share)) => {
                    foreign = foreign.max(share);
                    disturbed.push(model);
                }
                Some(Unreliable::Wide(what)) => others.push(format!("{model}: its {what}")),
                Some(Unreliable::Wrong(clients)) => {
                    others.push(format!("{model}: it gave wrong bytes to {}", counted(clients, "client")));
                }
            }
        }
        let (measured, unreliable) = (self.measured().count(), disturbed.len() + others.len());
        let which = if disturbed.len() == measured { "all models".into() } else { disturbed.join(", ") };
        let busy =
            format!("other programs used up to {:.0} % of the machine beside {which}", foreign * 100.0);
        let why: Vec<String> = (foreign > 0.0).then_some(busy).into_iter().chain(others).collect();
        match unreliable {
            0 => String::new(),
            _ if 2 * unreliable > measured => format!("WARNING, nothing is ranked: {}.", why.join("; ")),
            _ => format!("WARNING, some are not ranked: {}.", why.join("; ")),
        }
    }

    /// Who is ahead, in a sentence; empty when nothing was ranked.
    pub fn verdict(&self) -> String {
        let ranked: Vec<(&Row, usize)> =
            self.measured().filter_map(|(row, rank)| Some((row, rank?))).collect();
        let best: Vec<&str> =
            ranked.iter().filter(|(_, rank)| *rank == 1).map(|(row, _)| row.model.as_str()).collect();
        let total = ranked.len();
        let by = self.workload.ranked_by();
        let once = if ranked.iter().all(|(row, _)| row.repetitions < 2) {
            " Measured once, so there is no spread: the ranks are the order of that one run."
        } else {
            ""
        };
        match best.as_slice() {
            [] if total == 0 => String::new(),
            [] => format!(
                "By {by} no model is the first, because none that could be has served all its clients.{once}"
            ),
            [_] if total == 1 => String::new(),
            [one] => format!("Ahead by {by}: {one}; no other model's range reaches it.{once}"),
            all if all.len() == total => {
                format!("By {by} all {total} models are level: their ranges overlap.{once}")
            }
            several => {
                format!(
                    "By {by} no model is clearly ahead of: {} ({} of {total}).{once}",
                    several.join(", "),
                    several.len()
                )
            }
        }
    }
}
