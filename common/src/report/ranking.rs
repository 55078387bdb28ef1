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
use super::workload::Workload;

/// The ranks of the rows of one scenario, in their order: one more than the number of rows that are ahead; `None` for a
/// row that was skipped.
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
    let measured = |row: &&&Row| row.skipped.is_none();
    rows.iter()
        .map(|row| {
            let ahead = rows.iter().filter(measured).filter(|other| is_ahead(other, row)).count();
            row.skipped.is_none().then_some(1 + ahead)
        })
        .collect()
}

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
    /// A range that has the median in it. A spread that nobody filled in is (0, 0): then the median is all there is.
    fn new(median: f64, (low, high): (f64, f64)) -> Self {
        if low == 0.0 && high == 0.0 {
            return Self { low: median, high: median };
        }
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
            spread: Spreads { throughput_per_s: (low, high), ..Spreads::default() },
            ..Row::default()
        }
    }

    fn patience(served: u64, wait: Option<f64>, spread: (f64, f64)) -> Row {
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
        let rows = [echo(1.0, 2.0, 3.0), echo(7.0, 8.0, 9.0), echo(4.0, 5.0, 6.0)];
        assert_eq!(ranks_of(&rows), [Some(3), Some(1), Some(2)]);
    }

    #[test]
    fn a_rank_counts_only_those_who_are_wholly_above() {
        let rows = [echo(9.0, 10.0, 11.0), echo(8.0, 8.5, 9.0), echo(7.0, 7.5, 8.0), echo(1.0, 2.0, 3.0)];
        assert_eq!(ranks_of(&rows), [Some(1), Some(1), Some(2), Some(4)]);
    }

    #[test]
    fn a_wide_range_lifts_nobody_but_itself() {
        let rows = [echo(1.0, 9.0, 10.0), echo(2.0, 2.5, 3.0), echo(4.0, 4.5, 5.0)];
        assert_eq!(ranks_of(&rows), [Some(1), Some(2), Some(1)]);
    }

    #[test]
    fn without_a_spread_the_median_is_the_range() {
        let rows = [echo(0.0, 5.0, 0.0), echo(0.0, 6.0, 0.0), echo(0.0, 5.0, 0.0)];
        assert_eq!(ranks_of(&rows), [Some(2), Some(1), Some(2)]);
    }

    #[test]
    fn the_wait_decides_among_those_who_served_as_many() {
        let rows = [
            patience(4, Some(100.0), (99.0, 101.0)),
            patience(5, Some(0.4), (0.3, 0.5)),
            patience(5, Some(0.45), (0.4, 0.6)),
            patience(5, Some(50.0), (49.0, 51.0)),
            patience(0, None, (0.0, 0.0)),
        ];
        assert_eq!(ranks_of(&rows), [Some(4), Some(1), Some(1), Some(3), Some(5)]);
    }

    #[test]
    fn a_skipped_row_has_no_rank_and_takes_none() {
        let mut rows = [echo(1.0, 2.0, 3.0), echo(7.0, 8.0, 9.0)];
        rows[1].skipped = Some("forbidden here".into());
        assert_eq!(ranks_of(&rows), [Some(1), None]);
        assert_eq!(ranks(&[]), []);
    }
}
