//! The tables as a page that needs no network: each with bars of what is compared, the median of each contestant.

use common::bench::results::{Results, Table};
use common::bench::rounds::Row;
use common::bench::table::TextTable;
use common::report;
use common::report::svg::escape;

use super::measure::Sample;
use super::show::{LAYOUT, warning};

const STYLE: &str = "<style>
.bar { background: currentColor; height: .8em; min-width: 1px; opacity: .6; }
.bars th { text-align: left; font-weight: normal; } .bars td { min-width: 20em; }
</style>\n";
const TITLE: &str = "Our broker beside others";

/// The page.
pub fn html(results: &Results<Sample>) -> String {
    let texts = LAYOUT.tables(results);
    let sections: String =
        results.tables.iter().zip(texts).map(|(table, text)| section(table, &text)).collect();
    let goals: String = results
        .goals
        .iter()
        .map(|goal| {
            let cells = [goal.verdict(), &goal.goal, &goal.found].map(escape);
            format!("<tr><td>{}</td></tr>\n", cells.join("</td><td>"))
        })
        .collect();
    let warning = warning(results).map_or_else(String::new, |text| format!("<p>{}</p>\n", escape(&text)));
    let legend = LAYOUT.legend.lines().map(escape).collect::<Vec<_>>().join("<br>");
    let body = format!(
        "{STYLE}<h1>{TITLE}</h1>\n<p>{}</p>\n{warning}\
         <h2>Goals</h2>\n<table class=\"figures\">{goals}</table>\n{sections}<p>{legend}</p>\n",
        escape(&results.head())
    );
    report::page(TITLE, &body)
}

fn section(table: &Table<Sample>, figures: &TextTable) -> String {
    let skipped: String = figures.skipped.iter().map(|line| format!("<p>{}</p>\n", escape(line))).collect();
    format!(
        "<section>\n<h2>{}</h2>\n<p>{}</p>\n{}{}{skipped}</section>\n",
        escape(&table.name),
        escape(&table.about),
        bars(table),
        cells(figures),
    )
}

fn bars(table: &Table<Sample>) -> String {
    let median = |row: &Row<Sample>| {
        let spread = row.spread(|sample| Some(sample.value / table.scale));
        spread.map(|spread| (row.name.clone(), spread.median))
    };
    let medians: Vec<(String, f64)> = table.rows.iter().filter_map(median).collect();
    let most = medians.iter().map(|(_, median)| *median).fold(f64::MIN_POSITIVE, f64::max);
    let digits = if table.scale > 1.0 { 2 } else { 0 };
    let bar = |(name, median): &(String, f64)| {
        format!(
            "<tr><th scope=\"row\">{}</th><td><div class=\"bar\" style=\"width:{:.1}%\"></div></td>\
             <td>{median:.digits$} {}</td></tr>\n",
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
