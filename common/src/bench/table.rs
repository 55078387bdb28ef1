//! The tables of a bench: columns of equal width, which a terminal shows and Markdown takes.

use super::rounds::Row;

/// A table of cells, each a text.
#[derive(Debug, Default)]
pub struct TextTable {
    /// What it is about; empty: that is said elsewhere.
    pub title: String,
    /// The head, then a row for everybody who was measured.
    pub cells: Vec<Vec<String>>,
    /// The columns that begin where they begin. The others are numbers, and end where they end.
    pub left: Vec<usize>,
    /// Who was not measured, and why.
    pub skipped: Vec<String>,
}

impl TextTable {
    /// Of those rows that were measured; names in the first column, notes in the last.
    pub fn of<S>(
        title: String,
        head: &[&str],
        rows: &[Row<S>],
        cells: impl Fn(&Row<S>) -> Vec<String>,
    ) -> TextTable {
        let measured = rows.iter().filter(|row| row.samples().next().is_some());
        let skipped = |row: &Row<S>| Some(format!("SKIPPED {}: {}", row.name, row.skipped.as_ref()?));
        TextTable {
            title,
            cells: [head.iter().map(ToString::to_string).collect()]
                .into_iter()
                .chain(measured.map(cells))
                .collect(),
            left: vec![0, head.len() - 1],
            skipped: rows.iter().filter_map(skipped).collect(),
        }
    }

    /// For a terminal, two columns apart.
    pub fn plain(&self) -> String {
        let line = |row: Vec<String>| format!("  {}", row.join("  ")).trim_end().to_owned() + "\n";
        let lines: String = self.padded(0).into_iter().map(line).collect();
        let skipped: String = self.skipped.iter().map(|line| format!("  {line}\n")).collect();
        format!("{}\n{lines}{skipped}", self.title)
    }

    /// As Markdown, which is readable on a terminal too.
    pub fn markdown(&self) -> String {
        let title = if self.title.is_empty() { String::new() } else { format!("### {}\n\n", self.title) };
        let mut lines: Vec<String> =
            self.padded(3).iter().map(|row| format!("| {} |\n", row.join(" | "))).collect();
        let dashes = self.widths(3).into_iter().enumerate().map(|(column, width)| {
            let end = if self.left.contains(&column) { '-' } else { ':' };
            format!("-{}{end}|", "-".repeat(width))
        });
        lines.insert(1, format!("|{}\n", dashes.collect::<String>()));
        let skipped: String = self.skipped.iter().map(|line| format!("- {line}\n")).collect();
        let gap = if skipped.is_empty() { "" } else { "\n" };
        format!("{title}{}{gap}{skipped}", lines.concat())
    }

    fn widths(&self, least: usize) -> Vec<usize> {
        let width = |column: usize| self.cells.iter().map(|row| row[column].chars().count()).max();
        (0..self.cells[0].len()).map(|column| width(column).unwrap_or(0).max(least)).collect()
    }

    fn padded(&self, least: usize) -> Vec<Vec<String>> {
        let widths = self.widths(least);
        let pad = |(column, cell): (usize, &String)| {
            let width = widths[column];
            if self.left.contains(&column) { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        };
        self.cells.iter().map(|row| row.iter().enumerate().map(pad).collect()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> TextTable {
        let cells = [["", "µs", ""], ["limit", "1", ""], ["ours", "12", "!  a note"]];
        TextTable {
            title: "echo: one client".into(),
            cells: cells.map(|row| row.map(str::to_owned).to_vec()).to_vec(),
            left: vec![0, 2],
            skipped: vec!["SKIPPED redis: not installed".into()],
        }
    }

    #[test]
    fn names_begin_and_numbers_end_where_their_column_does() {
        let plain = "echo: one client\n         µs\n  limit   1\n  ours   12  !  a note\n  SKIPPED redis: not installed\n";
        assert_eq!(table().plain(), plain);
    }

    #[test]
    fn markdown_is_as_wide_on_a_terminal() {
        let lines = [
            "### echo: one client",
            "",
            "|       |  µs |           |",
            "|-------|----:|-----------|",
            "| limit |   1 |           |",
            "| ours  |  12 | !  a note |",
            "",
            "- SKIPPED redis: not installed",
        ];
        assert_eq!(table().markdown().lines().collect::<Vec<_>>(), lines);
    }
}
