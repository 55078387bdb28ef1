//! The comparison as one HTML file: no network, no fonts, no script; light, dark, on a phone and on paper.
//!
//! ```text
//! what was measured, where, how to repeat it
//! summary        models × scenarios
//! per scenario   question · who is ahead · bars · a card per model (picture and words) · all figures
//! ```

use std::io;
use std::path::Path;

use super::bars::panels;
use super::crowd::{MANY, crowd};
use super::curves::{Axes, all_curves, curve};
use super::data::{Comparison, Row, Timeline};
use super::figures::figures;
use super::legend::{PATTERNS, legend};
use super::number::{counted, date, short};
use super::section::{Section, sections, warning};
use super::summary::summary;
use super::svg::escape;
use super::timeline::{Axis, timeline};
use super::words::words;
use super::workload::Workload;

/// The style sheet of the page; classes and colours are for other pages, too.
pub const STYLE: &str = include_str!("report.css");

/// The whole page. Everything that comes from outside is escaped: a model's name may be a user's command.
pub fn html(comparison: &Comparison) -> String {
    let sections = sections(comparison);
    let mut body = header(comparison, &sections);
    body += "<main>\n<section id=\"summary\">\n<h2>At a glance</h2>\n";
    if let Some(warning) = warning(comparison) {
        body += &format!("<p class=\"warning\">{}</p>\n", escape(&warning));
    }
    body += &summary(&sections);
    body += "</section>\n";
    for (index, section) in sections.iter().enumerate() {
        body += &scenario(index, section, comparison.time_scale);
    }
    body += "</main>\n";
    page("Concurrent servers compared", &body)
}

/// A page in the style of the report around a body that is HTML already; the title is escaped.
pub fn page(title: &str, body: &str) -> String {
    format!(
        concat!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n",
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n",
            "<title>{}</title>\n<style>\n{}</style>\n</head>\n<body>\n{}{}</body>\n</html>\n"
        ),
        escape(title),
        STYLE,
        PATTERNS,
        body
    )
}

/// Writes [`html`] to a file.
///
/// # Errors
///
/// When the file cannot be written.
pub fn write(comparison: &Comparison, path: &Path) -> io::Result<()> {
    std::fs::write(path, html(comparison))
}

fn header(comparison: &Comparison, sections: &[Section<'_>]) -> String {
    let mut models: Vec<&str> = comparison.rows.iter().map(|row| row.model.as_str()).collect();
    models.sort_unstable();
    models.dedup();
    let repetitions =
        comparison.rows.iter().filter(|row| row.skipped.is_none()).map(|row| row.repetitions).max();
    let scale = comparison.time_scale;
    let pace = if (scale - 1.0).abs() < 1e-9 {
        "the notes’ own".into()
    } else {
        format!("{}: 5 s in the notes are {} ms here", short(scale), short(scale * 5000.0))
    };
    let facts = [
        ("Machine", escape(&comparison.machine)),
        ("Measured", format!("{}, in {} s", date(comparison.made_at), short(comparison.took_s))),
        ("Seed", comparison.seed.to_string()),
        ("Time scale", pace),
        (
            "Repetitions",
            format!("{}; figures are medians, whiskers the lowest and highest", repetitions.unwrap_or(0)),
        ),
        ("Repeat it", format!("<code>{}</code>", escape(&comparison.command))),
    ];
    let facts: String =
        facts.iter().map(|(name, value)| format!("<div><dt>{name}</dt><dd>{value}</dd></div>\n")).collect();
    let links: String = sections
        .iter()
        .enumerate()
        .map(|(index, section)| format!("<a href=\"#s{index}\">{}</a> ", escape(section.name)))
        .collect();
    format!(
        concat!(
            "<header>\n<h1>Concurrent servers compared</h1>\n",
            "<p class=\"lead\">The same service and the same clients, {} to run the connections, {}.</p>\n",
            "<dl>\n{}</dl>\n<nav aria-label=\"Scenarios\">{}</nav>\n</header>\n"
        ),
        counted(models.len() as u64, "way"),
        counted(sections.len() as u64, "scenario"),
        facts,
        links
    )
}

fn scenario(index: usize, section: &Section<'_>, time_scale: f64) -> String {
    let mut text =
        format!("<section id=\"s{index}\" class=\"scenario\">\n<h2>{}</h2>\n", escape(section.name));
    if let Some(note) = section.note {
        text += &format!(
            "<p class=\"question\">{}</p>\n<p>{}</p>\n",
            escape(&note.question),
            escape(&note.about)
        );
    }
    for (class, sentence) in [("warning", section.warning()), ("verdict", section.verdict())] {
        if !sentence.is_empty() {
            text += &format!("<p class=\"{class}\">{}</p>\n", escape(&sentence));
        }
    }
    text += &panels(section);
    if timelines(section).any(|timeline| timeline.clients.len() <= MANY) {
        text += &legend(section.workload == Workload::Heavy);
    }
    let pictures = Pictures::new(index, section, time_scale);
    text += &pictures.shared(section);
    text += "<p class=\"note\">In brackets: the median of the other models.</p>\n<div class=\"cards\">\n";
    for (place, row) in section.rows.iter().enumerate() {
        text += &card(section, place, row, &pictures);
    }
    text += "</div>\n";
    text += &figures(section);
    text + "<p class=\"up\"><a href=\"#summary\">Back to the summary</a></p>\n</section>\n"
}

fn timelines<'a>(section: &Section<'a>) -> impl Iterator<Item = &'a Timeline> {
    section.rows.iter().filter_map(|row| row.timeline.as_ref())
}

/// The axes that the pictures of a scenario share.
struct Pictures {
    index: usize,
    axis: Axis,
    curves: Option<Axes>,
}

impl Pictures {
    fn new(index: usize, section: &Section<'_>, time_scale: f64) -> Self {
        let longest = timelines(section).map(|timeline| timeline.length_ms).fold(0.0, f64::max);
        let axis = Axis {
            length_ms: if longest > 0.0 { longest } else { 1.0 },
            time_scale: section.workload.is_scaled().then_some(time_scale).filter(|scale| *scale > 0.0),
            by_request: section.workload == Workload::Heavy,
        };
        // A latency of five requests is a list, not a distribution: the timeline shows it better.
        let curves = if section.workload.is_scaled() {
            None
        } else {
            Axes::new(section.measured().map(|(row, _)| row))
        };
        Self { index, axis, curves }
    }

    /// What all cards draw from.
    fn shared(&self, section: &Section<'_>) -> String {
        self.curves.as_ref().map_or(String::new(), |axes| {
            let explanation = concat!(
                "<p class=\"note\">Latency against percentile: each model’s curve before those of all others in grey. ",
                "Every nine on the lower axis has the same room, and the latency is logarithmic.</p>\n"
            );
            all_curves(axes, section.measured().map(|(row, _)| row), &self.curves_id()) + explanation
        })
    }

    fn curves_id(&self) -> String {
        format!("curves-{}", self.index)
    }

    fn draw(&self, row: &Row, description: &str) -> String {
        let mut text = String::new();
        if let Some(line) = &row.timeline {
            let title = format!("{} under {}: clients and server over time", row.model, row.scenario);
            text += &if line.clients.len() > MANY {
                crowd(line, self.axis.length_ms, &title)
            } else {
                timeline(line, self.axis, &title, description)
            };
        }
        if let Some(axes) = self.curves.as_ref().filter(|_| !row.latency_curve.is_empty()) {
            let title = format!("{} under {}: latency", row.model, row.scenario);
            text += &curve(axes, row, &self.curves_id(), &title);
        }
        text
    }
}

fn card(section: &Section<'_>, place: usize, row: &Row, pictures: &Pictures) -> String {
    let id = format!("s{}m{place}", pictures.index);
    let words = words(row, &section.others(row));
    let class = if row.skipped.is_some() { " skipped" } else { "" };
    let badge = match section.ranks[place] {
        None => String::new(),
        Some(1) => "<span class=\"first\" title=\"ahead, or level with those that are\">1</span>".into(),
        Some(rank) => format!("<span class=\"rank\" title=\"rank\">{rank}</span>"),
    };
    let about = if row.about.is_empty() {
        String::new()
    } else {
        format!("<p class=\"about\">{}</p>", escape(&row.about))
    };
    let picture = if row.skipped.is_some() { String::new() } else { pictures.draw(row, &words) };
    format!(
        "<figure id=\"{id}\" class=\"card{class}\"><h3>{badge}{}</h3>{about}\n{picture}<figcaption>{}</figcaption></figure>\n",
        escape(&row.model),
        escape(&words)
    )
}
