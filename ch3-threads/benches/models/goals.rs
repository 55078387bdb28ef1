//! What was to be reached, and whether it was.

use common::bench::Spread;
use common::bench::goal::Goal;

use super::contestants::EVENT_DRIVEN;
use super::generators::{CEILING, REDIS_BENCHMARK, SIMULATOR_NGINX, SIMULATOR_REDIS, TABLE, WRK};
use super::sample::StallSeen;
use super::sample::{Results, Table, fault};

/// Requests per second that the simulator should manage, many under way in each connection.
const PIPELINED_PER_S: f64 = 3e6;

/// A goal per line; those about loads and contestants that were not asked for are left out.
pub fn judge(results: &Results, stall: Option<StallSeen>) -> Vec<Goal> {
    let mut goals = Vec::new();
    let mut at_least = |load: &str, one: &str, factor: f64, other: &str| {
        let goal = results.at_least(load, one, factor, other, |sample| sample.per_s);
        let fault = |name| results.table(load)?.row(name).and_then(fault);
        goals.extend(goal.map(|goal| goal.unless(fault(one).or(fault(other)))));
    };
    let event_driven = EVENT_DRIVEN.map(ch3_threads::model::Model::name);
    for load in ["echo-50", "echo-1000", "deep-50"] {
        for model in &event_driven {
            at_least(load, model, 0.95, "limit");
        }
    }
    for (load, factor) in [("echo-50", 1.05), ("echo-1000", 1.2), ("deep-50", 1.6)] {
        for model in &event_driven {
            at_least(load, model, factor, "redis");
        }
    }
    at_least("echo-1000", "thread-pool", 1.8, "python-threading");
    at_least("connect-50", "fork-per-connection", 6.0, "python-forking");
    at_least("connect-50", "prefork", 0.9, "epoll");
    at_least(TABLE, SIMULATOR_NGINX, 1.0, WRK);
    at_least(TABLE, SIMULATOR_REDIS, 1.7, REDIS_BENCHMARK);
    goals.extend(results.table("deep-50").and_then(|table| pipelined(table, "limit", "16 deep")));
    goals.extend(results.table(TABLE).and_then(|table| pipelined(table, CEILING, "64 deep")));
    goals.extend(stall.map(stall_is_seen));
    goals
}

fn pipelined(table: &Table, row: &str, depth: &str) -> Option<Goal> {
    let rate = table.row(row)?.spread(|sample| Some(sample.per_s))?;
    let Spread { median, min, max } = rate;
    Some(Goal {
        goal: format!("simulator ≥ 3 million pipelined requests/s, 16 bytes {depth}"),
        found: format!("{:.2} million [{:.2}..{:.2}]", median / 1e6, min / 1e6, max / 1e6),
        met: Some(median >= PIPELINED_PER_S),
    })
}

fn stall_is_seen(seen: StallSeen) -> Goal {
    Goal {
        goal: "a planted stall of 100 ms is seen at p99 by the open loop, and not by the closed one".into(),
        found: format!("open {:.1} ms, closed {:.1} ms", seen.open_p99_ms, seen.closed_p99_ms),
        met: Some(seen.open_p99_ms >= 50.0 && seen.closed_p99_ms < 50.0),
    }
}
