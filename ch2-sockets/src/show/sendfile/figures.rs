//! The figures of the transfers: medians, ratios within a round, and how far they spread.

use std::io::{self, Write};

use serde::Serialize;

use common::support::count::count;
use common::support::size;

use super::ways::CopyMethod;

/// One transfer.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Run {
    /// From the first call to the last byte received.
    pub seconds: f64,
    /// Of the sending thread, user and system.
    pub cpu_seconds: f64,
    /// Of the receiving thread.
    pub receiver_cpu_seconds: f64,
    /// That moved bytes.
    pub system_calls: u64,
}

/// What one way has shown.
#[derive(Debug, Serialize)]
pub struct MethodRow {
    pub method: CopyMethod,
    pub runs: Vec<Run>,
    /// Against read and write in the same round: above 1 is faster.
    pub throughput_ratio: Spread,
    /// Against read and write in the same round: below 1 is cheaper.
    pub cpu_ratio: Spread,
}

/// Of several rounds: the middle and both ends.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Spread {
    pub lowest: f64,
    pub median: f64,
    pub highest: f64,
}

/// The whole measurement, as `--json` writes it.
#[derive(Debug, Serialize)]
pub struct Report {
    pub bytes: u64,
    pub chunk: u64,
    pub rounds: u16,
    pub receiver_reads: bool,
    pub rows: Vec<MethodRow>,
}

/// The figures of one way, beside those of the reference in the same rounds.
pub fn row(method: CopyMethod, own: &[Run], reference: &[Run]) -> MethodRow {
    let ratio = |figure: fn(&Run, &Run) -> f64| {
        spread(own.iter().zip(reference).map(|(own, reference)| figure(own, reference)).collect())
    };
    MethodRow {
        method,
        runs: own.to_vec(),
        throughput_ratio: ratio(|own, reference| reference.seconds / own.seconds),
        cpu_ratio: ratio(|own, reference| own.cpu_seconds / reference.cpu_seconds),
    }
}

/// Of at least one value.
fn spread(mut values: Vec<f64>) -> Spread {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let median = if values.len() % 2 == 1 {
        values[middle]
    } else {
        f64::midpoint(values[middle - 1], values[middle])
    };
    Spread { lowest: values[0], median, highest: values[values.len() - 1] }
}

/// The table.
pub fn print(report: &Report) -> io::Result<()> {
    let mut out = common::support::cli::stdout();
    writeln!(
        out,
        "{} over loopback, {}; a receiver that {}. Medians; a ratio is to read and write in the same round, \
         median (lowest to highest)",
        size::human(report.bytes),
        count(report.rounds, "round"),
        if report.receiver_reads { "reads" } else { "throws away" }
    )?;
    writeln!(
        out,
        "{:<12} {:>7} {:>18} {:>9} {:>13}  {:<22} sender's CPU ratio",
        "", "MB/s", "CPU ms/GB: sender", "receiver", "system calls", "throughput ratio"
    )?;
    let gigabytes = report.bytes as f64 / 1e9;
    for row in &report.rows {
        let median = |figure: fn(&Run) -> f64| spread(row.runs.iter().map(figure).collect()).median;
        let ratio = |s: Spread| format!("{:.2} ({:.2} to {:.2})", s.median, s.lowest, s.highest);
        writeln!(
            out,
            "{:<12} {:>7.0} {:>18.0} {:>9.0} {:>13}  {:<22} {}",
            row.method.title(),
            gigabytes * 1e3 / median(|run| run.seconds),
            median(|run| run.cpu_seconds) * 1e3 / gigabytes,
            median(|run| run.receiver_cpu_seconds) * 1e3 / gigabytes,
            median(|run| run.system_calls as f64).round(),
            ratio(row.throughput_ratio),
            ratio(row.cpu_ratio)
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_has_its_median_in_the_middle() {
        let odd = spread(vec![3.0, 1.0, 2.0]);
        assert_eq!((odd.lowest, odd.median, odd.highest), (1.0, 2.0, 3.0));
        assert_eq!(spread(vec![4.0, 1.0]).median, 2.5);
    }
}
