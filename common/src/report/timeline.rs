//! Every client beside the server's lanes, on one time axis: Figures 4.6, 4.7 and 4.11 of the notes as a picture.
//!
//! ```text
//! clients   client-1  ████1███ ✓
//!           client-2  ░░░░░░░░████2███ ✓         ░ waiting   █ in service
//!           client-3  ░░░░░░░░░░░░ ✗             ✓ served    ✗ gave up
//! server    main      ████1███████2███
//!                     0       5      10   s in the notes
//!                     0      50     100   ms here
//! ```

use super::data::{ClientOutcome, Lane, SliceKind, Timeline};
use super::lanes::{left_at, service_of, tracks};
use super::number::short;
use super::svg::{Picture, fit, step, through};

/// Width of the picture.
const WIDTH: f64 = 360.0;
/// Where time begins; the names stand to the left.
const LEFT: f64 = 86.0;
/// Where time ends; the last mark needs some room behind it.
const RIGHT: f64 = 344.0;
/// From one client to the next.
const CLIENT_ROW: f64 = 14.0;
/// From one track of a lane to the next.
const TRACK_ROW: f64 = 13.0;
/// Height of a strip of turns.
const TURN_ROW: f64 = 9.0;
/// More lanes than this are counted, not drawn.
const MOST_LANES: usize = 18;

/// The time axis that all pictures of a scenario share.
#[derive(Clone, Copy)]
pub(super) struct Axis {
    /// Where it ends, milliseconds.
    pub length_ms: f64,
    /// By what the notes' seconds were multiplied; `None` for a scenario that is not of the notes.
    pub time_scale: Option<f64>,
    /// Whether service is the handling of requests rather than the holding of a connection.
    pub by_request: bool,
}

impl Axis {
    fn x(self, ms: f64) -> f64 {
        LEFT + (ms / self.length_ms).clamp(0.0, 1.0) * (RIGHT - LEFT)
    }
}

/// The picture of one model; `title` and `description` are read out instead of it.
pub(super) fn timeline(timeline: &Timeline, axis: Axis, title: &str, description: &str) -> String {
    let mut picture = Picture::default();
    let mut y = 12.0;
    picture.text((0.0, y), "part", "clients");
    y += 5.0;
    for index in 0..timeline.clients.len() {
        client(&mut picture, timeline, index, axis, y);
        y += CLIENT_ROW;
    }
    y += 16.0;
    picture.text((0.0, y), "part", "server");
    y += 5.0;
    let busy: Vec<&Lane> = timeline.lanes.iter().filter(|lane| !lane.slices.is_empty()).collect();
    for lane in busy.iter().take(MOST_LANES) {
        y = draw_lane(&mut picture, timeline, lane, axis, y);
    }
    let hidden = busy.len().saturating_sub(MOST_LANES);
    let idle = timeline.lanes.len() - busy.len();
    if hidden + idle > 0 {
        let words = [(hidden, "more at work"), (idle, "had nothing to do")];
        let words: Vec<String> = words
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        y += 10.0;
        picture.text((LEFT, y), "small", &format!("{} {}", "and", words.join(", ")));
        y += 4.0;
    }
    let height = draw_axis(&mut picture, axis, y + 2.0);
    picture.finish((WIDTH, height), "timeline", title, description)
}

fn client(picture: &mut Picture, timeline: &Timeline, index: usize, axis: Axis, y: f64) {
    let client = &timeline.clients[index];
    let service = service_of(timeline, index, axis.by_request);
    picture.text((LEFT - 6.0, y + 9.5), "name", &fit(&client.name, 12));
    // Waiting is whatever lies between setting out and being served, or leaving, and is not service.
    let waited_until = client.served_ms.unwrap_or(client.ended_ms);
    let mut since = client.began_ms;
    for (from_ms, to_ms) in service.iter().copied().chain([(waited_until, waited_until)]) {
        let (from, to) = (axis.x(since), axis.x(from_ms.min(waited_until)));
        if to - from > 0.5 {
            let tip = format!("{} waited {} ms", client.name, short(from_ms.min(waited_until) - since));
            picture.rect((from, y + 4.0), (to - from, 5.0), "wait", &tip);
        }
        since = since.max(to_ms);
    }
    let class = if axis.by_request { "worked" } else { "held" };
    for (from_ms, to_ms) in service {
        let tip = format!("{} in service for {} ms", client.name, short(to_ms - from_ms));
        block(picture, (axis.x(from_ms), axis.x(to_ms)), y + 1.0, class, index, &tip);
    }
    mark(picture, axis.x(client.ended_ms) + 7.0, y + 6.5, client.outcome);
}

/// A stretch in a client's colour, with its number where there is room.
fn block(picture: &mut Picture, (from, to): (f64, f64), y: f64, class: &str, client: usize, tip: &str) {
    let width = (to - from).max(1.5);
    picture.rect((from, y), (width, 11.0), &format!("{class} c{}", client % 8), tip);
    let number = (client + 1).to_string();
    if width > 5.0 + 6.0 * number.len() as f64 {
        picture.text((from + width / 2.0, y + 9.0), "number", &number);
    }
}

/// How it ended: a tick, a cross, a barred circle.
pub(super) fn mark(picture: &mut Picture, x: f64, y: f64, outcome: ClientOutcome) {
    let at = |dx: f64, dy: f64| (x + dx, y + dy);
    match outcome {
        ClientOutcome::Served => {
            picture.path(&through(&[at(-3.5, 0.0), at(-1.0, 3.0), at(4.0, -3.5)]), "tick");
        }
        ClientOutcome::GaveUp => {
            picture.line(at(-3.2, -3.2), at(3.2, 3.2), "cross");
            picture.line(at(-3.2, 3.2), at(3.2, -3.2), "cross");
        }
        ClientOutcome::Refused | ClientOutcome::Lost | ClientOutcome::Deceived => {
            picture.path(
                &format!("M{} {}m-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0", at(0.0, 0.0).0, at(0.0, 0.0).1),
                "barred",
            );
            picture.line(at(-2.8, 2.8), at(2.8, -2.8), "barred");
        }
    }
}

/// Draws one lane and returns where the next one begins.
fn draw_lane(picture: &mut Picture, timeline: &Timeline, lane: &Lane, axis: Axis, y: f64) -> f64 {
    let tracks = tracks(lane);
    let turns: Vec<_> = lane.slices.iter().filter(|slice| slice.what == SliceKind::Turn).collect();
    let name = lane.name.split(" (").next().unwrap_or(&lane.name);
    let first = if tracks.is_empty() { TURN_ROW } else { TRACK_ROW };
    picture.text((LEFT - 6.0, y + first / 2.0 + 3.5), "name", &fit(name, 12));
    let mut bottom = y;
    for track in &tracks {
        for slice in track {
            let late = left_at(timeline, slice).is_some_and(|left| slice.from_ms >= left);
            let (class, verb) = match (slice.what, late) {
                (_, true) => ("late", "for one who had left:"),
                (SliceKind::Connection, _) => ("held", "held"),
                _ => ("worked", "handled a request of"),
            };
            let whom = slice
                .client
                .and_then(|index| timeline.clients.get(index))
                .map_or("nobody", |client| &client.name);
            let tip = format!("{} {verb} {whom} {} ms", lane.name, short(slice.to_ms - slice.from_ms));
            let ends = (axis.x(slice.from_ms), axis.x(slice.to_ms));
            match slice.client {
                Some(client) => block(picture, ends, bottom + 1.0, class, client, &tip),
                None => picture.rect((ends.0, bottom + 1.0), (ends.1 - ends.0, 11.0), "unknown", &tip),
            }
        }
        bottom += TRACK_ROW;
    }
    if !turns.is_empty() {
        let mut drawn_until = f64::NEG_INFINITY;
        for slice in turns {
            let (from, to) = (axis.x(slice.from_ms), axis.x(slice.to_ms));
            // A busy loop turns more often than there are pixels.
            if to - drawn_until < 0.7 {
                continue;
            }
            let width = (to - from).max(1.4);
            let colour =
                slice.client.map_or_else(|| "turn".to_owned(), |client| format!("turn c{}", client % 8));
            picture.rect((from, bottom + 1.0), (width, TURN_ROW - 2.0), &colour, "");
            drawn_until = from + width;
        }
        bottom += TURN_ROW;
    }
    picture.line_behind((LEFT, bottom), (RIGHT, bottom), "lane");
    bottom + 1.0
}

/// Draws the axis below `y` and returns the height of the picture.
fn draw_axis(picture: &mut Picture, axis: Axis, y: f64) -> f64 {
    // Round figures in the notes' seconds where there are any, in milliseconds otherwise.
    let unit = axis.time_scale.map_or(1.0, |scale| scale * 1000.0);
    let range = axis.length_ms / unit;
    let step = step(range, 5.0);
    picture.line((LEFT, y), (RIGHT, y), "axis");
    let rows = if axis.time_scale.is_some() { 2 } else { 1 };
    picture.text((LEFT - 12.0, y + 12.0), "name", "ms here");
    if rows == 2 {
        picture.text((LEFT - 12.0, y + 24.0), "name", "s in notes");
    }
    let mut tick = 0;
    loop {
        let value = f64::from(tick) * step;
        if value > range * 1.000_1 {
            break;
        }
        let x = axis.x(value * unit);
        picture.line_behind((x, 4.0), (x, y), "grid");
        picture.line((x, y), (x, y + 3.0), "axis");
        picture.text((x, y + 12.0), "tick-label", &short(value * unit));
        if rows == 2 {
            picture.text((x, y + 24.0), "tick-label", &short(value));
        }
        tick += 1;
    }
    y + 5.0 + 12.0 * f64::from(rows)
}
