//! The columns of the terminal's table as a table in the page, folded away.

use super::columns::columns;
use super::section::Section;
use super::svg::escape;

/// All figures of a scenario.
pub(super) fn figures(section: &Section<'_>) -> String {
    let (rows, ranks): (Vec<_>, Vec<_>) = section.measured().unzip();
    if rows.is_empty() {
        return String::new();
    }
    let columns = columns(&rows);
    let heads: String = columns
        .iter()
        .map(|column| {
            // A word that the terminal's narrow heading divides is one word here.
            let (group, gap) = match column.group.strip_suffix('-') {
                Some(half) => (half, ""),
                None => (column.group, if column.group.is_empty() { "" } else { " " }),
            };
            format!("<th scope=\"col\">{}</th>", escape(&format!("{group}{gap}{}", column.head)))
        })
        .collect();
    let mut body = String::new();
    for (index, row) in rows.iter().enumerate() {
        let rank = ranks[index].map_or_else(|| "–".into(), |rank| rank.to_string());
        body += &format!("<tr><th scope=\"row\">{}</th><td>{rank}</td>", escape(&row.model));
        for column in &columns {
            let cell = column.cells[index].as_str();
            body += &format!("<td>{}</td>", if cell.is_empty() { "–" } else { cell });
        }
        body += "</tr>\n";
    }
    let name = escape(section.name);
    format!(
        concat!(
            "<details><summary>All figures of {name}</summary>\n",
            "<div class=\"scroll\" role=\"region\" aria-label=\"All figures of {name}\" tabindex=\"0\">\n",
            "<table class=\"figures\"><thead><tr><th scope=\"col\">model</th><th scope=\"col\">rank</th>{heads}</tr></thead>\n",
            "<tbody>\n{body}</tbody></table></div></details>\n"
        ),
        name = name,
        heads = heads,
        body = body
    )
}
