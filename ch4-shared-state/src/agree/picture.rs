//! The run as a space-time diagram: a lane for each node, a line for each message that came. No script, no network.
//!
//! ```text
//!   node 0  ─░░░███───────────      ░ wants the pen   █ has it
//!              ╲   ╲                ╲ request or reply
//!   node 1  ────●───●─────────
//! ```

use common::support::count::count;
use std::collections::BTreeMap;
use std::time::Duration;

use common::report::svg::{Picture, step};

use super::agreement::Message;
use super::check::Verdict;
use super::node::{Event, Node};
use super::present::milliseconds;

const LEFT: f64 = 60.0;
const LANE: f64 = 90.0;
/// So much time, in milliseconds, is a pixel; a long run is wide, and the page scrolls.
const SCALE: f64 = 0.5;

const HEAD: &str = r#"<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Agreement</title><style>
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { margin: 2rem 1rem; } figure { margin: 0; overflow-x: auto; } text { font-size: 12px; fill: currentColor; }
.lane { stroke: currentColor; opacity: .5; } .axis { stroke: currentColor; opacity: .2; }
.wants { fill: #d9a441; } .draws { fill: #2a7de1; } .bad { fill: #d43d3d; }
.request { stroke: #d9a441; } .reply { stroke: #2f9e6e; } .lost { stroke: #d43d3d; stroke-dasharray: 2 3; }
.mid { text-anchor: middle; } .end { text-anchor: end; }
</style></head><body><h1>Who had the pen</h1>
<p>Yellow: a node wants the pen, and asks. Green: a reply. Blue: it has the pen. Red: two had it at once, or it died. Dashed: a message that was
lost; it was sent again.</p>
"#;

/// The page.
pub fn page(nodes: &[Node], verdict: &Verdict) -> String {
    format!("{HEAD}<figure>{}</figure>\n</body></html>\n", picture(nodes, verdict))
}

fn picture(nodes: &[Node], verdict: &Verdict) -> String {
    let x = |time: Duration| LEFT + time.as_secs_f64() * 1e3 / SCALE;
    let y = |node: usize| LANE * node as f64 + 30.0;
    let events =
        || nodes.iter().enumerate().flat_map(|(id, node)| node.events.iter().map(move |event| (id, *event)));
    let end = events().map(|(_, (at, _))| at).max().unwrap_or_default();
    let bottom = y(nodes.len() - 1) + 30.0;
    let mut picture = Picture::default();
    let tick = step(end.as_secs_f64() * 1e3, (x(end) / 120.0).max(1.0));
    for time in (0..).map(|count| f64::from(count) * tick).take_while(|time| *time <= end.as_secs_f64() * 1e3)
    {
        let at = LEFT + time / SCALE;
        picture.line_behind((at, 0.0), (at, bottom), "axis");
        picture.text((at, bottom + 15.0), "mid", &format!("{time} ms"));
    }
    for node in 0..nodes.len() {
        picture.line((LEFT, y(node)), (x(end), y(node)), "lane");
        picture.text((LEFT - 6.0, y(node) + 4.0), "end", &format!("node {node}"));
    }
    let came: BTreeMap<(usize, usize, u64), Duration> = events()
        .filter_map(|(to, (at, event))| match event {
            Event::Received { from, id } => Some(((from, to, id), at)),
            _ => None,
        })
        .collect();
    for (from, (at, event)) in events() {
        let Event::Sent { to, id, message } = event else { continue };
        let class = if let Message::Request(_) = message { "request" } else { "reply" };
        let toward = if to > from { 20.0 } else { -20.0 };
        match came.get(&(from, to, id)) {
            Some(&then) => picture.line((x(at), y(from)), (x(then), y(to)), class),
            None => picture.line((x(at), y(from)), (x(at) + 4.0, y(from) + toward), "lost"),
        }
    }
    for (place, turn) in verdict.turns.iter().enumerate() {
        let node = turn.stamp.node;
        let tip =
            format!("node {node}, stamp ({}, {node}), from {}", turn.stamp.time, milliseconds(turn.from));
        let bar = |from: Duration, to: Duration| (x(to) - x(from)).max(2.0);
        picture.rect((x(turn.wanted), y(node) - 4.0), (bar(turn.wanted, turn.from), 8.0), "wants", &tip);
        let is_bad = verdict.at_once.contains(&place) || turn.to.is_none();
        let to = turn.to.unwrap_or(turn.from);
        let class = if is_bad { "bad" } else { "draws" };
        picture.rect((x(turn.from), y(node) - 8.0), (bar(turn.from, to), 16.0), class, &tip);
    }
    let title = "Space-time diagram of the agreement";
    let description =
        format!("{} with the pen of {} nodes.", count(verdict.turns.len(), "turn"), nodes.len());
    let (width, height) = (x(end) + 40.0, bottom + 22.0);
    let svg = picture.finish((width, height), "agree", title, &description);
    svg.replacen("<svg ", &format!("<svg width=\"{width:.0}\" height=\"{height:.0}\" "), 1)
}
