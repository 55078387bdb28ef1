//! The shapes of the diagram: an arrow that arrives, one that is crossed, and the legend that names them.

use super::super::profile::Direction;
use super::super::recording::{Arrival, LinkEvent, Outcome, milliseconds};
use super::layout::{CLIENT, JOURNEY, LINK, Position, SERVER, TOP};
use crate::report::svg::{Picture, fit, through};
use crate::support::count::count;

/// One datagram: its label, its arrows and what became of it.
pub(super) fn draw(picture: &mut Picture, event: &LinkEvent, position: &Position) {
    let y = TOP + position.sent;
    let label = fit(&format!("#{} {}", event.index, event.label), 26);
    let (way, from, to) = match event.direction {
        Direction::Up => ("up", CLIENT, SERVER),
        Direction::Down => ("down", SERVER, CLIENT),
    };
    let lost = if event.arrivals.is_empty() { "lost" } else { "came" };
    picture.group(lost, &story(event), |picture| {
        match event.direction {
            Direction::Up => picture.text((CLIENT - 8.0, y + 3.5), "left", &label),
            Direction::Down => picture.text((SERVER + 8.0, y + 3.5), "right", &label),
        }
        for (copy, (arrival, place)) in event.arrivals.iter().zip(&position.arrived).enumerate() {
            let end = (to, TOP + place);
            if event.outcome == Outcome::Reset {
                crossed(picture, event, (from, y));
            } else {
                arrow(picture, (from, y), end, way, arrival, copy > 0);
            }
        }
        if event.arrivals.is_empty() {
            crossed(picture, event, (from, y));
        }
    });
}

fn arrow(
    picture: &mut Picture,
    from: (f64, f64),
    to: (f64, f64),
    way: &str,
    arrival: &Arrival,
    is_copy: bool,
) {
    let copy = if is_copy { " copy" } else { "" };
    let held = if arrival.reordered { " held" } else { "" };
    picture.line(from, to, &format!("arrow {way}{copy}{held}"));
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let length = dx.hypot(dy);
    let (ux, uy) = (dx / length, dy / length);
    let back = |along: f64, aside: f64| (to.0 - ux * along - uy * aside, to.1 - uy * along + ux * aside);
    picture.path(&(through(&[to, back(9.0, 3.8), back(9.0, -3.8)]) + "Z"), &format!("tip {way}"));
    if arrival.corrupted {
        let (x, y) = (LINK.1, from.1 + dy * (LINK.1 - from.0) / dx);
        let flaw = [(x - 6.0, y), (x, y - 6.0), (x + 6.0, y), (x, y + 6.0)];
        picture.path(&(through(&flaw) + "Z"), "flaw");
    }
}

/// An arrow that ends in the link: at its near edge if it could not even enter, short of its middle otherwise, so that what is
/// lost on the way up and on the way down does not lie on one another.
fn crossed(picture: &mut Picture, event: &LinkEvent, (x, y): (f64, f64)) {
    let (way, near, forward) = match event.direction {
        Direction::Up => ("up", LINK.0, 1.0),
        Direction::Down => ("down", LINK.2, -1.0),
    };
    let end = match event.outcome {
        Outcome::Cut | Outcome::QueueFull => near,
        _ => LINK.1 - 22.0 * forward,
    };
    // It slopes as those that arrive do.
    let bottom = y + JOURNEY * (end - x).abs() / (SERVER - CLIENT) * 0.6;
    picture.line((x, y), (end, bottom), &format!("arrow {way}"));
    let y = bottom;
    let word = match event.outcome {
        Outcome::Cut => {
            picture.path(&through(&[(end, y - 6.0), (end, y + 6.0)]), "block");
            "cut"
        }
        Outcome::QueueFull => {
            picture.rect((end - 4.0, y - 4.0), (8.0, 8.0), "full", "");
            "full"
        }
        outcome => {
            let strokes = through(&[(end - 5.0, y - 5.0), (end + 5.0, y + 5.0)])
                + &through(&[(end - 5.0, y + 5.0), (end + 5.0, y - 5.0)]);
            picture.path(&strokes, "cross");
            if outcome == Outcome::Reset { "reset" } else { "lost" }
        }
    };
    picture.text((end + forward * 9.0, y + 3.3), &format!("what from-{way}"), word);
}

fn story(event: &LinkEvent) -> String {
    let sent =
        format!("#{}, {}, sent at {}", event.index, count(event.length, "byte"), milliseconds(event.at));
    let arrival = |arrival: &Arrival| {
        let late = milliseconds(arrival.at.saturating_sub(event.at));
        let mut text = format!(", arrives after {late}");
        if arrival.reordered {
            text += " (held back)";
        }
        if arrival.corrupted {
            text += " (a bit flipped)";
        }
        text
    };
    sent + &match event.outcome {
        Outcome::Lost => ", lost".into(),
        Outcome::Cut => ", the cable was pulled".into(),
        Outcome::QueueFull => ", the queue was full".into(),
        Outcome::Reset => ", the connection was reset".into(),
        Outcome::Closed | Outcome::Passed => event.arrivals.iter().map(arrival).collect::<String>(),
    }
}

/// What each shape means, each drawn as in the diagram.
#[must_use]
pub fn legend() -> String {
    let line = |class: &'static str| {
        move |picture: &mut Picture| {
            picture.line((1.0, 7.0), (32.0, 7.0), class);
            let way = if class.contains("down") { "tip down" } else { "tip up" };
            picture.path("M39 7L30 3.2L30 10.8Z", way);
        }
    };
    let entry = |draw: &dyn Fn(&mut Picture), words: &str| {
        let mut picture = Picture::default();
        draw(&mut picture);
        // Decoration beside its own words: nothing to read out.
        let key = picture.finish((40.0, 14.0), "key", "", "").replace("role=\"img\"", "aria-hidden=\"true\"");
        format!("<li>{}{words}</li>\n", key.replace("<title></title><desc></desc>", ""))
    };
    let end = |draw: fn(&mut Picture)| {
        move |picture: &mut Picture| {
            picture.line((1.0, 7.0), (20.0, 7.0), "arrow up");
            draw(picture);
        }
    };
    let entries = [
        entry(&line("arrow up"), "to the server"),
        entry(&line("arrow down"), "to the client"),
        entry(&end(|picture| picture.path("M16 2L26 12M16 12L26 2", "cross")), "lost"),
        entry(&end(|picture| picture.path("M20 1L20 13", "block")), "cable pulled"),
        entry(&end(|picture| picture.rect((17.0, 3.0), (8.0, 8.0), "full", "")), "queue full"),
        entry(&line("arrow up copy"), "second copy, or second part"),
        entry(&line("arrow up held"), "held back, may be overtaken"),
        entry(
            &|picture: &mut Picture| {
                line("arrow up")(picture);
                picture.path("M12 7L18 1L24 7L18 13Z", "flaw");
            },
            "a bit flipped",
        ),
    ];
    format!("<ul class=\"legend\">\n{}</ul>", entries.concat())
}
