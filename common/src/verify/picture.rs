//! A history as a space-time diagram: one HTML file, no network, no script; light, dark and on paper.
//!
//! ```text
//!              guess e          guess t
//!   client 0   ├───①──────┤ right   ├──③──┤ right
//!                guess e                          ①②③  where in its interval each call took effect: the order
//!   client 1     ├────────────┤ right  ✕          ✕    the call that fits nowhere
//!              ──────────────────────────► time, not to scale
//! ```
//!
//! Every beginning and every end has a column of its own: calls of microseconds and waits of seconds would otherwise not be seen on one
//! page. The real times are below. What overlaps in the picture overlapped in time, and nothing else did.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::time::Duration;

use super::explanation::{Explanation, span};
use super::history::{Call, History};
use crate::report::svg::{Picture, escape, fit, through};
use crate::support::cli::human;
use columns::Columns;

mod columns;

const STYLE: &str = include_str!("picture/style.css");
/// Most calls in a picture of an order, and in the table beneath one of a violation.
pub const CALLS: usize = 60;
/// Most calls around a violation: it should be seen at once.
const AROUND: usize = 22;

const COLUMN: f64 = 44.0;
const LEFT: f64 = 76.0;
const TOP: f64 = 30.0;
const LANE: f64 = 66.0;
const BAR: f64 = 18.0;
/// Characters of text beside a bar of two columns.
const LABEL: usize = 13;

/// What the page says about the run.
#[derive(Debug, Clone, Default)]
pub struct About {
    /// What was checked.
    pub title: String,
    /// The verdict as a sentence.
    pub verdict: String,
    /// Names and values: the server, the seed, the command that asks for the same again.
    pub facts: Vec<(String, String)>,
}

/// What is shown of the history.
#[derive(Debug, Clone, Copy)]
pub enum Shown<'a> {
    /// The beginning of a history that this order explains.
    Order(&'a [usize]),
    /// What is around a violation.
    Violation(&'a Explanation),
}

/// The whole page. Everything that comes from outside is escaped: answers are bytes of a server.
pub fn html<O: Display, A: Display>(history: &History<O, A>, shown: Shown<'_>, about: &About) -> String {
    let calls = history.calls();
    let chosen = chosen(calls, shown);
    let facts: String = about
        .facts
        .iter()
        .map(|(name, value)| format!("<div><dt>{}</dt><dd>{}</dd></div>\n", escape(name), escape(value)))
        .collect();
    let diagram = Diagram { calls, shown, columns: Columns::of(calls, &chosen), chosen: &chosen };
    format!(
        concat!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n",
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n",
            "<title>{title}</title>\n<style>\n{style}</style>\n</head>\n<body>\n",
            "<h1>{title}</h1>\n<p class=\"lead\">{verdict}</p>\n<dl>\n{facts}</dl>\n{legend}{note}",
            "<div class=\"scroll\"><div style=\"min-width:{width:.0}px\">\n{picture}</div></div>\n{words}",
            "</body>\n</html>\n"
        ),
        title = escape(&about.title),
        style = STYLE,
        verdict = escape(&about.verdict),
        facts = facts,
        legend = LEGEND,
        note = note(calls.len(), chosen.len(), shown),
        width = diagram.width() * 0.8,
        picture = diagram.draw(&about.verdict),
        words = words(calls, shown),
    )
}

const LEGEND: &str = concat!(
    "<ul class=\"legend\">",
    "<li><i class=\"k call\"></i>a call, from its request to its answer</li>",
    "<li><i class=\"k rival\"></i>open together with the one that fits nowhere</li>",
    "<li><i class=\"k culprit\"></i>its answer fits nowhere</li>",
    "<li><i class=\"k open\"></i>no answer when the picture ends</li>",
    "<li><i class=\"k point\">1</i>takes effect here: one after another along the line</li>",
    "</ul>\n"
);

fn note(all: usize, chosen: usize, shown: Shown<'_>) -> String {
    let which = match shown {
        Shown::Order(_) => "first",
        Shown::Violation(_) => "last before the violation",
    };
    let part =
        if all > chosen { format!(" Of {all} calls these {chosen} are the {which}.") } else { String::new() };
    format!(
        "<p class=\"note\">Time runs to the right and is not to scale: each beginning and each end has a column.{part}</p>\n"
    )
}

/// The calls that are drawn, in the order of their beginnings.
fn chosen<O, A>(calls: &[Call<O, A>], shown: Shown<'_>) -> Vec<usize> {
    match shown {
        Shown::Order(_) => (0..calls.len().min(CALLS)).collect(),
        Shown::Violation(explanation) => {
            let end = calls[explanation.culprit].end();
            let mut before: Vec<usize> =
                (0..calls.len()).filter(|&index| calls[index].called <= end).collect();
            // Those that ended long ago go first, and never what is needed and was open together.
            let is_rival = |index: usize| index == explanation.culprit || explanation.rivals.contains(&index);
            before
                .sort_by_key(|&index| (is_rival(index), calls[index].returned.is_some(), calls[index].end()));
            let mut chosen =
                before.split_off(before.len().saturating_sub(AROUND.max(explanation.rivals.len() + 1)));
            chosen.sort_unstable();
            chosen
        }
    }
}

struct Diagram<'a, O, A> {
    calls: &'a [Call<O, A>],
    shown: Shown<'a>,
    columns: Columns,
    chosen: &'a [usize],
}

impl<O: Display, A: Display> Diagram<'_, O, A> {
    fn width(&self) -> f64 {
        LEFT + (self.columns.count() as f64 + 2.0) * COLUMN
    }

    fn draw(&self, description: &str) -> String {
        let mut clients: Vec<usize> = self.chosen.iter().map(|&index| self.calls[index].client).collect();
        clients.sort_unstable();
        clients.dedup();
        let lanes: BTreeMap<usize, f64> = clients
            .iter()
            .enumerate()
            .map(|(lane, &client)| (client, TOP + (lane as f64 + 0.5) * LANE))
            .collect();
        let bottom = TOP + clients.len() as f64 * LANE;

        let mut picture = Picture::default();
        self.draw_time(&mut picture, bottom);
        for (client, &y) in &lanes {
            picture.line_behind((LEFT, y), (self.width(), y), "lane");
            picture.text((LEFT - 8.0, y + 4.0), "client", &format!("client {client}"));
        }
        for &index in self.chosen {
            self.draw_call(&mut picture, index, lanes[&self.calls[index].client]);
        }
        self.draw_order(&mut picture, &lanes);
        let size = (self.width(), bottom + 26.0);
        picture.finish(size, "diagram", "Calls over time", description)
    }

    fn draw_time(&self, picture: &mut Picture, bottom: f64) {
        let mut free = f64::MIN;
        for (column, at) in self.columns.times() {
            let x = self.x(column as f64);
            picture.line_behind((x, TOP), (x, bottom), "rule");
            if x >= free {
                picture.text((x, bottom + 14.0), "time", &human(rounded(at)));
                free = x + 1.6 * COLUMN;
            }
        }
    }

    fn draw_call(&self, picture: &mut Picture, index: usize, y: f64) {
        let call = &self.calls[index];
        let (begin, end) = self.columns.of_call(index);
        let (x, until) =
            (self.x(begin as f64), self.x(end.map_or(self.columns.count() as f64, |end| end as f64)));
        let class = match self.shown {
            Shown::Violation(explanation) if explanation.culprit == index => "culprit",
            Shown::Violation(explanation) if explanation.rivals.contains(&index) => "rival",
            _ if end.is_none() => "open",
            _ => "call",
        };
        let operation = call.operation.to_string();
        let answer = match (end, call.answer()) {
            (Some(_), Some(answer)) => format!("→ {answer}"),
            _ => "→ …".into(),
        };
        let characters = LABEL + (((until - x) / COLUMN).max(1.0) as usize - 1) * (LABEL / 2);
        picture.group(class, &sentence(call), |picture| {
            picture.rect((x, y - BAR / 2.0), (until - x, BAR), "bar", "");
            picture.text((x, y - BAR / 2.0 - 5.0), "what", &fit(&operation, characters));
            picture.text((x, y + BAR / 2.0 + 13.0), "what", &fit(&answer, characters));
            if class == "culprit" {
                let (middle, half) = (f64::midpoint(x, until), 6.0);
                for (from, to) in [(-half, half), (half, -half)] {
                    picture.line((middle - half, y + from), (middle + half, y + to), "cross");
                }
            }
        });
    }

    /// The points where calls take effect, and the path through them.
    fn draw_order(&self, picture: &mut Picture, lanes: &BTreeMap<usize, f64>) {
        let order: &[usize] = match self.shown {
            Shown::Order(order) => order,
            Shown::Violation(explanation) => &explanation.order,
        };
        let drawn: Vec<usize> = order.iter().copied().filter(|index| self.chosen.contains(index)).collect();
        let places = self.columns.points(&drawn);
        let points: Vec<(f64, f64)> = drawn
            .iter()
            .zip(&places)
            .map(|(&index, &place)| (self.x(place), lanes[&self.calls[index].client]))
            .collect();
        picture.path(&through(&points), "order");
        // Numbers as in the whole order, so that two pictures of one run can be compared.
        for (index, &(x, y)) in drawn.iter().zip(&points) {
            let number = order.iter().position(|other| other == index).map_or(0, |place| place + 1);
            picture.rect((x - 8.0, y - 7.0), (16.0, 14.0), "point", "");
            picture.text((x, y + 3.5), "number", &number.to_string());
        }
    }

    fn x(&self, column: f64) -> f64 {
        LEFT + (column + 0.5) * COLUMN
    }
}

/// The culprit, what would have been right, and the calls that make it wrong.
fn words<O: Display, A: Display>(calls: &[Call<O, A>], shown: Shown<'_>) -> String {
    let Shown::Violation(explanation) = shown else { return String::new() };
    let (begin, end) = span(calls, &explanation.needed);
    let skip = explanation.needed.len().saturating_sub(CALLS);
    let rows: String = explanation.needed[skip..]
        .iter()
        .map(|&index| {
            let class = if index == explanation.culprit {
                " class=\"culprit\""
            } else if explanation.rivals.contains(&index) {
                " class=\"rival\""
            } else {
                ""
            };
            let call = &calls[index];
            let returned = call.returned.as_ref();
            format!(
                "<tr{class}><td>client {}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
                call.client,
                escape(&call.operation.to_string()),
                returned.map_or("…".into(), |(_, answer)| escape(&answer.to_string())),
                human(rounded(call.called)),
                returned.map_or("…".into(), |(at, _)| human(rounded(*at))),
            )
        })
        .collect();
    let skipped = if skip > 0 { format!(" (the last {CALLS} of them)") } else { String::new() };
    format!(
        concat!(
            "<h2>What cannot be</h2>\n<p>{}</p>\n<p>In the order drawn, its answer would have been <b>{}</b>.</p>\n",
            "<h2>{} calls that are a violation by themselves{}</h2>\n",
            "<p class=\"note\">Within {}. Left out: calls that change nothing and are not needed.</p>\n",
            "<div class=\"scroll\"><table>\n<thead><tr><th>who</th><th>what</th><th>answer</th><th>called</th>",
            "<th>returned</th></tr></thead>\n<tbody>\n{}</tbody></table></div>\n"
        ),
        escape(&sentence(&calls[explanation.culprit])),
        escape(&explanation.right.join(" or ")),
        explanation.needed.len(),
        skipped,
        human(rounded(end.saturating_sub(begin))),
        rows
    )
}

/// A call in one line.
pub fn sentence<O: Display, A: Display>(call: &Call<O, A>) -> String {
    let called = human(rounded(call.called));
    match &call.returned {
        Some((at, answer)) => {
            format!(
                "client {}: {} → {answer} ({called} to {})",
                call.client,
                call.operation,
                human(rounded(*at))
            )
        }
        None => format!("client {}: {} never returned ({called})", call.client, call.operation),
    }
}

/// To a tenth of a microsecond: more is noise.
fn rounded(time: Duration) -> Duration {
    Duration::from_nanos(u64::try_from(time.as_nanos() / 100 * 100).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
