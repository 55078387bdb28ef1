//! Who is ahead of whom, and who is level: no rank where the ranges over the repetitions overlap.
//!
//! ```text
//! throughput   40k        50k        60k
//!   epoll                     ├──●──┤       1
//!   poll                   ├──●──┤          1   overlaps epoll
//!   pool               ├──●──┤              2   epoll is ahead of it, poll is not
//!   fork     ├●┤                            4   three are ahead
//! ```
//!
//! Whoever shares a rank is not always level with each other: a model that was measured very differently from time to
//! time overlaps the good and the bad, and so has nobody ahead of it. That is what its measurements allow to be said.

use super::data::Row;
use super::number::short;
use super::workload::Workload;
use crate::bench::undisturbed::FOREIGN_LIMIT;

/// The ranks of the rows of one scenario, in their order: one more than the number of rows that are ahead. `None` for a row that
/// was skipped or is unreliable, for one that would be the first and has not served all its clients, and for all rows where most are
/// unreliable.
///
/// A model is ahead of another when its range lies wholly above the other's: first of how many clients were served, and
/// among those who are level in that, of the throughput (`echo`, `connect`) or of the median wait (elsewhere, and only
/// when both served the same number every time).
pub fn ranks(rows: &[&Row]) -> Vec<Option<usize>> {
    let workload = rows.first().map_or(Workload::Throughput, |row| Workload::of(&row.scenario));
    let is_ahead = |one: &Row, other: &Row| {
        let (many, others) = (served(one), served(other));
        let same = match workload {
            Workload::Throughput => !others.above(many) && throughput(one).above(throughput(other)),
            Workload::Stay | Workload::Heavy => {
                many.is(others) && promptness(one).above(promptness(other).plus(LEVEL_MS))
            }
            Workload::Crowd => many.is(others) && promptness(one).above(promptness(other)),
        };
        many.above(others) || same
    };
    let measured = rows.iter().filter(|row| row.skipped.is_none()).count();
    let ranked: Vec<bool> =
        rows.iter().map(|row| row.skipped.is_none() && unreliable(row).is_none()).collect();
    let reliable = ranked.iter().filter(|ranked| **ranked).count();
    if 2 * reliable < measured {
        return vec![None; rows.len()];
    }
    rows.iter()
        .zip(&ranked)
        .map(|(row, is_ranked)| {
            let others = rows.iter().zip(&ranked).filter(|(_, ranked)| **ranked);
            let rank = 1 + others.filter(|(other, _)| is_ahead(other, row)).count();
            let is_first_of_all = rank > 1 || served(row).low >= row.clients as f64;
            (*is_ranked && is_first_of_all).then_some(rank)
        })
        .collect()
}

/// What makes the figures of a row say too little to rank it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Unreliable {
    /// Clients that got wrong bytes.
    Wrong(u64),
    /// Other programs used this fraction of the machine.
    Foreign(f64),
    /// The repetitions lie far apart: of what, from where to where.
    Wide(String),
}

/// What makes the figures of a row say too little to rank it, if anything does.
pub(super) fn unreliable(row: &Row) -> Option<Unreliable> {
    if row.wrong > 0 {
        return Some(Unreliable::Wrong(row.wrong));
    }
    if let Some(foreign) = row.foreign.filter(|foreign| *foreign > FOREIGN_LIMIT) {
        return Some(Unreliable::Foreign(foreign));
    }
    let figures = match Workload::of(&row.scenario) {
        Workload::Throughput => [Some(("throughput", row.spread.throughput_per_s, 0.0, "/s")), None],
        _ => [
            Some(("number of served clients", row.spread.served, 0.0, "")),
            Some(("median wait", row.spread.wait_p50_ms, LEVEL_MS, " ms")),
        ],
    };
    figures.into_iter().flatten().find_map(|(what, range, level, unit)| {
        let (low, high) = range.filter(|(low, high)| *high > WIDE * low && high - low > level)?;
        Some(Unreliable::Wide(format!("{what} went from {} to {}{unit}", short(low), short(high))))
    })
}

/// From this ratio of the highest to the lowest on, the repetitions measured something else each time.
const WIDE: f64 = 2.0;
/// The five clients of the notes wait for seconds, scaled: a few milliseconds between two medians are the moment at which
/// the threads happened to be scheduled.
const LEVEL_MS: f64 = 10.0;

/// From lowest to highest; higher is better.
#[derive(Clone, Copy)]
struct Range {
    low: f64,
    high: f64,
}

impl Range {
    /// A range that has the median in it. Without a spread the median is all there is.
    fn new(median: f64, spread: Option<(f64, f64)>) -> Self {
        let (low, high) = spread.unwrap_or((median, median));
        Self { low: low.min(median), high: high.max(median) }
    }

    /// Whether all of it is higher than all of `other`.
    fn above(self, other: Self) -> bool {
        self.low > other.high
    }

    /// The same, so much higher.
    fn plus(self, more: f64) -> Self {
        Self { low: self.low + more, high: self.high + more }
    }

    /// Whether both are one and the same number.
    fn is(self, other: Self) -> bool {
        (self.low, self.high) == (other.high, other.low)
    }

    fn reversed(self) -> Self {
        Self { low: -self.high, high: -self.low }
    }
}

fn throughput(row: &Row) -> Range {
    Range::new(row.throughput_per_s, row.spread.throughput_per_s)
}

fn served(row: &Row) -> Range {
    Range::new(row.served as f64, row.spread.served)
}

/// The median wait, the shorter the better; one who served nobody made everybody wait for ever.
fn promptness(row: &Row) -> Range {
    match row.wait_ms {
        Some(wait) => Range::new(wait.p50, row.spread.wait_p50_ms).reversed(),
        None => Range { low: f64::NEG_INFINITY, high: f64::NEG_INFINITY },
    }
}

#[cfg(test)]
mod tests {
    use super::super::data::{Percentiles, Spreads};
    use super::*;

    fn echo(low: f64, median: f64, high: f64) -> Row {
        Row {
            scenario: "echo".into(),
            throughput_per_s: median,
            spread: Spreads { throughput_per_s: (high > 0.0).then_some((low, high)), ..Spreads::default() },
            ..Row::default()
        }
    }

    fn patience(served: u64, wait: Option<f64>, spread: Option<(f64, f64)>) -> Row {
        Row {
            scenario: "patience".into(),
            served,
            wait_ms: wait.map(|p50| Percentiles { p50, ..Percentiles::default() }),
            spread: Spreads { wait_p50_ms: spread, ..Spreads::default() },
            ..Row::default()
        }
    }

    fn ranks_of(rows: &[Row]) -> Vec<Option<usize>> {
        ranks(&rows.iter().collect::<Vec<_>>())
    }

    #[test]
    fn ranges_apart_are_ranked_in_order() {
        let rows = [echo(2.0, 2.5, 3.0), echo(7.0, 8.0, 9.0), echo(4.0, 5.0, 6.0)];
        assert_eq!(ranks_of(&rows), [Some(3), Some(1), Some(2)]);
    }

    #[test]
    fn a_rank_counts_only_those_who_are_wholly_above() {
        let rows = [echo(9.0, 10.0, 11.0), echo(8.0, 8.5, 9.0), echo(7.0, 7.5, 8.0), echo(2.0, 2.0, 3.0)];
        assert_eq!(ranks_of(&rows), [Some(1), Some(1), Some(2), Some(4)]);
    }

    #[test]
    fn a_wide_range_lifts_nobody_but_itself() {
        let rows = [echo(5.0, 9.0, 10.0), echo(2.0, 2.5, 3.0), echo(4.0, 4.5, 5.0)];
        assert_eq!(ranks_of(&rows), [Some(1), Some(3), Some(1)]);
    }

    #[test]
    fn without_a_spread_the_median_is_the_range() {
        let rows = [echo(0.0, 5.0, 0.0), echo(0.0, 6.0, 0.0), echo(0.0, 5.0, 0.0)];
        assert_eq!(ranks_of(&rows), [Some(2), Some(1), Some(2)]);
    }

    #[test]
    fn the_wait_decides_among_those_who_served_as_many() {
        let rows = [
            patience(4, Some(100.0), Some((99.0, 101.0))),
            patience(5, Some(0.4), Some((0.3, 0.5))),
            patience(5, Some(0.45), Some((0.4, 0.6))),
            patience(5, Some(50.0), Some((49.0, 51.0))),
            patience(0, None, None),
        ];
        assert_eq!(ranks_of(&rows), [Some(4), Some(1), Some(1), Some(3), Some(5)]);
    }

    #[test]
    fn the_first_place_is_for_those_who_served_all() {
        let mut rows = [patience(4, Some(1.0), None), patience(3, Some(1.0), None)];
        rows.iter_mut().for_each(|row| row.clients = 5);
        assert_eq!(ranks_of(&rows), [None, Some(2)]);
        rows[0].served = 5;
        assert_eq!(ranks_of(&rows), [Some(1), Some(2)]);
        rows[0].spread.served = Some((4.0, 5.0));
        assert_eq!(ranks_of(&rows), [None, Some(2)], "once it has not");
    }

    #[test]
    fn what_is_unreliable_is_not_ranked_and_takes_no_rank() {
        let mut rows = [echo(1.0, 2.0, 2.0), echo(7.0, 8.0, 9.0), echo(4.0, 5.0, 6.0)];
        rows[1].foreign = Some(0.38);
        assert_eq!(ranks_of(&rows), [Some(2), None, Some(1)]);
        assert_eq!(unreliable(&rows[1]), Some(Unreliable::Foreign(0.38)));
        rows[1] = Row { wrong: 3, ..echo(7.0, 8.0, 9.0) };
        assert_eq!(ranks_of(&rows), [Some(2), None, Some(1)]);
        assert_eq!(unreliable(&rows[1]), Some(Unreliable::Wrong(3)));
        rows[1] = echo(1.0, 8.0, 9.0);
        assert_eq!(ranks_of(&rows), [Some(2), None, Some(1)]);
        assert_eq!(unreliable(&rows[1]), Some(Unreliable::Wide("throughput went from 1 to 9/s".into())));
        let mut some_served = patience(4, Some(1.0), None);
        some_served.spread.served = Some((2.0, 5.0));
        let what = "number of served clients went from 2 to 5";
        assert_eq!(unreliable(&some_served), Some(Unreliable::Wide(what.into())));
        assert_eq!(
            unreliable(&patience(5, Some(1.0), Some((0.1, 9.0)))),
            None,
            "a few milliseconds are level"
        );
    }

    #[test]
    fn where_most_is_unreliable_nothing_is_ranked() {
        let rows = [echo(1.0, 5.0, 9.0), echo(1.0, 5.0, 9.0), echo(4.0, 5.0, 6.0)];
        assert_eq!(ranks_of(&rows), [None; 3]);
    }

    #[test]
    fn a_skipped_row_has_no_rank_and_takes_none() {
        let mut rows = [echo(2.0, 2.0, 3.0), echo(7.0, 8.0, 9.0)];
        rows[1].skipped = Some("forbidden here".into());
        assert_eq!(ranks_of(&rows), [Some(1), None]);
        assert_eq!(ranks(&[]), []);
    }
}
