//! What was to be simulated and what was found, for a reader at a terminal.

use std::fmt::Write;
use std::time::Duration;

use common::loadgen::{Plan, Run};
use common::report::Percentiles;
use common::support::cli::human;

/// The plan with every number that is needed to run it again.
pub fn header(plan: &Plan) -> String {
    let mut text = format!("{}: {}\n", plan.scenario, plan.describe());
    let _ = writeln!(
        text,
        "target {}, service {}, seed {}, time scale {}, patience {} with grace, {}, faulty clients: {}",
        plan.target,
        plan.scenario.service(),
        plan.seed,
        plan.time_scale,
        human(plan.effective_timeout()),
        if plan.threads == 1 { "1 thread".into() } else { format!("{} threads", plan.threads) },
        plan.faulty,
    );
    text
}

/// The result: how the clients fared, how long they waited, how much was done.
pub fn table(run: &Run) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    if run.interrupted {
        let _ = writeln!(text, "\nINTERRUPTED: this is what was found until then.");
    }
    if run.wrong > 0 {
        let _ = writeln!(text, "\nWRONG BYTES: {} answers were not what was sent for.", run.wrong);
    }
    let _ = writeln!(
        text,
        "\n{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}",
        "clients", "served", "gave up", "refused", "lost", "wrong"
    );
    let refused = run.refused - run.lost - run.deceived;
    let counts = [run.clients, run.served, run.gave_up, refused, run.lost, run.deceived];
    let _ = writeln!(text, "{}\n", counts.map(|count| format!("{count:>10}")).concat());
    let _ = writeln!(text, "{:<10}{:>12}{:>12}{:>12}{:>12}", "", "p50", "p90", "p99", "max");
    text += &line("wait, ms", run.wait_ms());
    text += &line("latency, us", run.latency_us());
    let _ = writeln!(
        text,
        "\n{} requests in {}: {:.1}/s",
        run.requests,
        human(Duration::from_millis(run.elapsed.as_millis() as u64)),
        run.throughput_per_s()
    );
    let left = [
        (run.never_sent, "requests were due and never sent"),
        (run.unanswered, "requests were never answered"),
        (run.broken, "connections broke"),
        (run.unfinished, "clients had not finished"),
    ];
    for (count, what) in left.into_iter().filter(|(count, _)| *count > 0) {
        let _ = writeln!(text, "{count} {what}");
    }
    if let Some(error) = &run.first_error {
        let _ = writeln!(text, "the first error: {error}");
    }
    let faulty = &run.faulty;
    if faulty.connections > 0 {
        let _ = writeln!(
            text,
            "faulty clients: {} connections, {} bytes sent, {} read, {} resets, hung up on {} times",
            faulty.connections, faulty.bytes_sent, faulty.bytes_received, faulty.resets, faulty.hung_up_on
        );
    }
    text
}

fn line(name: &str, percentiles: Option<Percentiles>) -> String {
    let Some(Percentiles { p50, p90, p99, max }) = percentiles else {
        return format!("{name:<12}{:>10}\n", "-");
    };
    format!("{name:<12}{p50:>10.1}{p90:>12.1}{p99:>12.1}{max:>12.1}\n")
}
