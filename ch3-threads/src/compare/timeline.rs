//! The clients' times and the server's trace on one time axis: both read the same clock, and a client's port is its
//! name on both sides.

use std::collections::BTreeMap;

use common::core::trace::{Entry, Event};
use common::loadgen::ClientTimeline;
use common::report::{ClientLine, Lane, Slice, SliceKind, Timeline};

/// More slices than this in one lane are no picture any more.
const SLICES: usize = 400;

/// Joins them. Lanes without anything to show are left out.
pub fn join(timelines: &[ClientTimeline], trace: &[Entry]) -> Timeline {
    let began = timelines.iter().map(|client| client.began_ns).min().unwrap_or(0);
    let ended = timelines.iter().map(|client| client.ended_ns).max().unwrap_or(0);
    let ms = |ns: u64| ns.saturating_sub(began) as f64 / 1e6;
    let clients = timelines
        .iter()
        .map(|client| ClientLine {
            name: client.name(),
            began_ms: ms(client.began_ns),
            served_ms: client.served_ns.map(ms),
            ended_ms: ms(client.ended_ns),
            outcome: client.outcome,
        })
        .collect();
    let by_port: BTreeMap<u16, usize> =
        timelines.iter().enumerate().map(|(index, client)| (client.port, index)).collect();

    let mut lanes: BTreeMap<&str, OpenLane> = BTreeMap::new();
    let mut order: Vec<&str> = Vec::new();
    for entry in trace.iter().filter(|entry| entry.at_ns >= began) {
        let lane = lanes.entry(&entry.lane).or_insert_with(|| {
            order.push(&entry.lane);
            OpenLane::default()
        });
        lane.take(entry, ms(entry.at_ns), by_port.get(&entry.port).copied());
    }
    let length_ms = ms(ended);
    let mut lanes: Vec<Lane> = order
        .into_iter()
        .filter_map(|name| {
            Some(Lane { name: name.to_owned(), slices: lanes.remove(name)?.finish(length_ms) })
        })
        .filter(|lane| !lane.slices.is_empty())
        .collect();
    lanes.sort_by(|a, b| natural(&a.name).cmp(&natural(&b.name)));
    Timeline { length_ms, clients, lanes }
}

/// `worker-10` after `worker-9`.
fn natural(name: &str) -> (&str, u64) {
    let digits = name.trim_end_matches(|c: char| c.is_ascii_digit());
    (digits, name[digits.len()..].parse().unwrap_or(0))
}

/// A lane with what has begun in it and not ended.
#[derive(Default)]
struct OpenLane {
    slices: Vec<Slice>,
    turn: Option<f64>,
    held: BTreeMap<usize, f64>,
    begun: BTreeMap<usize, f64>,
}

impl OpenLane {
    fn take(&mut self, entry: &Entry, at_ms: f64, client: Option<usize>) {
        match (entry.event, client) {
            (Event::Turn, _) => self.turn = Some(at_ms),
            (Event::Wait, _) => {
                if let Some(from_ms) = self.turn.take() {
                    self.slices.push(Slice { from_ms, to_ms: at_ms, what: SliceKind::Turn, client: None });
                }
            }
            (Event::Hold, Some(client)) => drop(self.held.insert(client, at_ms)),
            (Event::Begin, Some(client)) => drop(self.begun.insert(client, at_ms)),
            (Event::Release, Some(client)) => {
                if let Some(from_ms) = self.held.remove(&client) {
                    let what = SliceKind::Connection;
                    self.slices.push(Slice { from_ms, to_ms: at_ms, what, client: Some(client) });
                }
            }
            (Event::End, Some(client)) => {
                if let Some(from_ms) = self.begun.remove(&client) {
                    let what = SliceKind::Request;
                    self.slices.push(Slice { from_ms, to_ms: at_ms, what, client: Some(client) });
                }
            }
            (_, None) => {} // not one of the clients in the picture
        }
    }

    fn finish(mut self, length_ms: f64) -> Vec<Slice> {
        let open = self.held.into_iter().map(|held| (held, SliceKind::Connection));
        let open = open.chain(self.begun.into_iter().map(|begun| (begun, SliceKind::Request)));
        self.slices.extend(open.map(|((client, from_ms), what)| Slice {
            from_ms,
            to_ms: length_ms.max(from_ms),
            what,
            client: Some(client),
        }));
        self.slices.retain(|slice| slice.from_ms <= length_ms);
        self.slices.sort_by(|a, b| a.from_ms.total_cmp(&b.from_ms));
        self.slices.truncate(SLICES);
        self.slices
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::report::ClientOutcome;

    #[test]
    fn recognises_a_client_by_its_port() {
        let client = |client: usize, port| ClientTimeline {
            client,
            port,
            began_ns: 1_000_000,
            connected_ns: Some(1_000_000),
            served_ns: Some(2_000_000),
            ended_ns: 9_000_000,
            outcome: ClientOutcome::Served,
        };
        let entry = |at_ms: u64, lane: &str, event, port| Entry {
            at_ns: at_ms * 1_000_000,
            lane: lane.to_owned(),
            event,
            port,
        };
        let trace = [
            entry(2, "worker-10", Event::Hold, 41),
            entry(3, "worker-9", Event::Hold, 40),
            entry(4, "worker-9", Event::Release, 40),
            entry(4, "worker-9", Event::Hold, 99), // the warm-up's client, say
        ];
        let timeline = join(&[client(1, 40), client(2, 41)], &trace);
        let shown: Vec<_> =
            timeline.lanes.iter().map(|lane| (lane.name.as_str(), lane.slices.len())).collect();
        assert_eq!(shown, [("worker-9", 1), ("worker-10", 1)]);
        assert_eq!(timeline.lanes[0].slices[0].client, Some(0));
        let never_released = timeline.lanes[1].slices[0];
        assert_eq!(
            (never_released.client, never_released.from_ms, never_released.to_ms),
            (Some(1), 1.0, 8.0)
        );
    }
}
