//! The comparison as aligned text for a terminal of 120 columns.

use super::columns::{Column, columns};
use super::data::Comparison;
use super::section::{Section, sections};
use super::svg::fit;
use crate::support::terminal::line;

/// The widest line, in characters.
const WIDTH: usize = 118;
/// The narrowest that the models' names are cut to when the figures need the room.
const NARROWEST_NAME: usize = 14;

/// A heading and an aligned table per scenario, no line wider than 118 characters except the sentences, which are wrapped
/// there too.
///
/// The column `#` ranks by the scenario's main figure; models whose ranges over the repetitions overlap share a rank
/// (see [`ranks`](super::ranks)). Columns in which no model has a figure are left out.
pub fn table(comparison: &Comparison) -> String {
    sections(comparison).iter().map(section).collect::<Vec<_>>().join("\n")
}

fn section(section: &Section<'_>) -> String {
    let mut text = format!("{}\n", section.name);
    if let Some(note) = section.note {
        text += &wrapped(&note.about, "  ");
        text += &wrapped(&note.question, "  ");
    }
    text += &wrapped(&line(&section.warning()), "  ");
    text += "\n";
    let (rows, ranks): (Vec<_>, Vec<_>) = section.measured().unzip();
    if !rows.is_empty() {
        let names: Vec<String> = rows.iter().map(|row| line(&row.model).into_owned()).collect();
        let mut all = vec![Column {
            group: "",
            head: "#".into(),
            cells: ranks.iter().map(|rank| rank.map_or_else(String::new, |rank| rank.to_string())).collect(),
        }];
        all.extend(columns(&rows));
        text += &aligned(&names, &all);
    }
    for (row, reason) in section.skipped() {
        text += &wrapped(&format!("{}: skipped, {}", line(&row.model), line(reason)), "  ");
    }
    text += &wrapped(&section.verdict(), "  ");
    text
}

/// Two heading lines and a line per name; numbers to the right, names to the left.
fn aligned(names: &[String], columns: &[Column]) -> String {
    let widths: Vec<usize> = columns.iter().map(width).collect();
    let figures: usize = widths.iter().map(|width| width + 1).sum();
    let longest = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).max("model".len());
    let name_width = longest.min(WIDTH.saturating_sub(figures + 2).max(NARROWEST_NAME));

    let row = |name: &str, cell: &dyn Fn(usize) -> String| {
        let mut line = format!("  {:<name_width$}", fit(name, name_width));
        for (index, width) in widths.iter().enumerate() {
            line += &format!(" {:>width$}", cell(index));
        }
        line.truncate(line.trim_end().len());
        line + "\n"
    };
    let mut text = row("", &|index| columns[index].group.into());
    text += &row("model", &|index| columns[index].head.clone());
    for (place, name) in names.iter().enumerate() {
        text += &row(name, &|index| match columns[index].cells[place].as_str() {
            "" => "–".into(),
            cell => cell.into(),
        });
    }
    text
}

fn width(column: &Column) -> usize {
    let cells = column.cells.iter().map(|cell| cell.chars().count()).max().unwrap_or(0);
    cells.max(column.group.chars().count()).max(column.head.chars().count())
}

fn wrapped(text: &str, indent: &str) -> String {
    let mut lines = String::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && indent.len() + line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines += &format!("{indent}{line}\n");
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line += word;
    }
    if line.is_empty() { lines } else { lines + &format!("{indent}{line}\n") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_to_the_right_and_missing_ones_are_dashes() {
        let names = ["epoll".to_owned(), "a".to_owned()];
        let columns = [
            Column { group: "wait", head: "p50 ms".into(), cells: vec!["0.31".into(), String::new()] },
            Column { group: "", head: "threads".into(), cells: vec!["1".into(), "12".into()] },
        ];
        let expected =
            "          wait\n  model p50 ms threads\n  epoll   0.31       1\n  a          –      12\n";
        assert_eq!(aligned(&names, &columns), expected);
    }

    #[test]
    fn long_sentences_are_wrapped() {
        let text = wrapped(&"word ".repeat(60), "  ");
        assert!(text.lines().all(|line| line.len() <= WIDTH && line.starts_with("  word")));
        assert_eq!(text.split_whitespace().count(), 60);
        assert_eq!(wrapped("", "  "), "");
    }
}
