//! What a timeline says beyond its lines: who was in service when, how many at once, and work for those who had left.

use super::data::{ClientLine, ClientOutcome, Lane, Slice, SliceKind, Timeline};

/// A stretch of time, milliseconds.
pub(super) type Interval = (f64, f64);

/// When this client was in service: while a lane handled its requests, where the timeline has those; otherwise from
/// the moment it was served until it was gone.
pub(super) fn service_of(timeline: &Timeline, index: usize, by_request: bool) -> Vec<Interval> {
    let client = &timeline.clients[index];
    if by_request {
        let handled = timeline.lanes.iter().flat_map(|lane| &lane.slices).filter(|slice| {
            slice.what == SliceKind::Request && slice.client == Some(index) && slice.from_ms < client.ended_ms
        });
        merged(handled.map(|slice| (slice.from_ms, slice.to_ms.min(client.ended_ms))).collect())
    } else {
        client.served_ms.map(|served| (served, client.ended_ms)).into_iter().collect()
    }
}

/// Most clients in service at the same time.
pub(super) fn most_at_once(timeline: &Timeline, by_request: bool) -> usize {
    let mut changes: Vec<(f64, i64)> = Vec::new();
    for index in 0..timeline.clients.len() {
        for (from, to) in service_of(timeline, index, by_request) {
            changes.push((from, 1));
            changes.push((to, -1));
        }
    }
    // Whoever leaves at the moment another one comes was not there together with it.
    changes.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let (mut now, mut most) = (0i64, 0i64);
    for (_, change) in changes {
        now += change;
        most = most.max(now);
    }
    usize::try_from(most).unwrap_or(0)
}

/// How long the lanes handled requests of clients that had left, milliseconds, all lanes together.
pub(super) fn in_vain(timeline: &Timeline) -> f64 {
    let slices = timeline.lanes.iter().flat_map(|lane| &lane.slices);
    let of_requests = slices.filter(|slice| slice.what == SliceKind::Request);
    of_requests
        .filter_map(|slice| {
            Some(slice.to_ms - slice.from_ms.max(left_at(timeline, slice)?)).filter(|ms| *ms > 0.0)
        })
        .sum()
}

/// When the client of this slice left unserved.
pub(super) fn left_at(timeline: &Timeline, slice: &Slice) -> Option<f64> {
    let client: &ClientLine = timeline.clients.get(slice.client?)?;
    (client.outcome != ClientOutcome::Served).then_some(client.ended_ms)
}

/// The slices of a lane on tracks: those that overlap lie on different ones, except that a request lies on its own
/// client's connection. Turns have a track of their own, drawn apart.
pub(super) fn tracks(lane: &Lane) -> Vec<Vec<Slice>> {
    let mut tracks: Vec<Vec<Slice>> = Vec::new();
    let of_kind = |kind| lane.slices.iter().filter(move |slice| slice.what == kind);
    for slice in of_kind(SliceKind::Connection) {
        place(&mut tracks, *slice);
    }
    for slice in of_kind(SliceKind::Request) {
        let home = tracks.iter().position(|track| {
            track.iter().any(|held| {
                held.what == SliceKind::Connection
                    && held.client == slice.client
                    && held.from_ms <= slice.from_ms
                    && slice.from_ms <= held.to_ms
            })
        });
        match home {
            Some(track) => tracks[track].push(*slice),
            None => place(&mut tracks, *slice),
        }
    }
    tracks
}

fn place(tracks: &mut Vec<Vec<Slice>>, slice: Slice) {
    let free = tracks.iter().position(|track| {
        track.iter().all(|other| other.to_ms <= slice.from_ms || other.from_ms >= slice.to_ms)
    });
    match free {
        Some(track) => tracks[track].push(slice),
        None => tracks.push(vec![slice]),
    }
}

fn merged(mut spans: Vec<Interval>) -> Vec<Interval> {
    spans.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut merged: Vec<Interval> = Vec::new();
    for span in spans {
        match merged.last_mut() {
            Some(last) if span.0 <= last.1 => last.1 = last.1.max(span.1),
            _ => merged.push(span),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(began_ms: f64, served_ms: Option<f64>, ended_ms: f64) -> ClientLine {
        let outcome = if served_ms.is_some() { ClientOutcome::Served } else { ClientOutcome::GaveUp };
        ClientLine { name: "client".into(), began_ms, served_ms, ended_ms, outcome }
    }

    fn slice(from_ms: f64, to_ms: f64, what: SliceKind, client: usize) -> Slice {
        Slice { from_ms, to_ms, what, client: Some(client) }
    }

    #[test]
    fn one_after_another_is_one_at_once() {
        let clients =
            vec![client(0.0, Some(0.0), 50.0), client(0.0, Some(50.0), 100.0), client(0.0, None, 150.0)];
        let timeline = Timeline { length_ms: 150.0, clients, lanes: vec![] };
        assert_eq!(most_at_once(&timeline, false), 1);
        assert_eq!(most_at_once(&timeline, true), 0);
    }

    #[test]
    fn work_after_the_client_left_is_in_vain() {
        let clients = vec![client(0.0, Some(50.0), 50.0), client(0.0, None, 100.0)];
        let slices = vec![slice(0.0, 50.0, SliceKind::Request, 0), slice(90.0, 140.0, SliceKind::Request, 1)];
        let lanes = vec![Lane { name: "main".into(), slices }];
        let timeline = Timeline { length_ms: 150.0, clients, lanes };
        assert!((in_vain(&timeline) - 40.0).abs() < 1e-9);
        assert_eq!(service_of(&timeline, 1, true), [(90.0, 100.0)]);
    }

    #[test]
    fn overlapping_connections_take_tracks_and_requests_stay_on_their_connection() {
        let slices = vec![
            slice(0.0, 10.0, SliceKind::Connection, 0),
            slice(5.0, 15.0, SliceKind::Connection, 1),
            slice(10.0, 20.0, SliceKind::Connection, 2),
            slice(6.0, 7.0, SliceKind::Request, 1),
            slice(6.0, 7.0, SliceKind::Request, 0),
        ];
        let tracks = tracks(&Lane { name: "loop".into(), slices });
        let clients: Vec<Vec<Option<usize>>> =
            tracks.iter().map(|track| track.iter().map(|slice| slice.client).collect()).collect();
        assert_eq!(clients, [vec![Some(0), Some(2), Some(0)], vec![Some(1), Some(1)]]);
    }
}
