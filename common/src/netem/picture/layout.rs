//! Where everything of a diagram lies on the page. Across: two lanes and the link between them. Downwards: one moment below
//! another, in order, apart, and with long pauses cut short.
//!
//! ```text
//! moments    0 ms  0 ms  0 ms         20 ms 20 ms                                60 000 ms
//! layout     │─────│─────│────────────│───│─────────── 59 980 ms of silence ──────│
//! ```

use std::time::Duration;

use super::super::profile::Direction;
use super::super::recording::LinkEvent;

pub(super) const WIDTH: f64 = 900.0;
pub(super) const CLIENT: f64 = 250.0;
pub(super) const SERVER: f64 = 650.0;
/// The link's edges and its middle.
pub(super) const LINK: (f64, f64, f64) = (405.0, 450.0, 495.0);
pub(super) const TOP: f64 = 34.0;

/// Between two labels on the same side.
const LABELS: f64 = 15.0;
/// Between any two moments.
const APART: f64 = 3.0;
/// What the typical journey through the link takes on the page.
pub(super) const JOURNEY: f64 = 44.0;
/// The longest gap that is drawn in full; a longer one is a pause.
const LONGEST: f64 = 80.0;

/// What the rows of a diagram are, from its top.
#[derive(Debug, Clone, PartialEq)]
pub struct Layout {
    /// For each event, where it begins and ends.
    pub positions: Vec<Position>,
    /// Moments of sending, for the axis.
    pub marks: Vec<(Duration, f64)>,
    /// Pauses that are not drawn in full: how long, and the middle of their gap.
    pub pauses: Vec<(Duration, f64)>,
    /// The last row.
    pub height: f64,
}

/// Where one event lies.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Position {
    /// Where it was sent.
    pub sent: f64,
    /// Where each of its copies arrives.
    pub arrived: Vec<f64>,
}

/// Lays out events, which are sorted by their time of sending.
#[must_use]
pub fn layout(events: &[&LinkEvent]) -> Layout {
    // A moment: its time, whether something arrives, and which event (and copy) it belongs to.
    let mut moments: Vec<(Duration, Option<usize>, usize)> = Vec::new();
    for (index, event) in events.iter().enumerate() {
        moments.push((event.at, None, index));
        let arrivals = event.arrivals.iter().enumerate();
        moments.extend(arrivals.map(|(copy, arrival)| (arrival.at, Some(copy), index)));
    }
    // At the same time, what is sent comes before what arrives, so that no arrow points upwards.
    moments.sort();
    let empty = |event: &&LinkEvent| Position { sent: 0.0, arrived: vec![0.0; event.arrivals.len()] };
    let positions = events.iter().map(empty).collect();
    let scale = JOURNEY / typical_journey(events).as_secs_f64();

    let mut layout = Layout { positions, marks: vec![], pauses: vec![], height: 0.0 };
    let mut y = 0.0;
    let mut labels = [f64::NEG_INFINITY; 2];
    let mut last = moments.first().map_or(Duration::ZERO, |moment| moment.0);
    for (at, copy, index) in moments {
        let gap = (at - last).as_secs_f64() * scale;
        let mut next = y + gap.clamp(APART, LONGEST);
        let event = events[index];
        if copy.is_none() {
            let side = usize::from(event.direction == Direction::Down);
            next = next.max(labels[side] + LABELS);
            labels[side] = next;
        }
        if gap > 3.0 * LONGEST {
            layout.pauses.push((at - last, f64::midpoint(y, next)));
        }
        (y, last) = (next, at);
        match copy {
            None => {
                layout.positions[index].sent = y;
                layout.marks.push((at, y));
            }
            Some(copy) => layout.positions[index].arrived[copy] = y,
        }
    }
    layout.height = y;
    layout
}

/// The median time on the way, and not less than a tenth of a millisecond: a perfect link has none.
fn typical_journey(events: &[&LinkEvent]) -> Duration {
    let on_the_way = |event: &&LinkEvent| Some(event.arrivals.first()?.at.saturating_sub(event.at));
    let mut journeys: Vec<Duration> = events.iter().filter_map(on_the_way).collect();
    journeys.sort_unstable();
    journeys.get(journeys.len() / 2).copied().unwrap_or_default().max(Duration::from_micros(100))
}

#[cfg(test)]
mod tests {
    use super::super::super::recording::{Arrival, Outcome};
    use super::*;

    const fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    fn event(at: u64, arrivals: &[u64]) -> LinkEvent {
        let mut event = LinkEvent::new(ms(at), 0, Direction::Up, 0, b"", Outcome::Passed);
        let arrival = |at: &u64| Arrival { at: ms(*at), reordered: false, corrupted: false };
        event.arrivals = arrivals.iter().map(arrival).collect();
        event
    }

    #[test]
    fn labels_keep_apart_and_arrows_point_downwards() {
        let events = [event(0, &[20]), event(0, &[20]), event(0, &[]), event(1, &[21, 21])];
        let layout = layout(&events.iter().collect::<Vec<_>>());
        let sent: Vec<f64> = layout.positions.iter().map(|position| position.sent).collect();
        assert!(sent.windows(2).all(|pair| pair[1] - pair[0] >= LABELS));
        assert!(
            layout
                .positions
                .iter()
                .all(|position| position.arrived.iter().all(|arrived| *arrived > position.sent))
        );
        assert_eq!(layout.positions[3].arrived.len(), 2);
        assert!(layout.pauses.is_empty());
    }

    #[test]
    fn a_long_silence_is_cut_short_and_said() {
        let events = [event(0, &[20]), event(60_000, &[60_020])];
        let layout = layout(&events.iter().collect::<Vec<_>>());
        assert_eq!(layout.pauses.len(), 1);
        assert_eq!(layout.pauses[0].0, ms(59_980));
        assert!(layout.height < 200.0);
    }

    #[test]
    fn nothing_has_no_height() {
        assert_eq!(layout(&[]).height, 0.0);
    }
}
