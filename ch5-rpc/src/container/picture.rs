//! The architecture as a picture (SVG): the front end to the left, what everything rests on to the right.

use std::collections::BTreeMap;

use common::report::svg::{Picture, fit, tenths};

use super::check::{Architecture, Link, Style};

/// Size of a component.
const BOX: (f64, f64) = (150.0, 62.0);
/// From one to the next.
const STEP: (f64, f64) = (250.0, 96.0);
/// Around all of it.
const MARGIN: f64 = 20.0;

const CSS: &str = "\
svg { color-scheme: light dark; font: 12px system-ui, sans-serif; --ink: #1c2024; --soft: #565d66; --card: #fff; \
--c0: #0072b2; --c1: #e69f00; --c2: #009e73; --c3: #d55e00; --c4: #cc79a7; } \
@media (prefers-color-scheme: dark) { svg { --ink: #e7e9eb; --soft: #a3abb3; --card: #1b1f23; } } \
text { fill: var(--ink); } .box { fill: var(--card); stroke-width: 2; } .name { font-weight: 650; } \
.c0 { stroke: var(--c0); } .c1 { stroke: var(--c1); } .c2 { stroke: var(--c2); } .c3 { stroke: var(--c3); } .c4 { stroke: var(--c4); } \
.small { fill: var(--soft); font-size: 10.5px; } .what { font-size: 10.5px; text-anchor: middle; paint-order: stroke; \
stroke: var(--card); stroke-width: 4px; } .call, .event { fill: none; stroke: var(--soft); stroke-width: 1.4; } \
.event { stroke-dasharray: 5 4; } .tip { fill: var(--soft); }";

/// The whole picture, a file of its own.
pub fn svg(architecture: &Architecture) -> String {
    let places = places(architecture);
    let mut picture = Picture::default();
    for link in &architecture.links {
        connection(&mut picture, link, &places);
    }
    let nodes = architecture.descriptor.nodes();
    for (name, (x, y)) in &places {
        let component = architecture.component(name);
        let colour = nodes.iter().position(|node| *node == component.node).unwrap_or(0) % 5;
        picture.rect((*x, *y), BOX, &format!("box c{colour}"), name);
        picture.text((x + 10.0, y + 20.0), "name", &fit(name, 20));
        picture.text((x + 10.0, y + 36.0), "small", &fit(&format!("on {}", component.node), 24));
        let offers = [component.provides.join(", "), component.publishes.join(", ")];
        let offers: Vec<String> = offers.into_iter().filter(|offer| !offer.is_empty()).collect();
        picture.text((x + 10.0, y + 52.0), "small", &fit(&offers.join("; "), 26));
    }
    let size = places.values().fold((0.0_f64, 0.0_f64), |(width, height), (x, y)| {
        (width.max(x + BOX.0 + MARGIN), height.max(y + BOX.1 + MARGIN))
    });
    let description = "Solid lines are calls, dashed lines are events; a colour is a node.";
    let svg = picture.finish(size, "architecture", "The architecture", description);
    svg.replacen("<title>", &format!("<style>{CSS}</style><title>"), 1)
}

/// Where each component is: a column for each step from the front end, a row for each component of it.
fn places(architecture: &Architecture) -> BTreeMap<&str, (f64, f64)> {
    let mut columns: BTreeMap<&str, usize> = BTreeMap::new();
    // From those that start last: whoever calls has its column before what it calls.
    for name in architecture.order.iter().rev() {
        let column = columns.get(name.as_str()).copied().unwrap_or(0);
        columns.insert(name, column);
        for link in architecture.links_of(name).filter(|link| link.style == Style::Call) {
            let called = columns.entry(&link.to).or_insert(0);
            *called = (*called).max(column + 1);
        }
    }
    let mut rows: BTreeMap<usize, usize> = BTreeMap::new();
    let mut places = BTreeMap::new();
    for (name, column) in columns {
        let row = rows.entry(column).or_insert(0);
        places.insert(name, (MARGIN + STEP.0 * column as f64, MARGIN + STEP.1 * *row as f64));
        *row += 1;
    }
    places
}

/// A call goes from the right edge of the caller to the left edge of the called; an event from its publisher to its consumer.
fn connection(picture: &mut Picture, link: &Link, places: &BTreeMap<&str, (f64, f64)>) {
    let (from, to, class) = match link.style {
        Style::Call => (&link.from, &link.to, "call"),
        Style::Event => (&link.to, &link.from, "event"),
    };
    let ((x1, y1), (x2, y2)) = (places[from.as_str()], places[to.as_str()]);
    let lower = if link.style == Style::Event { 12.0 } else { -6.0 };
    let (y1, y2) = (y1 + BOX.1 / 2.0 + lower, y2 + BOX.1 / 2.0 + lower);
    // In one column the line leaves and enters on the right.
    let (start, end, bend) = match x1.total_cmp(&x2) {
        std::cmp::Ordering::Less => (x1 + BOX.0, x2, (x2 - x1 - BOX.0) / 2.0),
        std::cmp::Ordering::Equal => (x1 + BOX.0, x2 + BOX.0, 40.0),
        std::cmp::Ordering::Greater => (x1, x2 + BOX.0, -(x1 - x2 - BOX.0) / 2.0),
    };
    let into = if x1 < x2 { -1.0 } else { 1.0 };
    let points = [start, y1, start + bend, y1, end + into * bend.abs(), y2, end, y2].map(tenths);
    let [a, b, c, d, e, f, g, h] = points;
    picture.path(&format!("M{a} {b}C{c} {d} {e} {f} {g} {h}"), class);
    let tip = [end, y2, end + into * 7.0, y2 - 4.0, end + into * 7.0, y2 + 4.0].map(tenths);
    let [a, b, c, d, e, f] = tip;
    picture.path(&format!("M{a} {b}L{c} {d}L{e} {f}Z"), "tip");
    let middle = (start + end) / 2.0 + if x1 == x2 { 30.0 } else { 0.0 };
    picture.text((middle, (y1 + y2) / 2.0 - 3.0), "what", &link.what);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::check::check;
    use crate::container::descriptor::Descriptor;

    #[test]
    fn every_component_has_a_place_of_its_own_and_callers_are_left_of_what_they_call() {
        let architecture = check(Descriptor::read(crate::container::EXAMPLE).unwrap()).unwrap();
        let places = places(&architecture);
        assert_eq!(places.len(), 4);
        for link in architecture.links.iter().filter(|link| link.style == Style::Call) {
            assert!(places[link.from.as_str()].0 < places[link.to.as_str()].0, "{link}");
        }
        let svg = svg(&architecture);
        assert_eq!((svg.matches("class=\"box").count(), svg.matches("class=\"call\"").count()), (4, 4));
        assert_eq!((svg.matches("class=\"event\"").count(), svg.matches("class=\"tip\"").count()), (1, 5));
    }
}
