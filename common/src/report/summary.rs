//! The whole comparison on one screen: models down, scenarios across, each cell a figure that leads to its picture.

use super::data::Row;
use super::number::{compact, grouped};
use super::section::Section;
use super::svg::escape;
use super::workload::Workload;

/// More clients than this are a number, not a row of dots.
const MOST_DOTS: u64 = 10;

/// The matrix, with its legend.
pub(super) fn summary(sections: &[Section<'_>]) -> String {
    let mut models: Vec<(&str, &str)> = Vec::new();
    for row in sections.iter().flat_map(|section| &section.rows) {
        if models.iter().all(|(model, _)| *model != row.model) {
            models.push((&row.model, &row.about));
        }
    }
    let heads: String = sections
        .iter()
        .enumerate()
        .map(|(index, section)| {
            let unit = if section.workload == Workload::Throughput { "per second" } else { "served" };
            let name = escape(section.name);
            format!(
                "<th scope=\"col\"><a href=\"#s{index}\">{name}</a><span class=\"unit\">{unit}</span></th>"
            )
        })
        .collect();
    let mut body = String::new();
    for (model, about) in models {
        let title = escape(about);
        body += &format!("<tr><th scope=\"row\" title=\"{title}\">{}</th>", escape(model));
        for (index, section) in sections.iter().enumerate() {
            body += &cell(index, section, model);
        }
        body += "</tr>\n";
    }
    format!(
        concat!(
            "<div class=\"scroll\" role=\"region\" aria-label=\"Every model under every scenario\" tabindex=\"0\">\n",
            "<table class=\"summary\"><caption>Every model under every scenario. ",
            "<span class=\"first\">1</span> marks those who are ahead, more than one where their ranges overlap",
            "<span class=\"wide\">; a small figure is the rank of the others, and none that the row is not ranked</span>. ",
            "Each cell leads to its picture.</caption>\n",
            "<thead><tr><th scope=\"col\">model</th>{}</tr></thead>\n<tbody>\n{}</tbody></table></div>\n"
        ),
        heads, body
    )
}

fn cell(index: usize, section: &Section<'_>, model: &str) -> String {
    let Some(place) = section.rows.iter().position(|row| row.model == model) else {
        return "<td><span class=\"none\">–</span></td>".into();
    };
    let (row, rank) = (section.rows[place], section.ranks[place]);
    if let Some(reason) = &row.skipped {
        let reason = escape(reason);
        return format!(
            "<td class=\"none\" title=\"{reason}\"><a href=\"#s{index}m{place}\">skipped</a></td>"
        );
    }
    let badge = rank.map_or_else(String::new, |rank| {
        format!("<span class=\"{}\">{rank}</span>", if rank == 1 { "first" } else { "rank" })
    });
    let (figure, glyph) =
        if section.workload == Workload::Throughput { rate(row, section) } else { share(row) };
    format!("<td><a href=\"#s{index}m{place}\">{badge}<span class=\"figure\">{figure}</span>{glyph}</a></td>")
}

/// The throughput, with a bar as long as its share of the best.
fn rate(row: &Row, section: &Section<'_>) -> (String, String) {
    let best = section.measured().map(|(row, _)| row.throughput_per_s).fold(0.0, f64::max);
    let share = if best > 0.0 { row.throughput_per_s / best * 100.0 } else { 0.0 };
    let bar =
        format!("<span class=\"glyph\"><span class=\"fill\" style=\"width:{share:.0}%\"></span></span>");
    (compact(row.throughput_per_s), bar)
}

/// How many were served, as dots where there are few.
fn share(row: &Row) -> (String, String) {
    if row.clients > MOST_DOTS {
        let share = row.served as f64 / row.clients as f64 * 100.0;
        let bar =
            format!("<span class=\"glyph\"><span class=\"fill\" style=\"width:{share:.0}%\"></span></span>");
        return (grouped(row.served as f64), bar);
    }
    let dots = "●".repeat(row.served.min(row.clients) as usize)
        + &"○".repeat(row.clients.saturating_sub(row.served) as usize);
    (
        format!("{}/{}", row.served, row.clients),
        format!("<span class=\"dots\" aria-hidden=\"true\">{dots}</span>"),
    )
}
