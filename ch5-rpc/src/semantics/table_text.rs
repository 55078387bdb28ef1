//! The table for the terminal.

use std::fmt::Write;

use common::support::count::count;

use super::cell::Cell;
use super::not_promised::NotPromised;
use super::scenario::{Fault, Severity};

/// What happened under one fault, a line for each semantics.
pub(super) fn section(fault: Fault, severity: &Severity, cells: &[Cell]) -> String {
    let mut text = format!("{}: {}\n", fault.name(), fault.about(severity));
    let _ = writeln!(
        text,
        "  {:<22} {:>6} {:>6} {:>6}   {:>6} {:>9} {:>8}   {:>9}   promised",
        "", "run 0", "1", "2+", "done", "not done", "unknown", "datagrams"
    );
    for cell in cells {
        let figures = cell.figures();
        let most = if figures.most > 1 { format!(" (one {} times)", figures.most) } else { String::new() };
        let promise = match cell.row.promises(fault) {
            Some(most) => format!("{most} at most"),
            None => "no bound".into(),
        };
        let _ = writeln!(
            text,
            "  {:<22} {:>6} {:>6} {:>6}   {:>6} {:>9} {:>8}   {:>9.1}   {promise}{most}",
            cell.row.name(),
            figures.never,
            figures.once,
            figures.more,
            figures.done,
            figures.not_done,
            figures.unknown,
            figures.datagrams_per_call,
        );
    }
    text
}

/// What is left.
pub(super) fn not_promised(cases: &[NotPromised]) -> String {
    let mut text = String::new();
    if !cases.is_empty() {
        text += "What at-most-once with a durable table does not promise:\n";
    }
    for case in cases {
        let _ = writeln!(
            text,
            "  {}:\n    on the board {}, letters sent {}: {}",
            case.case,
            count(case.on_the_board, "time"),
            case.letters,
            case.because
        );
    }
    text
}
