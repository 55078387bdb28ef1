//! A planted stall of 100 ms in every second, and what two kinds of loop see of it.
//!
//! In the closed loop the clients wait with the server: a stall is 50 late answers among hundreds of thousands, and no
//! percentile below 99.9 shows it. In the open loop requests come whether the server is well or not, a tenth of them
//! during a stall, and each is timed from when it was meant to be sent.

use std::time::Duration;

use common::loadgen::{Plan, Scenario};

use super::contestants::limit;
use super::limit::Kind;
use super::sample::StallSeen;
use super::testbed::Testbed;

/// Requests per second of the open loop: a small part of what the server could do.
const RATE: f64 = 10_000.0;
/// So that there is more than one stall.
const SHORTEST: Duration = Duration::from_millis(2200);

/// Both loops against the same server.
///
/// # Errors
/// It cannot be started, or the simulator cannot run.
pub fn run(testbed: &Testbed<'_>, time: Duration) -> anyhow::Result<StallSeen> {
    let launch = limit(Kind::Stall)?;
    testbed.pins.go_to_servers()?;
    let server = launch.start();
    testbed.pins.go_to_generator()?;
    let server = server?;
    let plan = Plan {
        duration: time.max(SHORTEST),
        seed: testbed.seed,
        keep_timelines: 0,
        ..Plan::new(Scenario::Echo, server.address)
    };
    let closed = testbed.run(&plan)?.latency_us();
    let open = testbed.run(&Plan { rate: Some(RATE), ..plan })?.latency_us();
    server.stop();
    let (closed, open) =
        closed.zip(open).ok_or_else(|| anyhow::anyhow!("the stalling server answers nothing"))?;
    Ok(StallSeen {
        closed_p99_ms: closed.p99 / 1e3,
        open_p99_ms: open.p99 / 1e3,
        longest_ms: closed.max.max(open.max) / 1e3,
    })
}
