//! What was found, as JSON and as one HTML file that needs no network: the table, and a space-time picture of the call of each
//! semantics that went worst.

use common::netem::picture;
use common::report::svg::escape;
use serde::Serialize;

use super::cell::{CallRecord, Cell, Figures};
use super::not_promised::NotPromised;
use super::scenario::{Fault, Row, Severity};

const STYLE: &str = include_str!("report.css");

/// All that was found.
#[derive(Debug)]
pub struct Findings {
    /// The command that does it again.
    pub command: String,
    /// How much went wrong.
    pub severity: Severity,
    /// All cells.
    pub cells: Vec<Cell>,
    /// What at-most-once does not promise.
    pub not_promised: Vec<NotPromised>,
}

#[derive(Serialize)]
struct JsonCell {
    fault: &'static str,
    semantics: &'static str,
    /// `null`: no bound.
    promised_at_most: Option<u64>,
    #[serde(flatten)]
    figures: Figures,
}

#[derive(Serialize)]
struct JsonFindings<'a> {
    command: &'a str,
    cells: Vec<JsonCell>,
    not_promised: &'a [NotPromised],
}

/// As JSON.
///
/// # Errors
/// None in practice: all keys are text.
pub fn json(findings: &Findings) -> serde_json::Result<String> {
    let cell = |cell: &Cell| JsonCell {
        fault: cell.fault.name(),
        semantics: cell.row.name(),
        promised_at_most: cell.row.promises(cell.fault),
        figures: cell.figures(),
    };
    let all = JsonFindings {
        command: &findings.command,
        cells: findings.cells.iter().map(cell).collect(),
        not_promised: &findings.not_promised,
    };
    Ok(serde_json::to_string_pretty(&all)? + "\n")
}

/// As a page. Everything that comes from outside is escaped.
#[must_use]
pub fn html(findings: &Findings) -> String {
    let pictures: String = Row::ALL.into_iter().filter_map(|row| section(findings, row)).collect();
    format!(
        concat!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n",
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n",
            "<title>Call semantics</title>\n<style>\n{picture_style}{style}</style>\n</head>\n<body>\n",
            "<h1>How often is a call run?</h1>\n",
            "<p class=\"lead\">Every figure was counted in one run of this command: <code>{command}</code></p>\n",
            "{tables}{rest}<h2>One call of each, the one that went worst</h2>\n",
            "<p class=\"note\">Time runs downwards and is not to scale; long pauses are cut short. ",
            "The first number of a label is the number of the call.</p>\n{legend}\n<main>\n{pictures}</main>\n</body>\n</html>\n"
        ),
        picture_style = picture::STYLE,
        style = STYLE,
        command = escape(&findings.command),
        tables = tables(findings),
        rest = not_promised(&findings.not_promised),
        legend = picture::legend(),
        pictures = pictures,
    )
}

fn tables(findings: &Findings) -> String {
    let table = |fault: Fault| {
        let rows: String = findings.cells.iter().filter(|cell| cell.fault == fault).map(table_row).collect();
        format!(
            concat!(
                "<section><h2>{}</h2>\n<p class=\"note\">{}</p>\n<div class=\"scroll\"><table>\n",
                "<thead><tr><th></th><th>run 0 times</th><th>once</th><th>twice or more</th><th>told: done</th>",
                "<th>not done</th><th>unknown</th><th>datagrams a call</th><th>promised</th></tr></thead>\n",
                "<tbody>\n{}</tbody></table></div></section>\n"
            ),
            fault.name(),
            escape(&fault.about(&findings.severity)),
            rows
        )
    };
    Fault::ALL.into_iter().map(table).collect()
}

fn table_row(cell: &Cell) -> String {
    let figures = cell.figures();
    let promise = cell.row.promises(cell.fault);
    let class = match (cell.broken().is_empty(), figures.more) {
        (false, _) => "broken",
        (true, 1..) => "more",
        (true, 0) => "kept",
    };
    format!(
        "<tr class=\"{class}\"><th>{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{:.1}</td><td>{}</td></tr>\n",
        cell.row.name(),
        figures.never,
        figures.once,
        figures.more,
        figures.done,
        figures.not_done,
        figures.unknown,
        figures.datagrams_per_call,
        promise.map_or("no bound".into(), |most| format!("{most} at most")),
    )
}

fn not_promised(cases: &[NotPromised]) -> String {
    if cases.is_empty() {
        return String::new();
    }
    let case = |case: &NotPromised| {
        format!(
            "<tr><th>{}</th><td>{}</td><td>{}</td><td>{}</td></tr>\n",
            escape(&case.case),
            case.on_the_board,
            case.letters,
            escape(&case.because)
        )
    };
    format!(
        concat!(
            "<section><h2>What at-most-once with a durable table does not promise</h2>\n<div class=\"scroll\"><table>\n",
            "<thead><tr><th></th><th>on the board</th><th>letters</th><th>because</th></tr></thead>\n",
            "<tbody>\n{}</tbody></table></div></section>\n"
        ),
        cases.iter().map(case).collect::<String>()
    )
}

/// The picture of a semantics: of all its calls the one that went worst.
fn section(findings: &Findings, row: Row) -> Option<String> {
    let of_row = findings.cells.iter().filter(|cell| cell.row == row);
    let interesting = of_row.filter_map(|cell| cell.interesting().map(|(call, events)| (cell, call, events)));
    let (cell, call, events) = interesting.max_by_key(|(_, call, events)| call.interest(events.len()))?;
    let story = story(cell, call);
    let picture = picture::diagram(&events, row.name(), &story);
    Some(format!(
        "<section>\n<h2>{}</h2>\n<p class=\"note\">{}</p>\n<div class=\"scroll\">{picture}</div>\n</section>\n",
        row.name(),
        escape(&story)
    ))
}

fn story(cell: &Cell, call: &CallRecord) -> String {
    let times = match call.executions {
        0 => "was never run".into(),
        1 => "was run once".into(),
        times => format!("was run {times} times"),
    };
    format!(
        "Under “{}”: publish {} {times}, and its caller was told: {}.",
        cell.fault.name(),
        call.number,
        call.outcome.name()
    )
}

#[cfg(test)]
mod tests {
    use super::super::simulated::simulate;
    use super::*;

    fn findings() -> Findings {
        let severity = Severity { loss: 0.3, duplicate: 0.3, reorder: 0.3 };
        let cell = |row| Fault::ALL.map(|fault| simulate(row, fault, &severity, 20, 3));
        Findings {
            command: "cargo <ch5>".into(),
            severity,
            cells: Row::ALL.into_iter().flat_map(cell).collect(),
            not_promised: vec![],
        }
    }

    #[test]
    fn the_page_has_a_table_for_each_fault_and_a_picture_for_each_semantics() {
        let page = html(&findings());
        assert_eq!(page.matches("<table>").count(), Fault::ALL.len());
        assert_eq!(
            page.matches("<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"diagram\"").count(),
            Row::ALL.len()
        );
        assert!(page.contains("cargo &lt;ch5&gt;") && !page.contains("<ch5>"));
        assert!(page.contains("publish 3") || page.contains("publish"), "labels are words");
        assert!(
            !page.contains("http://")
                || page.matches("http://").count() == page.matches("http://www.w3.org").count()
        );
    }

    #[test]
    fn the_json_has_a_cell_for_each_pair() {
        let value: serde_json::Value = serde_json::from_str(&json(&findings()).unwrap()).unwrap();
        let cells = value["cells"].as_array().unwrap();
        assert_eq!(cells.len(), Row::ALL.len() * Fault::ALL.len());
        assert_eq!(cells[0]["semantics"], "maybe");
        assert_eq!(cells[0]["once"], 20);
    }
}
