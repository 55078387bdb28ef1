//! The tables as a page that needs no network: each with bars of what is compared, the median of each contestant. An open loop has
//! pictures of its own.

use common::bench::results::{Results, Table};
use common::bench::rounds::Row;
use common::bench::table::TextTable;
use common::report;
use common::report::svg::escape;

use super::load::Load;
use super::measure::Sample;
use super::relay::Counted;
use super::show::{of, value, warning};
use super::{picture, shares};

const STYLE: &str = "
.bar { background: currentColor; height: .8em; min-width: 1px; opacity: .6; }
.bars th { text-align: left; font-weight: normal; } .bars td { min-width: 20em; }
";

/// The page.
pub fn html(results: &Results<Sample>, counted: &[Counted]) -> String {
    let sections: String = results.tables.iter().map(|table| section(table, counted)).collect();
    let goals: String = results
        .goals
        .iter()
        .map(|goal| {
            let cells = [goal.verdict(), &goal.goal, &goal.found].map(escape);
            format!("<tr><td>{}</td></tr>\n", cells.join("</td><td>"))
        })
        .collect();
    let warning = warning(results).map_or_else(String::new, |text| format!("<p>{}</p>\n", escape(&text)));
    let body = format!(
        "<style>{STYLE}{}{}</style>\n<h1>What a remote call costs</h1>\n<p>{}</p>\n{warning}\
         <h2>Goals</h2>\n<table class=\"figures\">{goals}</table>\n{}{sections}",
        picture::STYLE,
        shares::STYLE,
        escape(&results.head()),
        picture::section(results)
    );
    report::page("What a remote call costs", &body)
}

fn section(table: &Table<Sample>, counted: &[Counted]) -> String {
    let figures = of(table, counted);
    let skipped: String = figures.skipped.iter().map(|line| format!("<p>{}</p>\n", escape(line))).collect();
    format!(
        "<section>\n<h2>{}</h2>\n<p>{}</p>\n{}{}{skipped}</section>\n",
        escape(&table.name),
        escape(&table.about),
        if table.name == Load::Where.name() { shares::picture(table) } else { bars(table) },
        cells(&figures),
    )
}

fn bars(table: &Table<Sample>) -> String {
    let value = value(&table.name);
    let median = |row: &Row<Sample>| {
        row.spread(|sample| Some(value(sample))).map(|spread| (row.name.clone(), spread.median))
    };
    let medians: Vec<(String, f64)> = table.rows.iter().filter_map(median).collect();
    let most = medians.iter().map(|(_, median)| *median).fold(f64::MIN_POSITIVE, f64::max);
    let bar = |(name, median): &(String, f64)| {
        format!(
            "<tr><th scope=\"row\">{}</th><td><div class=\"bar\" style=\"width:{:.1}%\"></div></td><td>{median:.0} {}</td></tr>\n",
            escape(name),
            100.0 * median / most,
            table.unit
        )
    };
    format!("<table class=\"bars\">{}</table>\n", medians.iter().map(bar).collect::<String>())
}

fn cells(table: &TextTable) -> String {
    let row = |(index, cells): (usize, &Vec<String>)| {
        let tag = if index == 0 { "th" } else { "td" };
        let cells: String = cells.iter().map(|cell| format!("<{tag}>{}</{tag}>", escape(cell))).collect();
        format!("<tr>{cells}</tr>\n")
    };
    let rows: String = table.cells.iter().enumerate().map(row).collect();
    format!(
        "<div class=\"scroll\" role=\"region\" aria-label=\"All figures\" tabindex=\"0\">\n\
         <table class=\"figures\">{rows}</table></div>\n"
    )
}
