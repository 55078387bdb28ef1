//! A page with two pictures and no script.
//!
//! ```text
//!   error                                     ╱ half the delay: the bound
//!     │          ·   ·                   ╱
//!   0 ┼───────────────────────
//!     │      •  · ·    ·                 ╲          each exchange is a dot; the chosen ones are those at the left
//!     └── delay ──────────────                ╲
//! ```

use common::support::count::count;
use std::fmt::Write;

use common::report::svg::{Picture, step, through};

use super::clock::Nanos;
use super::experiment::{Found, Row};
use super::present::milliseconds;

const LEFT: f64 = 70.0;
const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 320.0;
const ROW: f64 = 22.0;

const HEAD: &str = r#"<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Clock synchronisation</title><style>
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 52rem; margin: 2rem auto; padding: 0 1rem; }
svg { width: 100%; min-width: 34rem; height: auto; } figure { margin: 0; overflow-x: auto; }
text { font-size: 12px; fill: currentColor; }
.axis { stroke: currentColor; opacity: .3; } .zero { stroke: currentColor; } .bound { fill: #2a7de1; opacity: .3; }
.wedge { stroke: #2a7de1; fill: none; } .dot { fill: #2a7de1; } .error { fill: #d43d3d; }
.end { text-anchor: end; } .mid { text-anchor: middle; }
</style></head><body><h1>Clock synchronisation</h1>
"#;

/// The page.
pub fn page(found: &Found) -> String {
    let mut page = String::from(HEAD);
    page += "<h2>All exchanges: the delay of each, and how wrong its offset is</h2>\n\
        <p>The lines are half the delay: no exchange is more wrong. The one with the least delay says most. Where the dots lie beside the \
        zero line, one way is longer than the other.</p>\n";
    let _ = writeln!(page, "<figure>{}</figure>", wedge(found));
    for (name, rows) in [("Cristian", &found.cristian), ("NTP", &found.ntp)] {
        let _ = write!(
            page,
            "<h2>{name}: the true error (red) in the claimed bound (blue)</h2>\n<figure>{}</figure>\n",
            bars(name, rows)
        );
    }
    let berkeley = &found.berkeley;
    let _ = write!(
        page,
        "<h2>Berkeley</h2>\n<p>Furthest apart before: {}. After: {}. Claimed bound: {}.</p>\n</body></html>\n",
        milliseconds(berkeley.before),
        milliseconds(berkeley.after),
        milliseconds(berkeley.bound)
    );
    page
}

fn wedge(found: &Found) -> String {
    let most = found.exchanges.iter().map(|exchange| exchange.delay).max().unwrap_or(1).max(1) as f64 * 1.05;
    let x = |delay: f64| LEFT + delay / most * WIDTH;
    let y = |error: f64| HEIGHT / 2.0 - error / most * HEIGHT;
    let mut picture = Picture::default();
    picture.path(&through(&[(x(most), y(most / 2.0)), (x(0.0), y(0.0)), (x(most), y(-most / 2.0))]), "wedge");
    picture.line((LEFT, y(0.0)), (LEFT + WIDTH, y(0.0)), "zero");
    let step = step(most / 1e6, 8.0) * 1e6;
    for tick in (0..).map(|tick| f64::from(tick) * step).take_while(|tick| *tick <= most) {
        picture.line_behind((x(tick), 0.0), (x(tick), HEIGHT), "axis");
        picture.text((x(tick), HEIGHT + 15.0), "mid", &format!("{} ms", (tick / 1e4).round() / 1e2));
        for tick in both(tick).filter(|tick| tick.abs() <= most / 2.0) {
            picture.text((LEFT - 6.0, y(tick) + 4.0), "end", &format!("{} ms", (tick / 1e4).round() / 1e2));
        }
    }
    for exchange in &found.exchanges {
        let (x, y) = (x(exchange.delay as f64), y(exchange.error as f64));
        let (delay, error) = (milliseconds(exchange.delay), milliseconds(exchange.error));
        let tip = format!("node {}: delay {delay}, error {error}", exchange.node);
        picture.rect((x - 2.5, y - 2.5), (5.0, 5.0), "dot", &tip);
    }
    let description =
        format!("{} between the lines of half the delay.", count(found.exchanges.len(), "exchange"));
    picture.finish(
        (LEFT + WIDTH + 20.0, HEIGHT + 22.0),
        "scatter",
        "Delay and error of each exchange",
        &description,
    )
}

fn bars(name: &str, rows: &[Row]) -> String {
    let known = || rows.iter().filter_map(|row| Some((row, row.estimate?.bound, row.error?)));
    let most = known().map(|(_, bound, error)| bound.max(error.abs())).max().unwrap_or(1).max(1) as f64;
    let x = |time: f64| LEFT + (time / most + 1.0) / 2.0 * WIDTH;
    let bottom = ROW * rows.len() as f64;
    let mut picture = Picture::default();
    let step = step(most / 1e6, 4.0) * 1e6;
    for tick in (0..).map(|tick| f64::from(tick) * step).take_while(|tick| *tick <= most) {
        for tick in both(tick) {
            let class = if tick == 0.0 { "zero" } else { "axis" };
            picture.line_behind((x(tick), 0.0), (x(tick), bottom), class);
            picture.text((x(tick), bottom + 15.0), "mid", &format!("{} ms", (tick / 1e4).round() / 1e2));
        }
    }
    for (index, row) in rows.iter().enumerate() {
        picture.text((LEFT - 6.0, ROW * index as f64 + 15.0), "end", &format!("node {}", row.node));
    }
    for (row, bound, error) in known() {
        let y = ROW * (row.node - 1) as f64;
        let tip = format!("node {}: error {}, bound {}", row.node, milliseconds(error), milliseconds(bound));
        let width = |time: Nanos| time as f64 / most * WIDTH;
        picture.rect((x(-bound as f64), y + 4.0), (width(bound), ROW - 8.0), "bound", &tip);
        picture.rect((x(error as f64) - 2.0, y + 2.0), (4.0, ROW - 4.0), "error", &tip);
    }
    let title = format!("{name}: the true error in the claimed bound");
    picture.finish((LEFT + WIDTH + 40.0, bottom + 22.0), "bars", &title, "A row for each node.")
}

/// This side of zero, and the other.
fn both(tick: f64) -> impl Iterator<Item = f64> {
    [tick, -tick].into_iter().take(if tick == 0.0 { 1 } else { 2 })
}
