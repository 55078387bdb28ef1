//! What was to be reached, and whether it was.

use common::bench::goal::Goal;

use super::sample::Results;

/// A goal per line; those about parts that were not asked for are left out.
pub fn judge(results: &Results) -> Vec<Goal> {
    [
        ("bulk", "session", 5.0, "iperf3 UDP"),
        ("bulk", "session", 1.5, "quinn"),
        ("bulk", "session", 0.4, "iperf3 TCP"),
        ("bulk", "session", 0.4, "TCP"),
        ("bulk", "session, 1 % loss", 0.8, "session"),
        ("loss 5 %", "session", 10.0, "session, window 1"),
        ("loss 20 %", "session", 10.0, "session, window 1"),
        ("requests", "board, PUBLISH", 0.8, "minimal echo"),
        ("requests", "board, GET", 0.8, "minimal echo"),
    ]
    .into_iter()
    .filter_map(|(table, one, factor, other)| {
        results.at_least(table, one, factor, other, |sample| sample.per_s)
    })
    .collect()
}
