//! Latency against the offered rate, a picture for each contestant: its own curves before those of all others in grey. Both axes are
//! logarithmic.
//!
//! ```text
//!   10 ms │            ╱      p99: one call in a hundred takes longer
//!    1 ms │       ____╱┄
//!  100 µs │──────┄┄┄┄┄        p50
//!         └──┬──────┬──────┬─
//!          1000   4000   16000  calls a second, offered
//! ```

use common::bench::results::{Results, Table};
use common::bench::rounds::Row;
use common::report::micros;
use common::report::svg::{Picture, escape, through};

use super::load::Asked;
use super::measure::Sample;

/// What the style sheet of the report does not have.
pub const STYLE: &str =
    ".typical { fill: none; stroke: var(--accent); stroke-width: 1.4; stroke-dasharray: 3 3; }\n";

const WIDTH: f64 = 360.0;
const HEIGHT: f64 = 168.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = 300.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 146.0;

const EXPLANATION: &str = "<p>Calls come at a fixed rate, whatever is answered, and each is timed from the moment when it was meant to \
    begin. The line: one call in a hundred takes longer (p99). Dashed: half of them do (p50). In grey: the p99 of the others. Both \
    axes are logarithmic; each point is the median of the rounds. A curve that turns upwards is a server that cannot follow.</p>\n";

/// What one contestant did at one rate: medians of the rounds.
#[derive(Debug, Clone, Copy)]
struct Point {
    rate: f64,
    p50_us: f64,
    p99_us: f64,
    waiting: f64,
}

/// The pictures, or nothing where no rate was measured.
pub fn section(results: &Results<Sample>) -> String {
    let curves = curves(results);
    let Some(axes) = Axes::around(curves.iter().flat_map(|(_, points)| points)) else { return String::new() };
    let cards: String = curves.iter().map(|own| card(&axes, own, &curves)).collect();
    format!(
        "<section>\n<h2>Latency against offered rate</h2>\n{EXPLANATION}<div class=\"cards\">\n{cards}</div>\n</section>\n"
    )
}

type Curve = (String, Vec<Point>);

/// The points of each contestant, in the order of the tables.
fn curves(results: &Results<Sample>) -> Vec<Curve> {
    let rate = |table: &Table<Sample>| Asked::of(&table.name)?.rate;
    let tables: Vec<(f64, &Table<Sample>)> =
        results.tables.iter().filter_map(|table| Some((f64::from(rate(table)?), table))).collect();
    let Some((_, first)) = tables.first() else { return Vec::new() };
    let of = |row: &Row<Sample>| {
        let points: Vec<Point> =
            tables.iter().filter_map(|(rate, table)| Point::of(*rate, table.row(&row.name)?)).collect();
        (!points.is_empty()).then(|| (row.name.clone(), points))
    };
    first.rows.iter().filter_map(of).collect()
}

impl Point {
    fn of(rate: f64, row: &Row<Sample>) -> Option<Point> {
        let median =
            |value: fn(&Sample) -> f64| row.spread(|sample| Some(value(sample))).map(|spread| spread.median);
        Some(Point {
            rate,
            p50_us: median(|sample| sample.p50_us)?,
            p99_us: median(|sample| sample.p99_us)?,
            waiting: median(|sample| sample.waiting as f64)?,
        })
    }
}

/// Decimal logarithms of the lowest and the highest value of each axis.
struct Axes {
    rates: (f64, f64),
    times: (f64, f64),
}

impl Axes {
    fn around<'a>(points: impl Iterator<Item = &'a Point>) -> Option<Axes> {
        let (mut rates, mut times) = (Vec::new(), Vec::new());
        for point in points {
            rates.push(point.rate);
            times.extend([point.p50_us, point.p99_us]);
        }
        Some(Axes { rates: logarithms(&rates)?, times: logarithms(&times)? })
    }

    fn place(&self, rate: f64, us: f64) -> (f64, f64) {
        let part = |value: f64, (low, high): (f64, f64)| (value.max(0.1).log10() - low) / (high - low);
        let (along, height) = (part(rate, self.rates), part(us, self.times));
        (LEFT + (RIGHT - LEFT) * along, BOTTOM - (BOTTOM - TOP) * height)
    }

    fn path(&self, points: &[Point], us: fn(&Point) -> f64) -> String {
        let places: Vec<(f64, f64)> = points.iter().map(|point| self.place(point.rate, us(point))).collect();
        through(&places)
    }
}

/// With a tenth of a decade of room at both ends, so that one value has an axis, too.
fn logarithms(values: &[f64]) -> Option<(f64, f64)> {
    let low = values.iter().copied().reduce(f64::min)?.max(0.1).log10();
    let high = values.iter().copied().reduce(f64::max)?.max(0.1).log10();
    Some((low - 0.1, high + 0.1))
}

fn card(axes: &Axes, (name, points): &Curve, all: &[Curve]) -> String {
    let mut picture = Picture::default();
    grid(&mut picture, axes, points);
    for (_, others) in all.iter().filter(|(other, _)| other != name) {
        picture.path(&axes.path(others, |point| point.p99_us), "other-curve");
    }
    picture.path(&axes.path(points, |point| point.p50_us), "typical");
    picture.path(&axes.path(points, |point| point.p99_us), "curve");
    let mut words = Vec::new();
    for point in points {
        let (x, y) = axes.place(point.rate, point.p99_us);
        let waiting =
            if point.waiting > 0.0 { format!(", {:.0} calls waited", point.waiting) } else { String::new() };
        let tip =
            format!("{}/s: p50 {}, p99 {}{waiting}", point.rate, micros(point.p50_us), micros(point.p99_us));
        picture.rect((x - 2.5, y - 2.5), (5.0, 5.0), "point", &tip);
        picture.text((x, y - 6.0), "direct mid", &micros(point.p99_us));
        words.push(tip);
    }
    let words = words.join("; ");
    let title = format!("{name}: latency against offered rate");
    format!(
        "<figure class=\"card\"><h3>{}</h3>\n{}<figcaption>{}</figcaption></figure>\n",
        escape(name),
        picture.finish((WIDTH, HEIGHT), "curves", &title, &words),
        escape(&words)
    )
}

fn grid(picture: &mut Picture, axes: &Axes, points: &[Point]) {
    let (low, high) = axes.times;
    for decade in low.ceil() as i32..=high.floor() as i32 {
        let us = 10_f64.powi(decade);
        let (_, y) = axes.place(1.0, us);
        picture.line_behind((LEFT, y), (RIGHT, y), "grid");
        picture.text((LEFT - 5.0, y + 3.5), "name", &micros(us));
    }
    for point in points {
        let (x, _) = axes.place(point.rate, 1.0);
        picture.line_behind((x, TOP), (x, BOTTOM), "grid");
        picture.text((x, BOTTOM + 14.0), "tick-label", &format!("{}/s", point.rate));
    }
    picture.line((LEFT, BOTTOM), (RIGHT, BOTTOM), "axis");
}

#[cfg(test)]
mod tests {
    use super::*;

    const POINTS: [Point; 2] = [
        Point { rate: 1000.0, p50_us: 50.0, p99_us: 100.0, waiting: 0.0 },
        Point { rate: 10_000.0, p50_us: 60.0, p99_us: 10_000.0, waiting: 7.0 },
    ];

    #[test]
    fn a_higher_rate_is_to_the_right_and_a_longer_time_above() {
        let axes = Axes::around(POINTS.iter()).unwrap();
        let [slow, fast] = POINTS.map(|point| axes.place(point.rate, point.p99_us));
        assert!(slow.0 < fast.0 && slow.1 > fast.1, "{slow:?} {fast:?}");
        // Logarithmic: the middle of two decades is one decade.
        let middle = axes.place(1000.0, 1000.0).1;
        assert!((middle - f64::midpoint(slow.1, fast.1)).abs() < 1e-9, "{middle}");
    }

    #[test]
    fn a_card_has_both_curves_and_those_of_the_others() {
        let all = [("one".to_owned(), POINTS.to_vec()), ("<two>".to_owned(), POINTS[..1].to_vec())];
        let axes = Axes::around(POINTS.iter()).unwrap();
        let text = card(&axes, &all[0], &all);
        for class in ["class=\"curve\"", "class=\"typical\"", "class=\"other-curve\""] {
            assert_eq!(text.matches(class).count(), 1, "{class}");
        }
        let words = format!("10000/s: p50 {}, p99 {}, 7 calls waited", micros(60.0), micros(10_000.0));
        assert!(text.contains(&words), "{text}");
        assert!(card(&axes, &all[1], &all).contains("&lt;two&gt;"));
    }

    #[test]
    fn one_rate_has_a_picture_and_none_has_not() {
        assert!(Axes::around(POINTS[..1].iter()).is_some());
        assert!(Axes::around([].iter()).is_none());
    }
}
