//! What the link did, as a table: a column for each direction of each carrier.

use common::netem::{Counts, Summary, Totals};

/// The table, its columns aligned. Rows in which nothing happened are left out, but never those that say what went in and out.
pub(super) fn table(summary: &Summary) -> String {
    let carriers = [("udp", "clients", summary.udp), ("tcp", "connections", summary.tcp)];
    let used: Vec<(&str, &str, Totals)> = carriers
        .into_iter()
        .filter_map(|(name, flows, totals)| Some((name, flows, totals?)))
        .filter(|(_, _, totals)| *totals != Totals::default())
        .collect();
    if used.is_empty() {
        return "nothing came\n".into();
    }
    let mut rows = vec![vec![String::new()]];
    for (name, _, _) in &used {
        rows[0].extend(["up", "down"].map(|way| format!("{name} {way}")));
    }
    for (row, always, of) in ROWS {
        let numbers: Vec<u64> =
            used.iter().flat_map(|(_, _, totals)| [of(&totals.up), of(&totals.down)]).collect();
        if always || numbers.iter().any(|number| *number > 0) {
            rows.push([row.to_string()].into_iter().chain(numbers.iter().map(u64::to_string)).collect());
        }
    }
    let mut text = aligned(&rows);
    for (name, flows, totals) in used {
        let turned_away = match totals.turned_away {
            0 => String::new(),
            number => format!(", {number} turned away"),
        };
        text += &format!("{name}: {} {flows}{turned_away}\n", totals.flows);
    }
    text
}

type SummaryRow = (&'static str, bool, fn(&Counts) -> u64);

const ROWS: [SummaryRow; 14] = [
    ("sent", true, |counts| counts.datagrams),
    ("lost", true, |counts| counts.lost),
    ("cut", true, |counts| counts.cut),
    ("queue full", false, |counts| counts.queue_full),
    ("duplicated", true, |counts| counts.duplicated),
    ("reordered", true, |counts| counts.reordered),
    ("corrupted", true, |counts| counts.corrupted),
    ("split", false, |counts| counts.split),
    ("merged", false, |counts| counts.merged),
    ("stalled", false, |counts| counts.stalled),
    ("resets", false, |counts| counts.resets),
    ("delivered", true, |counts| counts.delivered),
    ("bytes sent", true, |counts| counts.bytes),
    ("bytes delivered", true, |counts| counts.delivered_bytes),
];

fn aligned(rows: &[Vec<String>]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let mut text = String::new();
    for row in rows {
        text += &format!("{:<1$}", row[0], width(0));
        for (column, cell) in row.iter().enumerate().skip(1) {
            text += &format!("  {cell:>0$}", width(column).max(8));
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_for_each_direction() {
        let up = Counts { datagrams: 100, lost: 20, delivered: 80, bytes: 1_400_000, ..Counts::default() };
        let udp = Totals { up, down: Counts::default(), flows: 3, turned_away: 1 };
        let text = table(&Summary { udp: Some(udp), tcp: Some(Totals::default()) });
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0].split_whitespace().collect::<Vec<_>>(), ["udp", "up", "udp", "down"]);
        assert_eq!(lines[1].split_whitespace().collect::<Vec<_>>(), ["sent", "100", "0"]);
        assert_eq!(lines[2].split_whitespace().collect::<Vec<_>>(), ["lost", "20", "0"]);
        assert!(!text.contains("queue full") && !text.contains("tcp"));
        assert!(text.ends_with("udp: 3 clients, 1 turned away\n"));
        assert!(lines[..lines.len() - 1].iter().all(|line| line.len() == lines[0].len()));
    }

    #[test]
    fn nothing_is_said_so() {
        assert_eq!(table(&Summary::default()), "nothing came\n");
    }
}
