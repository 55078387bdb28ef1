//! What was to be reached, and whether it was.

use serde::Serialize;

use super::rounds::Row;

/// One goal.
#[derive(Debug, Serialize)]
pub struct Goal {
    /// In words.
    pub goal: String,
    /// What was found, in words.
    pub found: String,
    /// Whether it was met; `None`: it was not measured.
    pub met: Option<bool>,
}

impl Goal {
    /// The median of the ratios reaches the factor. "Faster" needs more: every round's ratio above 1.
    pub fn at_least<S>(
        table: &str,
        own: &Row<S>,
        factor: f64,
        other: &Row<S>,
        value: impl Fn(&S) -> f64,
    ) -> Goal {
        let goal = format!("{table}: {} ≥ {factor} × {}", own.name, other.name);
        let Some(ratio) = own.ratio_to(other, value) else {
            let why = |row: &Row<S>| Some(format!("{} was skipped: {}", row.name, row.skipped.as_ref()?));
            let found = why(own).or_else(|| why(other)).unwrap_or_else(|| "not measured".into());
            return Goal { goal, found, met: None };
        };
        let is_faster = factor <= 1.0 || ratio.min > 1.0;
        Goal { goal, found: ratio.to_string(), met: Some(ratio.median >= factor && is_faster) }
    }

    /// Not met, whatever the figures, when something was not right about them.
    #[must_use]
    pub fn unless(self, fault: Option<&str>) -> Goal {
        match fault {
            Some(fault) if self.met.is_some() => {
                Goal { found: format!("{}, but {fault}", self.found), met: Some(false), ..self }
            }
            _ => self,
        }
    }

    /// A line for a terminal.
    pub fn plain(&self) -> String {
        format!("  {:<9}{}: {}\n", self.verdict(), self.goal, self.found)
    }

    /// A row of Markdown.
    pub fn markdown(&self) -> String {
        format!("| {} | {} | {} |\n", self.goal, self.found, self.verdict())
    }

    /// In a word.
    pub fn verdict(&self) -> &'static str {
        match self.met {
            Some(true) => "met",
            Some(false) => "MISSED",
            None => "–",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::undisturbed::Watched;
    use super::*;

    fn row(values: &[f64]) -> Row<f64> {
        let sample = |&sample: &f64| Some(Watched { sample, foreign: 0.0 });
        Row { samples: values.iter().map(sample).collect(), ..Row::named("row") }
    }

    #[test]
    fn faster_is_faster_in_every_round() {
        let other = row(&[1.0, 1.0, 1.0]);
        let met =
            |values: &[f64], factor| Goal::at_least("t", &row(values), factor, &other, |&value| value).met;
        assert_eq!(met(&[1.5, 1.1, 1.2], 1.2), Some(true));
        assert_eq!(met(&[1.5, 0.9, 1.2], 1.2), Some(false));
        assert_eq!(met(&[1.0, 0.8, 0.9], 0.9), Some(true));
        assert_eq!(met(&[], 0.9), None);
    }

    #[test]
    fn a_fault_is_no_goal_met() {
        let goal = Goal::at_least("t", &row(&[2.0]), 1.0, &row(&[1.0]), |&value| value);
        let goal = goal.unless(Some("wrong bytes"));
        assert_eq!((goal.verdict(), goal.found.as_str()), ("MISSED", "2.00 [2.00..2.00], but wrong bytes"));
    }
}
