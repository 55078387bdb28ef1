//! What was to be reached: our server and client, with all their checks, beside tarpc as it comes and beside the least that is possible.

use common::bench::goal::Goal;
use common::bench::results::Results;

use super::contestant::Contestant::{Framed, PythonXmlRpc, Tarpc, TarpcBare, XmlRpc};
use super::load::Load;
use super::measure::Sample;

/// A goal for each pair that was measured.
pub fn judge(results: &Results<Sample>) -> Vec<Goal> {
    let [publish, many, served] = [Load::Publish, Load::Many, Load::Served].map(Load::name);
    [
        at_most(results, publish, Tarpc.name(), 1.15, TarpcBare.name()),
        at_most(results, publish, Tarpc.name(), 2.0, Framed.name()),
        results.at_least(many, Tarpc.name(), 0.95, TarpcBare.name(), |sample| sample.per_s),
        results.at_least(served, XmlRpc.name(), 10.0, PythonXmlRpc.name(), |sample| sample.per_s),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The median of the ratios of the typical times is no higher than the factor.
fn at_most(results: &Results<Sample>, table: &str, own: &str, factor: f64, other: &str) -> Option<Goal> {
    let table = results.table(table)?;
    let ratio = table.row(own)?.ratio_to(table.row(other)?, |sample| sample.p50_us);
    Some(Goal {
        goal: format!("{}: the p50 of {own} ≤ {factor} × {other}", table.name),
        found: ratio.map_or_else(|| "not measured".into(), |ratio| ratio.to_string()),
        met: ratio.map(|ratio| ratio.median <= factor),
    })
}

#[cfg(test)]
mod tests {
    use common::bench::results::Table;
    use common::bench::rounds::Row;
    use common::bench::undisturbed::Watched;

    use super::*;

    fn row(name: &str, p50_us: f64) -> Row<Sample> {
        let sample = Sample {
            answered: 1,
            on_board: 1,
            per_s: 1e6 / p50_us,
            p50_us,
            p90_us: p50_us,
            p99_us: p50_us,
            max_us: p50_us,
            server_us: 1.0,
            client_us: 1.0,
            waiting: 0,
            switches: [0.0; 2],
            parts: None,
        };
        Row { samples: vec![Some(Watched { sample, foreign: 0.0 })], ..Row::named(name) }
    }

    fn verdicts(rows: &[Row<Sample>]) -> Vec<&'static str> {
        let tables = [Load::Publish, Load::Many]
            .map(|load| Table { rows: rows.to_vec(), ..Table::new(load.name(), "", load.unit()) });
        let results = Results {
            machine: String::new(),
            pinning: String::new(),
            seed: 1,
            rounds: 1,
            time_s: 1.0,
            peers: vec![],
            tables: tables.into(),
            extra: serde_json::Map::new(),
            goals: vec![],
            took_s: 1.0,
            interrupted: false,
        };
        judge(&results).iter().map(Goal::verdict).collect()
    }

    #[test]
    fn a_longer_time_misses_and_a_lower_rate_misses() {
        let rows = |ours| vec![row("framed", 20.0), row("tarpc-bare", 40.0), row("tarpc", ours)];
        assert_eq!(verdicts(&rows(38.0)), ["met", "met", "met"]);
        assert_eq!(verdicts(&rows(44.0)), ["met", "MISSED", "MISSED"]);
        assert_eq!(verdicts(&rows(48.0)), ["MISSED", "MISSED", "MISSED"]);
    }

    #[test]
    fn there_is_no_goal_for_what_takes_no_part() {
        assert_eq!(verdicts(&[row("tarpc", 1.0)]), [""; 0]);
    }
}
