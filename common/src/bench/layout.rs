//! How results are shown: a table per load and the goals, for a terminal and as Markdown.

use super::goal::Goal;
use super::results::{Results, Table};
use super::rounds::Row;
use super::table::TextTable;

const RATIOS: &str = "Ratios: the median over the rounds [lowest..highest], each of one round.";
/// What `!` before a note means.
pub const DISTURBED: &str =
    "!: other programs took more than 5 % of the machine in some round, and repeating did not help.";

/// A column that only this bench has.
pub struct Column<S> {
    /// Its heading, with the unit.
    pub head: &'static str,
    /// What stands in a row, if anything.
    pub cell: fn(&Row<S>) -> Option<String>,
}

/// What a bench shows of its rows, beside their names, rates and ratios.
pub struct Layout<S: 'static> {
    /// The figure that is compared.
    pub value: fn(&S) -> f64,
    /// The columns behind the ratio.
    pub columns: &'static [Column<S>],
    /// What the reader must know of a row before and behind its note.
    pub remarks: fn(&Row<S>) -> [Vec<String>; 2],
    /// Lines below the tables.
    pub legend: &'static str,
}

impl<S> Layout<S> {
    /// For a terminal.
    pub fn plain(&self, results: &Results<S>) -> String {
        let tables: String = self.tables(results).map(|table| table.plain() + "\n").collect();
        let goals: String = results.goals.iter().map(Goal::plain).collect();
        format!("{tables}GOALS\n{goals}\n{}\n", self.legend())
    }

    /// The same as Markdown.
    pub fn markdown(&self, results: &Results<S>) -> String {
        let tables: String = self.tables(results).map(|table| table.markdown() + "\n").collect();
        let goals: String = results.goals.iter().map(Goal::markdown).collect();
        let legend = self.legend().replace('\n', "\\\n");
        format!(
            "{}\n{tables}### Goals\n\n| goal | found | |\n|---|---|---|\n{goals}\n{legend}\n",
            results.head()
        )
    }

    fn legend(&self) -> String {
        format!("{RATIOS}\n{}\n{DISTURBED}", self.legend)
    }

    /// The tables of the results, in their order.
    pub fn tables(&self, results: &Results<S>) -> impl Iterator<Item = TextTable> {
        results.tables.iter().map(|table| {
            let ratio = format!("× {}", table.ratio_to);
            let own = self.columns.iter().map(|column| column.head);
            let head: Vec<&str> = ["", table.unit, &ratio].into_iter().chain(own).chain([""]).collect();
            let title = format!("{}: {}", table.name, table.about);
            TextTable::of(title, &head, &table.rows, |row| self.cells(table, row))
        })
    }

    fn cells(&self, table: &Table<S>, row: &Row<S>) -> Vec<String> {
        let dash = || "–".to_owned();
        let rate = row.spread(|sample| Some((self.value)(sample) / table.scale));
        let rate = rate.map(|rate| match table.scale {
            scale if scale > 1.0 => format!("{:.2}", rate.median),
            _ => thousands(rate.median),
        });
        let ratio = match row.base {
            Some(base) => row.ratio_to(&table.rows[base], self.value).map(|ratio| ratio.to_string()),
            None => Some("1".into()),
        };
        let own = self.columns.iter().map(|column| (column.cell)(row).unwrap_or_else(dash));
        let [before, behind] = (self.remarks)(row);
        let disturbed = row.is_disturbed().then(|| "!".to_owned());
        let notes: Vec<String> = disturbed
            .into_iter()
            .chain(before)
            .chain([row.note.clone()])
            .chain(behind)
            .filter(|note| !note.is_empty())
            .collect();
        [row.name.clone(), rate.unwrap_or_else(dash), ratio.unwrap_or_else(dash)]
            .into_iter()
            .chain(own)
            .chain([notes.join("  ")])
            .collect()
    }
}

/// The median of a figure, with so many digits behind the point.
pub fn median<S>(row: &Row<S>, digits: usize, value: impl Fn(&S) -> Option<f64>) -> Option<String> {
    row.spread(value).map(|spread| format!("{:.digits$}", spread.median))
}

/// A whole number with its thousands apart.
fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::super::undisturbed::Watched;
    use super::*;

    #[derive(serde::Serialize)]
    struct Sample {
        per_s: f64,
    }

    fn results() -> Results<Sample> {
        let row = |name: &str, base, values: [f64; 2], foreign| Row {
            base,
            samples: values.map(|per_s| Some(Watched { sample: Sample { per_s }, foreign })).into(),
            ..Row::named(name)
        };
        let skipped = Row { skipped: Some("not installed".into()), ..Row::named("redis") };
        let own = Row { note: "of ours".into(), ..row("epoll", Some(0), [1000.0, 4000.0], 0.5) };
        let rows = vec![row("limit", None, [2000.0, 4000.0], 0.0), own, skipped];
        let mut results = Results {
            machine: "a machine".into(),
            pinning: String::new(),
            seed: 7,
            rounds: 2,
            time_s: 0.5,
            peers: vec!["redis: not installed".into()],
            tables: vec![Table {
                rows,
                ratio_to: "limit".into(),
                ..Table::new("echo", "a load", "requests/s")
            }],
            extra: Map::new(),
            goals: Vec::new(),
            took_s: 1.0,
            interrupted: false,
        };
        let goal = |one, factor, other| results.at_least("echo", one, factor, other, |sample| sample.per_s);
        results.goals =
            [goal("epoll", 0.7, "limit"), goal("epoll", 0.7, "redis"), goal("epoll", 1.0, "nginx")]
                .into_iter()
                .flatten()
                .collect();
        results
    }

    const LAYOUT: Layout<Sample> = Layout {
        value: |sample| sample.per_s,
        columns: &[Column { head: "twice", cell: |row| median(row, 1, |sample| Some(sample.per_s * 2.0)) }],
        remarks: |row| [vec![], if row.base.is_some() { vec!["slow".into()] } else { vec![] }],
        legend: "twice: the double.",
    };

    #[test]
    fn a_terminal_shows_rates_ratios_columns_notes_and_goals() {
        let expected = "echo: a load
         requests/s            × limit   twice
  limit       3 000                  1  6000.0
  epoll       2 500  0.75 [0.50..1.00]  5000.0  !  of ours  slow
  SKIPPED redis: not installed

GOALS
  met      echo: epoll ≥ 0.7 × limit: 0.75 [0.50..1.00]
  –        echo: epoll ≥ 0.7 × redis: redis was skipped: not installed

Ratios: the median over the rounds [lowest..highest], each of one round.
twice: the double.
!: other programs took more than 5 % of the machine in some round, and repeating did not help.
";
        assert_eq!(LAYOUT.plain(&results()), expected);
    }

    #[test]
    fn markdown_begins_with_the_run_and_has_the_same_rows() {
        let text = LAYOUT.markdown(&results());
        assert!(
            text.starts_with(
                "a machine. 2 rounds of 500ms, seed 7.\n\nPeers: redis: not installed.\n\n### echo: a load\n"
            ),
            "{text}"
        );
        assert!(
            text.contains("| epoll |      2 500 | 0.75 [0.50..1.00] | 5000.0 | !  of ours  slow |"),
            "{text}"
        );
        assert!(text.contains("| echo: epoll ≥ 0.7 × limit | 0.75 [0.50..1.00] | met |"), "{text}");
    }

    #[test]
    fn the_json_has_what_the_bench_adds_and_nothing_empty() {
        let mut results = results();
        results.extra.insert("stall".into(), 7.into());
        let json = serde_json::to_value(&results).unwrap();
        assert_eq!((&json["stall"], json.get("pinning")), (&7.into(), None));
        assert_eq!(json["tables"][0]["rows"][1]["samples"].as_array().map(Vec::len), Some(2));
    }
}
