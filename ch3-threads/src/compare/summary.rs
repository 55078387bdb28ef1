//! Several repetitions of one model under one scenario become one row: medians, with the lowest and highest beside them.

use common::report::{Percentiles, Repetition, Row, ServerCost, Spreads};
use common::support::statistics::{Spread, median};

/// The row of these repetitions, each of which is a row of its own. `None` when there is none.
pub fn summarise(mut repetitions: Vec<Row>) -> Option<Row> {
    let first = repetitions.first()?.clone();
    let middle = |value: &dyn Fn(&Row) -> f64| median(repetitions.iter().map(value)).unwrap_or_default();
    let count = |value: &dyn Fn(&Row) -> u64| middle(&|row| value(row) as f64).round() as u64;
    let some = |value: &dyn Fn(&Row) -> Option<u64>| {
        let known = repetitions.iter().filter_map(value).map(|count| count as f64);
        median(known).map(|middle| middle.round() as u64)
    };
    let percentiles = |of: &dyn Fn(&Row) -> Option<Percentiles>| {
        let known: Vec<Percentiles> = repetitions.iter().filter_map(of).collect();
        let middle = |value: fn(&Percentiles) -> f64| median(known.iter().map(value)).unwrap_or_default();
        (!known.is_empty()).then(|| Percentiles {
            p50: middle(|p| p.p50),
            p90: middle(|p| p.p90),
            p99: middle(|p| p.p99),
            max: middle(|p| p.max),
        })
    };
    let spread = |value: &dyn Fn(&Row) -> Option<f64>| {
        Spread::of(repetitions.iter().filter_map(value)).map(|spread| (spread.min, spread.max))
    };
    let row = Row {
        served: count(&|row| row.served),
        gave_up: count(&|row| row.gave_up),
        refused: count(&|row| row.refused),
        lost: count(&|row| row.lost),
        wrong: repetitions.iter().map(|row| row.wrong).max().unwrap_or(0), // one is too many
        requests: count(&|row| row.requests),
        unanswered: some(&|row| row.unanswered),
        never_sent: some(&|row| row.never_sent),
        wait_ms: percentiles(&|row| row.wait_ms),
        latency_us: percentiles(&|row| row.latency_us),
        throughput_per_s: middle(&|row| row.throughput_per_s),
        server: ServerCost {
            cpu_ms: middle(&|row| row.server.cpu_ms),
            peak_rss_kib: count(&|row| row.server.peak_rss_kib),
            threads: count(&|row| row.server.threads),
            processes: count(&|row| row.server.processes),
            context_switches: count(&|row| row.server.context_switches),
        },
        repetitions: repetitions.len() as u32,
        foreign: median(repetitions.iter().filter_map(|row| row.foreign)),
        runs: repetitions.iter().map(repetition).collect(),
        spread: Spreads {
            served: spread(&|row| Some(row.served as f64)),
            throughput_per_s: spread(&|row| Some(row.throughput_per_s)),
            wait_p50_ms: spread(&|row| row.wait_ms.map(|p| p.p50)),
            latency_p50_us: spread(&|row| row.latency_us.map(|p| p.p50)),
            latency_p99_us: spread(&|row| row.latency_us.map(|p| p.p99)),
            cpu_ms: spread(&|row| Some(row.server.cpu_ms)),
        },
        ..first
    };
    // The curve and the picture are of one repetition, the middle one: a mean of pictures shows what never was.
    repetitions.sort_by(|a, b| {
        (a.served, a.throughput_per_s)
            .partial_cmp(&(b.served, b.throughput_per_s))
            .expect("a rate is a number")
    });
    let typical = repetitions.swap_remove(repetitions.len() / 2);
    Some(Row { latency_curve: typical.latency_curve, timeline: typical.timeline, ..row })
}

/// What one repetition found.
fn repetition(row: &Row) -> Repetition {
    Repetition {
        seed: row.seed,
        served: row.served,
        gave_up: row.gave_up,
        refused: row.refused,
        lost: row.lost,
        wrong: row.wrong,
        requests: row.requests,
        unanswered: row.unanswered,
        never_sent: row.never_sent,
        throughput_per_s: row.throughput_per_s,
        wait_ms: row.wait_ms,
        latency_us: row.latency_us,
        server: row.server,
        foreign: row.foreign,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(served: u64, throughput_per_s: f64) -> Row {
        Row { served, throughput_per_s, latency_curve: vec![(50.0, throughput_per_s)], ..Row::default() }
    }

    #[test]
    fn takes_the_median_and_keeps_the_extremes() {
        let row = summarise(vec![row(4, 9.0), row(5, 1.0), row(4, 2.0)]).unwrap();
        assert_eq!((row.served, row.throughput_per_s, row.repetitions), (4, 2.0, 3));
        assert_eq!(row.spread.throughput_per_s, Some((1.0, 9.0)));
        assert_eq!(row.spread.served, Some((4.0, 5.0)));
        assert_eq!(row.latency_curve, [(50.0, 9.0)], "served 4, the faster of two: the middle one");
    }

    #[test]
    fn of_nothing_there_is_no_row() {
        assert!(summarise(Vec::new()).is_none());
    }
}
