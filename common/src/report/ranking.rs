//! Who is ahead of whom, and who is level: no rank where the ranges over the repetitions overlap.
//!
//! ```text
//! throughput   40k        50k        60k
//!   epoll                     ├──●──┤       1
//!   poll                   ├──●──┤          1   overlaps epoll
//!   pool               ├──●──┤              1   overlaps poll, and so cannot be told from it
//!   fork     ├●┤                            4   three are ahead
//! ```

use std::cmp::Ordering;

use super::data::Row;
use super::section::Kind;

/// The ranks of the rows of one scenario, in their order: 1, 1, 1, 4 …; `None` for a row that was skipped.
///
/// Models share a rank when their ranges of the scenario's main figure overlap, directly or through others of the
/// group. The main figure of `echo` and `connect` is the throughput; elsewhere it is how many clients were served and,
/// among those level in that, the median wait.
pub fn ranks(rows: &[&Row]) -> Vec<Option<usize>> {
    let measured: Vec<usize> = (0..rows.len()).filter(|&index| rows[index].skipped.is_none()).collect();
    let kind = rows.first().map_or(Kind::Load, |row| Kind::of(&row.scenario));
    let groups = match kind {
        Kind::Load => level_groups(&measured, |index| throughput(rows[index])),
        Kind::Stay | Kind::Heavy | Kind::Crowd => level_groups(&measured, |index| served(rows[index]))
            .into_iter()
            .flat_map(|group| level_groups(&group, |index| promptness(rows[index])))
            .collect(),
    };
    let mut ranks = vec![None; rows.len()];
    let mut next = 1;
    for group in groups {
        for &index in &group {
            ranks[index] = Some(next);
        }
        next += group.len();
    }
    ranks
}

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

/// Splits the members into groups whose ranges are connected, the best group first; members keep their order.
fn level_groups(members: &[usize], range_of: impl Fn(usize) -> Range) -> Vec<Vec<usize>> {
    let mut order = members.to_vec();
    order.sort_by(|&a, &b| range_of(b).high.partial_cmp(&range_of(a).high).unwrap_or(Ordering::Equal));
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut lowest = f64::INFINITY;
    for index in order {
        let range = range_of(index);
        match groups.last_mut() {
            Some(group) if range.high >= lowest => {
                group.push(index);
                lowest = lowest.min(range.low);
            }
            _ => {
                groups.push(vec![index]);
                lowest = range.low;
            }
        }
    }
    for group in &mut groups {
        group.sort_unstable();
    }
    groups
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
    fn a_chain_of_overlaps_is_one_group_and_the_next_rank_counts_its_members() {
        let rows = [echo(9.0, 10.0, 11.0), echo(8.0, 8.5, 9.0), echo(7.0, 7.5, 8.0), echo(1.0, 2.0, 3.0)];
        assert_eq!(ranks_of(&rows), [Some(1), Some(1), Some(1), Some(4)]);
    }

    #[test]
    fn a_wide_range_joins_those_inside_it() {
        let rows = [echo(1.0, 9.0, 10.0), echo(2.0, 2.5, 3.0), echo(4.0, 4.5, 5.0)];
        assert_eq!(ranks_of(&rows), [Some(1), Some(1), Some(1)]);
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
