//! Where things stand in the picture: a column for every beginning and every end, and points in the gaps between them.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::verify::history::Call;

/// The columns of the calls that are drawn.
pub struct Columns {
    times: Vec<Duration>,
    of_call: BTreeMap<usize, (usize, Option<usize>)>,
}

impl Columns {
    /// The ends that come after every beginning that is drawn, and after all other ends, need no column apart: an end that is cut off is
    /// none.
    pub fn of<O, A>(calls: &[Call<O, A>], chosen: &[usize]) -> Columns {
        let mut events = Vec::new();
        for &index in chosen {
            events.push((calls[index].called, 0, index));
            events.extend(calls[index].returned.as_ref().map(|(at, _)| (*at, 1, index)));
        }
        events.sort_unstable();
        let (mut times, mut of_call) = (Vec::new(), BTreeMap::new());
        for (column, (at, kind, index)) in events.into_iter().enumerate() {
            times.push(at);
            if kind == 0 {
                of_call.insert(index, (column, None));
            } else if let Some((_, end)) = of_call.get_mut(&index) {
                *end = Some(column);
            }
        }
        Columns { times, of_call }
    }

    pub fn count(&self) -> usize {
        self.times.len()
    }

    /// Each column with its time.
    pub fn times(&self) -> impl Iterator<Item = (usize, Duration)> {
        self.times.iter().copied().enumerate()
    }

    /// The columns of a call's beginning and end.
    pub fn of_call(&self, index: usize) -> (usize, Option<usize>) {
        self.of_call.get(&index).copied().unwrap_or_default()
    }

    /// Places from left to right, each inside its call: as early as the order allows, and apart where they fall into one gap.
    pub fn points(&self, order: &[usize]) -> Vec<f64> {
        let gaps: Vec<usize> = order
            .iter()
            .scan(0, |gap, &index| {
                *gap = self.of_call(index).0.max(*gap);
                Some(*gap)
            })
            .collect();
        let mut places = Vec::new();
        for points in gaps.chunk_by(|a, b| a == b) {
            let apart = 1.0 / (points.len() as f64 + 1.0);
            places
                .extend(points.iter().enumerate().map(|(nth, &gap)| gap as f64 + (nth as f64 + 1.0) * apart));
        }
        places
    }
}
