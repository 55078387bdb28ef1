//! Thousands of clients over time: how many are waiting, in service and gone, as bands on top of each other.
//!
//! ```text
//! clients 2000 ┌──────────────────────┐
//!              │\\\\ waiting \\\┌─────┤
//!              │\\\\\\\\\\┌─────┘     │
//!              │\\\\┌─────┘  served   │
//!            0 └────┴────────────────┘  time
//! ```

use super::data::{ClientOutcome, Timeline};
use super::number::{grouped, millis, short};
use super::svg::{Picture, step, through};

/// More clients than this are drawn as a crowd.
pub(super) const MANY: usize = 40;
const WIDTH: f64 = 360.0;
const LEFT: f64 = 44.0;
const RIGHT: f64 = 350.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 130.0;
/// How many moments are counted.
const STEPS: usize = 150;

/// The bands from the bottom to the top: class, name.
const BANDS: [(&str, &str); 5] = [
    ("band-served", "served and gone"),
    ("band-service", "in service"),
    ("band-refused", "refused, lost or wrong"),
    ("band-gave-up", "gave up"),
    ("band-waiting", "waiting"),
];

/// The picture of one model; its axis ends at `length_ms` like those of the others.
pub(super) fn crowd(timeline: &Timeline, length_ms: f64, title: &str) -> String {
    let mut picture = Picture::default();
    let total = timeline.clients.len().max(1) as f64;
    let x = |moment: usize| LEFT + (RIGHT - LEFT) * moment as f64 / STEPS as f64;
    let y = |count: usize| BOTTOM - (BOTTOM - TOP) * count as f64 / total;
    let counts: Vec<[usize; 5]> =
        (0..=STEPS).map(|moment| count(timeline, length_ms * moment as f64 / STEPS as f64)).collect();
    for (band, (class, name)) in BANDS.iter().enumerate() {
        let below = |moment: usize| counts[moment][..band].iter().sum::<usize>();
        if counts.iter().all(|count| count[band] == 0) {
            continue;
        }
        let mut outline: Vec<(f64, f64)> =
            (0..=STEPS).map(|moment| (x(moment), y(below(moment) + counts[moment][band]))).collect();
        outline.extend((0..=STEPS).rev().map(|moment| (x(moment), y(below(moment)))));
        outline.dedup_by(|b, a| (a.0 - b.0).abs() < 0.05 && (a.1 - b.1).abs() < 0.05);
        picture.path(&(through(&straightened(&outline)) + "Z"), class);
        label(&mut picture, name, &counts, band, x, y);
    }
    let peak = counts.iter().map(|count| count[1]).max().unwrap_or(0);
    draw_axes(&mut picture, length_ms, total);
    let last = counts.last().copied().unwrap_or_default();
    let description = format!(
        "Of {} clients at most {} in service at the same time. After {} ms: {} served, {} given up, {} refused, lost or given wrong bytes.",
        grouped(total),
        grouped(peak as f64),
        short(length_ms),
        last[0],
        last[3],
        last[2]
    );
    picture.finish((WIDTH, BOTTOM + 18.0), "crowd", title, &description)
}

/// How many clients are in each band at this moment; who has not set out is in none.
fn count(timeline: &Timeline, now: f64) -> [usize; 5] {
    let mut bands = [0; 5];
    for client in timeline.clients.iter().filter(|client| client.began_ms <= now) {
        let band = match (client.ended_ms <= now, client.outcome) {
            (true, ClientOutcome::Served) => 0,
            (true, ClientOutcome::Refused | ClientOutcome::Lost | ClientOutcome::Deceived) => 2,
            (true, ClientOutcome::GaveUp) => 3,
            (false, _) if client.served_ms.is_some_and(|served| served <= now) => 1,
            (false, _) => 4,
        };
        bands[band] += 1;
    }
    bands
}

/// The name of a band where it is thickest, if there is room for it.
fn label(
    picture: &mut Picture,
    name: &str,
    counts: &[[usize; 5]],
    band: usize,
    x: impl Fn(usize) -> f64,
    y: impl Fn(usize) -> f64,
) {
    let half = name.len() as f64 * 2.9 + 4.0;
    let reach = (half / (x(1) - x(0))).ceil() as usize;
    // The label needs a box that lies in the band over its whole length.
    let room = |moment: usize| {
        let span = moment - reach..=moment + reach;
        let bottom = span.clone().map(|m| y(counts[m][..band].iter().sum())).fold(f64::INFINITY, f64::min);
        let top = span.map(|m| y(counts[m][..=band].iter().sum())).fold(f64::NEG_INFINITY, f64::max);
        (bottom - top, f64::midpoint(bottom, top))
    };
    let widest = (reach..counts.len().saturating_sub(reach))
        .map(|moment| (room(moment), moment))
        .max_by(|a, b| a.0.0.total_cmp(&b.0.0));
    if let Some(((height, middle), moment)) = widest
        && height > 14.0
    {
        picture.rect((x(moment) - half, middle - 7.0), (half * 2.0, 14.0), "plate", "");
        picture.text((x(moment), middle + 3.8), "tick-label", name);
    }
}

fn draw_axes(picture: &mut Picture, length_ms: f64, total: f64) {
    for share in [0.0, 0.5, 1.0] {
        let y = BOTTOM - (BOTTOM - TOP) * share;
        picture.line_behind((LEFT, y), (RIGHT, y), "grid");
        picture.text((LEFT - 5.0, y + 3.5), "name", &grouped(total * share));
    }
    picture.line((LEFT, BOTTOM), (RIGHT, BOTTOM), "axis");
    let step = step(length_ms, 5.0);
    let mut value = 0.0;
    while value <= length_ms * 1.000_1 {
        let x = LEFT + (RIGHT - LEFT) * value / length_ms;
        picture.line((x, BOTTOM), (x, BOTTOM + 3.0), "axis");
        let class = if value > length_ms * 0.95 { "tick-label last" } else { "tick-label" };
        picture.text((x, BOTTOM + 13.0), class, &millis(value));
        value += step;
    }
}

/// Without the points in the middle of a level stretch.
fn straightened(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut kept: Vec<(f64, f64)> = Vec::new();
    for &point in points {
        if let [.., a, b] = kept.as_slice()
            && (a.1 - b.1).abs() < 0.05
            && (b.1 - point.1).abs() < 0.05
        {
            kept.pop();
        }
        kept.push(point);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::super::data::ClientLine;
    use super::*;

    #[test]
    fn every_client_that_set_out_is_in_one_band() {
        let client = |began_ms, served_ms, ended_ms, outcome| ClientLine {
            name: "client".into(),
            began_ms,
            served_ms,
            ended_ms,
            outcome,
        };
        let clients = vec![
            client(0.0, Some(1.0), 5.0, ClientOutcome::Served),
            client(0.0, None, 4.0, ClientOutcome::GaveUp),
            client(0.0, None, 2.0, ClientOutcome::Refused),
            client(9.0, Some(9.0), 10.0, ClientOutcome::Served),
        ];
        let timeline = Timeline { length_ms: 10.0, clients, lanes: vec![] };
        assert_eq!(count(&timeline, 0.5), [0, 0, 0, 0, 3]);
        assert_eq!(count(&timeline, 3.0), [0, 1, 1, 0, 1]);
        assert_eq!(count(&timeline, 10.0), [2, 0, 1, 1, 0]);
        assert!(crowd(&timeline, 10.0, "t").contains("band-gave-up"));
    }

    #[test]
    fn a_level_stretch_has_two_points() {
        let points = [(0.0, 1.0), (1.0, 1.0), (2.0, 1.0), (2.0, 5.0)];
        assert_eq!(straightened(&points), [(0.0, 1.0), (2.0, 1.0), (2.0, 5.0)]);
    }
}
