//! The recording as a space-time diagram: one HTML file, no network, no script; light, dark and on paper.
//!
//! ```text
//!  client        link        server
//!    │          ▒▒▒▒▒▒          │          time runs downwards; a datagram is an arrow from where and when it was sent
//! #0 │──────────▒▒▒▒▒▒─────▶    │          to where and when it arrives
//! #1 │──────────▒▒✕▒▒▒          │          lost
//! ```
//!
//! Such diagrams are Lamport's (1978). The time is not to scale: what happens at one moment is drawn apart, and long pauses are
//! cut short and say so. Otherwise a millisecond of burst and a minute of silence would not fit one page.

use std::collections::BTreeMap;
use std::time::Duration;

use super::recording::{Carrier, LinkEvent, Outcome, milliseconds};
use crate::report::svg::{Picture, escape};
use crate::support::cli::human;
use crate::support::count::count;

mod layout;
mod shapes;

use layout::{CLIENT, LINK, Layout, SERVER, TOP, WIDTH, layout};
use shapes::draw;
pub use shapes::legend;

/// The style of a page with diagrams.
pub const STYLE: &str = include_str!("picture.css");
/// Most events drawn of a flow, and most flows: a page that a browser still scrolls with ease.
const EVENTS: usize = 500;
const FLOWS: usize = 20;

/// What the page says about the run.
#[derive(Debug, Clone, Default)]
pub struct About {
    /// How to repeat it.
    pub command: String,
    /// The seed.
    pub seed: u64,
    /// Events that came after those given.
    pub left_out: u64,
}

/// The whole page. Everything that comes from outside is escaped: labels are bytes of datagrams.
#[must_use]
pub fn html(events: &[LinkEvent], about: &About) -> String {
    let mut flows: BTreeMap<(Carrier, u64), Vec<&LinkEvent>> = BTreeMap::new();
    for event in events {
        flows.entry((event.carrier, event.flow)).or_default().push(event);
    }
    let mut page = format!(
        concat!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n",
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n",
            "<title>What happened on the link</title>\n<style>\n{}</style>\n</head>\n<body>\n",
            "<h1>What happened on the link</h1>\n<p class=\"lead\">{}</p>\n",
            "<p class=\"note\">Seed {}. Repeat it: <code>{}</code></p>\n",
            "<p class=\"note\">Time runs downwards and is not to scale: what happens at one moment is drawn apart, ",
            "and long pauses are cut short. Point at an arrow to read its story.</p>\n{}\n<main>\n"
        ),
        STYLE,
        tally(&events.iter().collect::<Vec<_>>()),
        about.seed,
        escape(&about.command),
        legend()
    );
    let all = flows.len();
    for ((carrier, number), events) in flows.into_iter().take(FLOWS) {
        page += &section(carrier, number, events);
    }
    if all > FLOWS {
        page += &format!("<p class=\"note\">Not drawn: {}.</p>\n", count(all - FLOWS, "more flow"));
    }
    if about.left_out > 0 {
        page += &format!("<p class=\"note\">Not kept: {}.</p>\n", count(about.left_out, "later event"));
    }
    page + "</main>\n</body>\n</html>\n"
}

fn section(carrier: Carrier, number: u64, mut events: Vec<&LinkEvent>) -> String {
    events.sort_by_key(|event| event.at);
    let name = format!("{carrier} flow {number}");
    let tally = tally(&events);
    let left_out = events.len().saturating_sub(EVENTS);
    events.truncate(EVENTS);
    let rest = if left_out > 0 {
        format!(" The first {EVENTS} are drawn, {left_out} are not.")
    } else {
        String::new()
    };
    format!(
        "<section>\n<h2>{name}</h2>\n<p class=\"note\">{tally}{rest}</p>\n<div class=\"scroll\">{}</div>\n</section>\n",
        diagram(&events, &name, &tally)
    )
}

/// One diagram of one flow, for a page that has [`STYLE`] and its own words. The events are sorted by their time of sending.
#[must_use]
pub fn diagram(events: &[&LinkEvent], name: &str, description: &str) -> String {
    let layout = layout(events);
    let mut picture = Picture::default();
    let bottom = TOP + layout.height + 12.0;
    let (left, middle, right) = LINK;
    picture.rect((left, TOP - 8.0), (right - left, bottom - TOP + 8.0), "band", "");
    for (x, head) in [(CLIENT, "client"), (middle, "link"), (SERVER, "server")] {
        picture.text((x, 16.0), "head", head);
    }
    for x in [CLIENT, SERVER] {
        picture.line((x, TOP - 8.0), (x, bottom), "lane");
    }
    times(&mut picture, &layout);
    for (event, position) in events.iter().zip(&layout.positions) {
        draw(&mut picture, event, position);
    }
    picture.finish((WIDTH, bottom + 6.0), "diagram", name, description)
}

/// The times on the left, as many as have room, and the pauses.
fn times(picture: &mut Picture, layout: &Layout) {
    let mut last = f64::NEG_INFINITY;
    for (at, y) in &layout.marks {
        if y - last >= 13.0 {
            picture.text((66.0, TOP + y + 3.5), "time", &milliseconds(*at));
            picture.line_behind((72.0, TOP + y), (SERVER, TOP + y), "rule");
            last = *y;
        }
    }
    for (length, y) in &layout.pauses {
        picture.text((LINK.1, TOP + y + 3.5), "pause", &format!("{} of silence", rounded(*length)));
    }
}

/// To three digits: nobody reads the microseconds of a pause.
fn rounded(time: Duration) -> String {
    let step = if time < Duration::from_secs(1) { 1_000_000 } else { 100_000_000 };
    let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    human(Duration::from_nanos((nanoseconds / step) * step))
}

fn tally(events: &[&LinkEvent]) -> String {
    let count = |outcome| events.iter().filter(|event| event.outcome == outcome).count();
    let twice =
        events.iter().filter(|event| event.outcome == Outcome::Passed && event.arrivals.len() > 1).count();
    let marked = |flag: fn(&super::Arrival) -> bool| {
        events.iter().flat_map(|event| &event.arrivals).filter(|arrival| flag(arrival)).count()
    };
    let parts = [
        (count(Outcome::Lost), "lost"),
        (count(Outcome::Cut), "cut"),
        (count(Outcome::QueueFull), "dropped by a full queue"),
        (count(Outcome::Reset), "reset"),
        (twice, "in two copies or parts"),
        (marked(|arrival| arrival.reordered), "held back"),
        (marked(|arrival| arrival.corrupted), "corrupted"),
    ];
    let sent = events.len() - count(Outcome::Closed);
    let mut text = format!("{sent} sent");
    for (number, what) in parts.into_iter().filter(|(number, _)| *number > 0) {
        text += &format!(", {number} {what}");
    }
    text + "."
}

#[cfg(test)]
mod tests;
