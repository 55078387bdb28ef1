//! A call as two pictures: figure 5.2 of the notes, every step as wide as the next, and the same to the scale of time.
//!
//! ```text
//!             1  2  3  4  5  6  7  8  9 10 11                     10   20   30 us
//!   caller    ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░ █          caller    ░░░░░░░░░░░░░░░░
//!   stub      █                          █             stub      ██1█         █10█
//!   kernel      █                     █                kernel        ██2███   ▏
//!   …                                                  …
//! ```

use common::report::svg::{Picture, step, tenths};

use super::describe::Anatomy;
use super::steps::{Lane, Span, Step};
use super::text::micros;

/// Width of a picture.
const WIDTH: f64 = 360.0;
/// Where the steps begin; the names of the lanes stand to the left.
const LEFT: f64 = 62.0;
/// Where they end.
const RIGHT: f64 = 352.0;
/// From one lane to the next.
const ROW: f64 = 26.0;
/// Height of a block.
const BLOCK: f64 = 16.0;
/// Where the first lane is.
const TOP: f64 = 20.0;
/// Most sends and recvs that are drawn.
const TRANSFERS: usize = 500;

/// The steps in their order, all of the same width.
pub(super) fn order(call: &Anatomy) -> String {
    let mut picture = lanes();
    let column = (RIGHT - LEFT) / 11.0;
    let x = |index: usize| LEFT + column * index as f64;
    let wait = "the caller waits";
    picture.rect((x(0), middle(Lane::Caller) - 3.0), (x(10) - x(0), 6.0), "waits", wait);
    let mut from = (x(0) + 4.0, middle(Lane::Caller));
    for (index, Step { lanes, .. }) in call.steps.iter().enumerate() {
        let (left, centre) = (x(index), x(index) + column / 2.0);
        for (lane, _) in lanes {
            let to = (centre, middle(*lane));
            handover(&mut picture, from, to, column / 2.0 - 1.5);
            picture.rect(
                (left + 1.5, to.1 - BLOCK / 2.0),
                (column - 3.0, BLOCK),
                class(*lane),
                &tip(&call.steps[index]),
            );
            from = to;
        }
        picture.text((centre, TOP - 6.0), "tick-label", &(index + 1).to_string());
        // The longer of two pieces of work has the number.
        let at = if index == 3 { Lane::Skeleton } else { lanes[0].0 };
        picture.text((centre, middle(at) + 3.5), "number", &(index + 1).to_string());
    }
    let title = format!("The eleven steps of a call over {}", call.transport.name());
    let description = "From the caller down to the procedure, and back. All steps have the same width.";
    picture.finish((WIDTH, TOP + ROW * 7.0 + 4.0), "steps", &title, description)
}

/// The steps as long as they took.
pub(super) fn time(call: &Anatomy) -> String {
    let mut picture = lanes();
    let end = call.steps[10].span.to.max(1);
    let x = |nanoseconds: u64| LEFT + (RIGHT - LEFT) * (nanoseconds.min(end) as f64 / end as f64);
    let bottom = TOP + ROW * 7.0;
    let ticks = step(micros(end), 5.0);
    for tick in (0..).map(|tick| f64::from(tick) * ticks).take_while(|tick| *tick <= micros(end)) {
        let at = LEFT + (RIGHT - LEFT) * tick / micros(end);
        picture.line_behind((at, TOP), (at, bottom), "grid");
        // The last one must not leave the picture.
        let class = if at > RIGHT - 14.0 { "tick-label last" } else { "tick-label" };
        picture.text((at.min(RIGHT), bottom + 13.0), class, &tenths(tick));
    }
    picture.text((LEFT - 8.0, bottom + 13.0), "name", "us");
    let waited = call.steps[9].span.to;
    picture.rect((x(0), middle(Lane::Caller) - 3.0), (x(waited) - x(0), 6.0), "waits", "the caller waits");
    for step in &call.steps {
        for (lane, Span { from, to }) in &step.lanes {
            let (from, to) = (x(*from), x(*to));
            let (width, y) = ((to - from).max(1.0), middle(*lane) - BLOCK / 2.0);
            picture.rect((from, y), (width, BLOCK), class(*lane), &tip(step));
            if width > 12.0 {
                picture.text((from + width / 2.0, middle(*lane) + 3.5), "number", &step.number.to_string());
            }
        }
    }
    for (lane, Span { to, .. }) in call.transfers.iter().take(TRANSFERS) {
        let (at, y) = (x(*to), middle(*lane));
        picture.line((at, y - BLOCK / 2.0 - 3.0), (at, y + BLOCK / 2.0 + 3.0), "transfer");
    }
    let title = format!("When each step of a call over {} was", call.transport.name());
    let description = format!("The whole call took {:.1} microseconds.", micros(call.whole()));
    picture.finish((WIDTH, bottom + 18.0), "time", &title, &description)
}

/// The names of the lanes and a line for each.
fn lanes() -> Picture {
    let mut picture = Picture::default();
    for lane in Lane::ALL {
        let y = middle(lane);
        picture.text((LEFT - 8.0, y + 3.5), "name", lane.name());
        picture.line_behind((LEFT, y), (RIGHT, y), "lane");
    }
    picture
}

fn middle(lane: Lane) -> f64 {
    TOP + ROW * (lane as usize as f64 + 0.5)
}

/// A line from the edge of one block to the edge of the next; `half` is half of a block's width.
fn handover(picture: &mut Picture, from: (f64, f64), to: (f64, f64), half: f64) {
    let down = (to.1 - from.1).signum();
    if (from.1 - to.1).abs() < 0.1 {
        return;
    }
    let turns = to.0 - from.0 > half;
    // The caller has no block of its own before step 11, only the line of its waiting.
    let edge = if from.1 < TOP + ROW { 3.0 } else { BLOCK / 2.0 };
    let leaves = if turns { from.1 } else { from.1 + down * edge };
    picture.line_behind((to.0, leaves), (to.0, to.1 - down * BLOCK / 2.0), "handover");
    if turns {
        picture.line_behind((from.0 + half, from.1), (to.0, from.1), "handover");
    }
}

fn class(lane: Lane) -> &'static str {
    match lane {
        Lane::Caller => "worked c7",
        Lane::Stub => "worked c0",
        Lane::ClientKernel | Lane::ServerKernel => "worked c5",
        Lane::Network => "worked c1",
        Lane::Skeleton => "worked c2",
        Lane::Procedure => "worked c3",
    }
}

fn tip(step: &Step) -> String {
    format!("{}: {}; {:.1} us", step.number, step.title, micros(step.span.took()))
}
