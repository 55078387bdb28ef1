//! What was to be simulated and what was found, for a reader at a terminal.

use std::fmt::Write;
use std::time::Duration;

use common::loadgen::{Plan, Run};
use common::report::Percentiles;
use common::support::cli::human;
use common::support::count::count;

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
        count(plan.threads, "thread"),
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
        let _ = writeln!(
            text,
            "\nWRONG BYTES: {} {} not what was sent for.",
            count(run.wrong, "answer"),
            were(run.wrong)
        );
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
        "\n{} in {}: {:.1}/s",
        count(run.requests, "request"),
        human(Duration::from_millis(run.elapsed.as_millis() as u64)),
        run.throughput_per_s()
    );
    let left = [
        (run.never_sent, "request", format!("{} due and never sent", were(run.never_sent))),
        (run.unanswered, "request", format!("{} never answered", were(run.unanswered))),
        (run.broken, "connection", "broke".into()),
        (run.unfinished, "client", "had not finished".into()),
    ];
    for (number, noun, what) in left.into_iter().filter(|(number, ..)| *number > 0) {
        let _ = writeln!(text, "{} {what}", count(number, noun));
    }
    if let Some(error) = &run.first_error {
        let _ = writeln!(text, "the first error: {error}");
    }
    let faulty = &run.faulty;
    if faulty.connections > 0 {
        let _ = writeln!(
            text,
            "faulty clients: {}, {} sent, {} read, {}, hung up on {}",
            count(faulty.connections, "connection"),
            count(faulty.bytes_sent, "byte"),
            faulty.bytes_received,
            count(faulty.resets, "reset"),
            count(faulty.hung_up_on, "time")
        );
    }
    text
}

/// The verb for this number: `was` or `were`.
pub fn were(number: u64) -> &'static str {
    if number == 1 { "was" } else { "were" }
}

fn line(name: &str, percentiles: Option<Percentiles>) -> String {
    let Some(Percentiles { p50, p90, p99, max }) = percentiles else {
        return format!("{name:<12}{:>10}\n", "-");
    };
    format!("{name:<12}{p50:>10.1}{p90:>12.1}{p99:>12.1}{max:>12.1}\n")
}
