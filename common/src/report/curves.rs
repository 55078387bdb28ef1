//! Latency against percentile, one model in colour before all others in grey.
//!
//! The percentiles stand on an axis of nines, so that the tail has as much room as the rest; both latency and rarity are
//! logarithmic. A curve that turns upwards at 99 is a server that makes one client in a hundred wait.
//!
//! ```text
//! 10 ms │                 ╱
//!  1 ms │           ___╱─┘
//! 100µs │──────────┘
//!       └──┬────┬────┬────┬─
//!       0 50   90   99  99.9  %
//! ```

use super::data::Row;
use super::number::micros;
use super::svg::{Picture, through};

const WIDTH: f64 = 360.0;
const HEIGHT: f64 = 168.0;
const LEFT: f64 = 48.0;
const RIGHT: f64 = 298.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 146.0;

/// The axes that all curves of a scenario share.
pub(super) struct Axes {
    /// How many nines the axis has before the maximum.
    nines: f64,
    /// Decimal logarithms of the lowest and highest latency, microseconds, with some room.
    decades: (f64, f64),
}

impl Axes {
    /// Axes with room for the curves of these rows; `None` where no row has one.
    pub fn new<'a>(rows: impl Iterator<Item = &'a Row>) -> Option<Self> {
        let points: Vec<(f64, f64)> = rows.flat_map(|row| row.latency_curve.iter().copied()).collect();
        let positive = || points.iter().map(|point| point.1).filter(|us| us.is_finite() && *us > 0.0);
        let (low, high) = (positive().fold(f64::INFINITY, f64::min), positive().fold(0.0, f64::max));
        if high == 0.0 {
            return None;
        }
        let finest =
            points.iter().map(|point| point.0).filter(|percentile| *percentile < 100.0).fold(90.0, f64::max);
        let (bottom, top) = (low.log10() - 0.1, high.log10() + 0.1);
        // At least one decade, so that a flat curve looks flat.
        let missing = (1.0 - (top - bottom)).max(0.0) / 2.0;
        Some(Self { nines: nines(finest).min(6.0), decades: (bottom - missing, top + missing) })
    }

    fn place(&self, (percentile, us): (f64, f64)) -> (f64, f64) {
        // The maximum stands half a nine behind the last percentile.
        let along = if percentile >= 100.0 { self.nines + 0.5 } else { nines(percentile).min(self.nines) };
        let height = (us.max(f64::MIN_POSITIVE).log10() - self.decades.0) / (self.decades.1 - self.decades.0);
        (LEFT + (RIGHT - LEFT) * along / (self.nines + 0.5), BOTTOM - (BOTTOM - TOP) * height.clamp(0.0, 1.0))
    }

    /// The path of a row's curve, without points that lie on top of each other.
    fn path(&self, row: &Row) -> String {
        let mut points: Vec<(f64, f64)> = Vec::new();
        for point in row.latency_curve.iter().filter(|point| point.1.is_finite()) {
            let point = self.place(*point);
            if points.last().is_none_or(|last| (last.0 - point.0).abs() + (last.1 - point.1).abs() >= 1.5) {
                points.push(point);
            }
        }
        through(&points)
    }
}

/// How many nines a percentile has: 0 of 0, 1 of 90, 2 of 99.
fn nines(percentile: f64) -> f64 {
    -(1.0 - (percentile / 100.0).clamp(0.0, 0.999_999_9)).log10()
}

/// All curves as one group to be drawn in grey in every picture: written once into the page under this id.
pub(super) fn all_curves<'a>(axes: &Axes, rows: impl Iterator<Item = &'a Row>, id: &str) -> String {
    let path: String = rows.map(|row| axes.path(row)).collect();
    format!(
        concat!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" class="defs" width="0" height="0" aria-hidden="true">"#,
            r#"<defs><path id="{}" d="{}"/></defs></svg>"#,
            "\n"
        ),
        id, path
    )
}

/// One row's curve before the group with this id.
pub(super) fn curve(axes: &Axes, row: &Row, others: &str, title: &str) -> String {
    let mut picture = Picture::default();
    grid(&mut picture, axes);
    picture.reuse_behind(others, "other-curve");
    picture.path(&axes.path(row), "curve");
    let mut description = String::from("Latency against percentile.");
    // The curve is of one repetition, and the row's latencies are medians over all: a marker is a point of the curve.
    for (percentile, name) in [(50.0, "p50"), (99.0, "p99"), (100.0, "max")] {
        if let Some(us) = on_curve(&row.latency_curve, percentile) {
            let (x, y) = axes.place((percentile, us));
            picture.rect((x - 2.5, y - 2.5), (5.0, 5.0), "point", "");
            let label = micros(us);
            if percentile == 100.0 {
                picture.text((x + 6.0, y + 3.5), "direct", &label);
            } else {
                picture.text((x.max(LEFT + 22.0), y - 7.0), "direct mid", &label);
            }
            description += &format!(" {name} {label}.");
        }
    }
    picture.finish((WIDTH, HEIGHT), "curves", title, &description)
}

/// The latency at a percentile, between the two points of the curve around it.
fn on_curve(curve: &[(f64, f64)], percentile: f64) -> Option<f64> {
    let after = curve.iter().position(|point| point.0 >= percentile)?;
    let (to, high) = curve[after];
    let Some(&(from, low)) = after.checked_sub(1).and_then(|before| curve.get(before)) else {
        return Some(high);
    };
    // Straight on the paper: the axes are logarithmic. The maximum has no number of nines.
    let share = if percentile >= 100.0 || to <= from {
        1.0
    } else {
        let to = if to >= 100.0 { nines(from) + 0.5 } else { nines(to) };
        ((nines(percentile) - nines(from)) / (to - nines(from))).clamp(0.0, 1.0)
    };
    let [low, high] = [low, high].map(|us| us.max(f64::MIN_POSITIVE).ln());
    Some((low + (high - low) * share).exp())
}

fn grid(picture: &mut Picture, axes: &Axes) {
    let (bottom, top) = axes.decades;
    // One or two powers of ten are too few lines to read by.
    let within = if top - bottom < 2.0 { &[1.0, 2.0, 5.0][..] } else { &[1.0] };
    for decade in bottom.floor() as i32..=top.ceil() as i32 {
        for us in within.iter().map(|factor| factor * 10f64.powi(decade)) {
            if (bottom..=top).contains(&us.log10()) {
                let (_, y) = axes.place((0.0, us));
                picture.line_behind((LEFT, y), (RIGHT, y), "grid");
                picture.text((LEFT - 5.0, y + 3.5), "name", &round(us));
            }
        }
    }
    let marks = [
        (0.0, "0"),
        (50.0, "50"),
        (90.0, "90"),
        (99.0, "99"),
        (99.9, "99.9"),
        (99.99, "99.99"),
        (99.999, "99.999"),
    ];
    let fitting = marks.iter().filter(|(percentile, _)| nines(*percentile) <= axes.nines + 0.01);
    for (percentile, label) in fitting.chain([&(100.0, "max")]) {
        let (x, _) = axes.place((*percentile, 1.0));
        picture.line_behind((x, TOP), (x, BOTTOM), "grid");
        picture.text((x, BOTTOM + 14.0), "tick-label", label);
    }
    picture.text((LEFT - 14.0, BOTTOM + 14.0), "name", "%");
    picture.line((LEFT, BOTTOM), (RIGHT, BOTTOM), "axis");
}

/// Round microseconds in the unit that suits them.
fn round(us: f64) -> String {
    match us {
        _ if us < 1000.0 => format!("{us} µs"),
        _ if us < 1e6 => format!("{} ms", us / 1000.0),
        _ => format!("{} s", us / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(curve: &[(f64, f64)]) -> Row {
        Row { latency_curve: curve.to_vec(), ..Row::default() }
    }

    #[test]
    fn each_nine_has_the_same_room() {
        let axes = Axes::new([row(&[(0.0, 10.0), (99.9, 900.0), (100.0, 1000.0)])].iter()).unwrap();
        let x = |percentile| axes.place((percentile, 10.0)).0;
        assert!((x(99.0) - x(90.0) - (x(90.0) - x(0.0))).abs() < 1e-6);
        assert!((x(99.9) - x(99.0) - (x(90.0) - x(0.0))).abs() < 1e-6);
        assert_eq!(x(100.0), RIGHT);
    }

    #[test]
    fn the_latency_is_logarithmic_and_stays_inside() {
        let axes = Axes::new([row(&[(0.0, 10.0), (99.0, 1000.0)])].iter()).unwrap();
        let y = |us| axes.place((50.0, us)).1;
        assert!((y(100.0) - f64::midpoint(y(10.0), y(1000.0))).abs() < 1e-6);
        assert!(y(10.0) < BOTTOM && y(1000.0) > TOP);
        assert_eq!((y(0.0), y(1e9)), (BOTTOM, TOP));
    }

    #[test]
    fn a_marker_lies_on_the_curve() {
        let curve = [(0.0, 10.0), (90.0, 100.0), (99.0, 1000.0), (100.0, 5000.0)];
        assert_eq!(on_curve(&curve, 99.0).map(f64::round), Some(1000.0));
        assert_eq!(on_curve(&curve, 100.0).map(f64::round), Some(5000.0));
        let axes = Axes::new([row(&curve)].iter()).unwrap();
        let median = axes.place((50.0, on_curve(&curve, 50.0).unwrap()));
        let [from, to] = [curve[0], curve[1]].map(|point| axes.place(point));
        let straight = from.1 + (to.1 - from.1) * (median.0 - from.0) / (to.0 - from.0);
        assert!((median.1 - straight).abs() < 1e-6, "{median:?} {straight}");
        assert_eq!(on_curve(&[], 50.0), None);
    }

    #[test]
    fn a_flat_curve_has_a_decade_of_room() {
        let axes = Axes::new([row(&[(0.0, 100.0), (99.0, 100.0)])].iter()).unwrap();
        assert!((axes.decades.1 - axes.decades.0 - 1.0).abs() < 1e-9);
    }

    #[test]
    fn without_curves_there_are_no_axes() {
        assert!(Axes::new([row(&[])].iter()).is_none());
        assert_eq!([1.0, 1e3, 1e6].map(round), ["1 µs", "1 ms", "1 s"]);
    }
}
