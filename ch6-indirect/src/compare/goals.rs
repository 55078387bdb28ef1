//! What was to be reached: ratios, and sizes that do not depend on the machine.

use common::bench::goal::Goal;
use common::bench::results::Results;

use super::class::Class;
use super::contestant::Contestant::{
    self, BareLog, Least, Nats, Ours, RabbitmqClassic, RabbitmqQuorum, Redis,
};
use super::measure::Sample;

/// A goal for each pair that was measured.
pub fn judge(results: &Results<Sample>) -> Vec<Goal> {
    let rate = |class: Class, factor, other: Contestant| {
        results.at_least(class.name(), Ours.name(), factor, other.name(), |sample| sample.value)
    };
    let per_cpu = results
        .at_least(Class::FanOut.name(), Ours.name(), 1.3, Nats.name(), |sample| {
            sample.per_cpu_s.unwrap_or(0.0)
        })
        .map(|goal| Goal { goal: format!("{}, for a second of the server's processor", goal.goal), ..goal });
    let idle = |sample: &Sample| Some(sample.value * 10_000.0 / 1024.0);
    [
        rate(Class::FanOut, 8.0, RabbitmqClassic),
        rate(Class::FanOut, 1.0, Nats),
        per_cpu,
        rate(Class::Transient, 5.0, RabbitmqClassic),
        rate(Class::Durable, 20.0, RabbitmqQuorum),
        rate(Class::Durable, 15.0, RabbitmqClassic),
        rate(Class::Durable, 2.0, Redis),
        rate(Class::Publish, 0.2, BareLog),
        at_most(results, Class::One, 1.3, Least),
        below(results, Class::Half, "p99 at half load, ms", 5.0, |sample| Some(sample.value / 1e3)),
        below(results, Class::Idle, "10 000 idle connections, MiB", 400.0, idle),
        below(results, Class::Backlog, "messages that wait, MiB", 600.0, |sample| sample.memory_mib),
        below(results, Class::Backlog, "recovered, s", 3.0, |sample| sample.recovered_s),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The median of the ratios is no higher than the factor.
fn at_most(results: &Results<Sample>, class: Class, factor: f64, other: Contestant) -> Option<Goal> {
    let table = results.table(class.name())?;
    let ratio = table.row(Ours.name())?.ratio_to(table.row(other.name())?, |sample| sample.value);
    Some(Goal {
        goal: format!("{}: {} ≤ {factor} × {}", table.name, Ours.name(), other.name()),
        found: ratio.map_or_else(|| "not measured".into(), |ratio| ratio.to_string()),
        met: ratio.map(|ratio| ratio.median <= factor),
    })
}

/// A figure of ours stays below a limit in the median.
fn below(
    results: &Results<Sample>,
    class: Class,
    what: &str,
    limit: f64,
    value: impl Fn(&Sample) -> Option<f64>,
) -> Option<Goal> {
    let spread = results.table(class.name())?.row(Ours.name())?.spread(value);
    Some(Goal {
        goal: format!("{}: {what} < {limit}", class.name()),
        found: spread.map_or_else(|| "not measured".into(), |spread| spread.to_string()),
        met: spread.map(|spread| spread.median < limit),
    })
}

#[cfg(test)]
mod tests {
    use common::bench::results::Table;
    use common::bench::rounds::Row;
    use common::bench::undisturbed::Watched;

    use super::*;

    fn row(name: &str, value: f64) -> Row<Sample> {
        let sample = Sample { value, ..Sample::default() };
        Row { samples: vec![Some(Watched { sample, foreign: 0.0 })], ..Row::named(name) }
    }

    fn verdicts(class: Class, rows: Vec<Row<Sample>>) -> Vec<&'static str> {
        let results = Results {
            machine: String::new(),
            pinning: String::new(),
            seed: 1,
            rounds: 1,
            time_s: 1.0,
            peers: vec![],
            tables: vec![Table { rows, ..Table::new(class.name(), "", class.unit()) }],
            extra: serde_json::Map::new(),
            goals: vec![],
            took_s: 1.0,
            interrupted: false,
        };
        judge(&results).iter().map(Goal::verdict).collect()
    }

    #[test]
    fn a_lower_rate_and_a_longer_time_miss() {
        let fanout = |ours| vec![row("ours", ours), row("rabbitmq-classic", 1.0)];
        assert_eq!(verdicts(Class::FanOut, fanout(8.0)), ["met"]);
        assert_eq!(verdicts(Class::FanOut, fanout(7.9)), ["MISSED"]);
        let one = |ours| vec![row("ours", ours), row("least", 100.0)];
        assert_eq!(verdicts(Class::One, one(130.0)), ["met"]);
        assert_eq!(verdicts(Class::One, one(131.0)), ["MISSED"]);
    }

    #[test]
    fn a_size_is_of_ours_alone() {
        // KiB for one: 400 MiB are 40.96 KiB for each of 10 000.
        assert_eq!(verdicts(Class::Idle, vec![row("ours", 40.0)]), ["met"]);
        assert_eq!(verdicts(Class::Idle, vec![row("ours", 41.0), row("nats", 1.0)]), ["MISSED"]);
        assert_eq!(verdicts(Class::Idle, vec![row("nats", 41.0)]), [""; 0]);
    }
}
