//! The lanes of the tasks: as characters for the terminal, and as a page with an SVG for each way.
//!
//! All ways share one axis of time, so that their lengths can be compared.

use common::report::page as report_page;
use common::report::svg::{Picture, escape, step};
use common::support::count::count;

use super::way::Way;

/// Characters of a lane.
const CELLS: usize = 64;
/// Width of a picture; where its lanes begin and end; and from one lane to the next.
const WIDTH: f64 = 640.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = 628.0;
const ROW: f64 = 22.0;

/// The ways for a terminal: a line of figures, and a lane for each task.
pub(super) fn text(ways: &[Way]) -> String {
    let longest_ns = longest_ns(ways);
    let mut text = String::new();
    for way in ways {
        text += &format!("{}: {}\n", way.name, way.how);
        for number in 0..way.tasks.len() {
            let shares = shares(way, number, longest_ns);
            text += &format!("  task {} {}\n", number + 1, shares.map(shade).iter().collect::<String>());
        }
        text += &format!("  {}\n\n", figures(way));
    }
    text
}

/// What was measured of a way, in a line.
fn figures(way: &Way) -> String {
    let switches = count(way.switches(), "switch");
    format!(
        "{:.0} ms, {switches} from task to task, {:.0} ms of it two or more at the same moment",
        millis(way.took_ns()),
        millis(way.together_ns())
    )
}

/// The part of each cell's time in which this task ran.
fn shares(way: &Way, number: usize, longest_ns: u64) -> [f64; CELLS] {
    let (began, cell_ns) = (way.began_ns(), longest_ns as f64 / CELLS as f64);
    let mut shares = [0.0; CELLS];
    for stretch in &way.tasks[number].ran {
        let (from, to) = ((stretch.from_ns - began) as f64, (stretch.to_ns - began) as f64);
        for (cell, share) in shares.iter_mut().enumerate() {
            let start = cell as f64 * cell_ns;
            *share += (to.min(start + cell_ns) - from.max(start)).max(0.0) / cell_ns;
        }
    }
    shares
}

fn shade(share: f64) -> char {
    match share {
        _ if share < 0.05 => '·',
        _ if share < 0.4 => '░',
        _ if share < 0.8 => '▒',
        _ => '█',
    }
}

/// The ways as an HTML page, with what else is to be said of them.
pub(super) fn page(ways: &[Way], remarks: &[String]) -> String {
    let longest_ns = longest_ns(ways);
    let mut body = String::from(concat!(
        "<header>\n<h1>Sequential, interleaved, parallel</h1>\n",
        "<p class=\"lead\">The same tasks, done in three ways. A block shows when a task really ran. ",
        "All pictures have the same axis of time.</p>\n</header>\n<main>\n"
    ));
    for way in ways {
        body += &format!(
            concat!(
                "<section>\n<h2>{0}</h2>\n<p>{1}.</p>\n",
                "<div class=\"scroll\" role=\"region\" aria-label=\"{0}\" tabindex=\"0\">{2}</div>\n",
                "<p class=\"verdict\">{3}.</p>\n</section>\n"
            ),
            escape(way.name),
            escape(&way.how),
            picture(way, longest_ns),
            figures(way)
        );
    }
    for remark in remarks {
        body += &format!("<p class=\"warning\">{}</p>\n", escape(remark));
    }
    report_page("Sequential, interleaved, parallel", &(body + "</main>\n"))
}

fn picture(way: &Way, longest_ns: u64) -> String {
    let mut picture = Picture::default();
    let (began, width) = (way.began_ns(), RIGHT - LEFT);
    let x = |ns: u64| LEFT + ns as f64 / longest_ns as f64 * width;
    for (number, task) in way.tasks.iter().enumerate() {
        let y = 4.0 + number as f64 * ROW;
        picture.text((LEFT - 6.0, y + 13.0), "name", &format!("task {}", number + 1));
        picture.line_behind((LEFT, y + ROW - 2.0), (RIGHT, y + ROW - 2.0), "lane");
        for stretch in &task.ran {
            let (from, to) = (stretch.from_ns - began, stretch.to_ns - began);
            let tip = format!("task {}: {:.1} to {:.1} ms", number + 1, millis(from), millis(to));
            picture.rect((x(from), y), (x(to) - x(from), 18.0), &format!("worked c{}", number % 8), &tip);
        }
    }
    let y = 4.0 + way.tasks.len() as f64 * ROW;
    picture.line((LEFT, y), (RIGHT, y), "axis");
    let length_ms = millis(longest_ns);
    let step_ms = step(length_ms, 6.0);
    for tick in 0..=(length_ms / step_ms) as u32 {
        let ms = f64::from(tick) * step_ms;
        let x = LEFT + ms / length_ms * width;
        picture.line((x, y), (x, y + 3.0), "axis");
        picture.text((x, y + 14.0), "tick-label", &format!("{ms:.0}"));
    }
    picture.text((LEFT - 12.0, y + 14.0), "name", "ms");
    let title = format!("{}: when each task ran", way.name);
    picture.finish((WIDTH, y + 18.0), "tasks", &title, &figures(way))
}

fn longest_ns(ways: &[Way]) -> u64 {
    ways.iter().map(Way::took_ns).max().unwrap_or(0).max(1)
}

fn millis(ns: u64) -> f64 {
    ns as f64 / 1e6
}
