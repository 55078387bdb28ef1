//! The sentences follow the figures: change a figure and the sentence changes, take one away and it is silent.

use super::super::data::{ClientLine, Lane, Percentiles, ServerCost, Slice, SliceKind, Timeline};
use super::*;

/// Five clients; the first four are served for 50 ms each, one by one or together, and the rest give up.
fn patience(served: usize, together: bool) -> Row {
    let clients = (0..5)
        .map(|index| {
            let began_ms = 0.0;
            let start = if together { 0.3 } else { 50.0 * index as f64 };
            let (served_ms, ended_ms, outcome) = if index < served {
                (Some(start), start + 50.0, ClientOutcome::Served)
            } else {
                (None, 150.0 + index as f64, ClientOutcome::GaveUp)
            };
            ClientLine { name: format!("client-{}", index + 1), began_ms, served_ms, ended_ms, outcome }
        })
        .collect();
    Row {
        scenario: "patience".into(),
        clients: 5,
        served: served as u64,
        gave_up: 5 - served as u64,
        server: ServerCost { threads: 1, processes: 1, peak_rss_kib: 2048, ..ServerCost::default() },
        timeline: Some(Timeline { length_ms: 250.0, clients, lanes: vec![] }),
        ..Row::default()
    }
}

fn echo(throughput_per_s: f64, cpu_ms: f64) -> Row {
    Row {
        scenario: "echo".into(),
        clients: 50,
        served: 50,
        requests: 100_000,
        throughput_per_s,
        server: ServerCost { cpu_ms, threads: 1, processes: 1, context_switches: 4000, peak_rss_kib: 2048 },
        latency_us: Some(Percentiles { p50: 400.0, p90: 500.0, p99: 800.0, max: 4200.0 }),
        ..Row::default()
    }
}

fn assert_says(text: &str, part: &str) {
    let text = text.replace(['\u{a0}', '\u{202f}'], " ");
    assert!(text.contains(part), "{part:?} is not in {text:?}");
}

#[test]
fn the_fifth_client_of_a_sequential_server_is_named_with_its_wait() {
    let text = words(&patience(4, false), &[]);
    assert_says(
        &text,
        "Served 4 of 5 one after another: each client held it for 50 ms; client-5 waited 154 ms and left.",
    );
    assert_says(&text, "All of it by 1 thread in 1 process, and at most 2 MiB of memory.");
}

#[test]
fn who_serves_all_at_once_is_said_to() {
    let text = words(&patience(5, true), &[]);
    assert_says(&text, "Served all 5, all at the same time: each client held it for 50 ms.");
    assert!(!text.contains("left"));
}

#[test]
fn several_who_left_are_counted_and_nobody_served_is_said() {
    assert_says(&words(&patience(2, false), &[]), "Served 2 of 5 one after another");
    assert_says(&words(&patience(2, false), &[]), "3 waited 152 ms to 154 ms and left");
    assert_says(&words(&patience(0, false), &[]), "Served none of 5: 5 waited 150 ms to 154 ms and left.");
}

#[test]
fn without_a_timeline_nothing_is_said_of_order() {
    let row = Row { timeline: None, refused: 1, served: 3, ..patience(4, false) };
    let text = words(&row, &[]);
    assert_says(&text, "Served 3 of 5: 1 gave up waiting; 1 was refused.");
    assert!(!text.contains("one after another") && !text.contains("at the same time"));
}

#[test]
fn waits_stand_beside_those_of_the_others() {
    let with_wait =
        |p50| Row { wait_ms: Some(Percentiles { p50, p90: p50, p99: p50, max: 100.0 }), ..patience(5, true) };
    let (mine, other) = (with_wait(0.4), with_wait(75.0));
    assert_says(&words(&mine, &[&other]), "waited at most 0.40 ms (others 75 ms), the longest 100 ms.");
    assert_says(&words(&mine, &[]), "waited at most 0.40 ms, the longest 100 ms.");
}

#[test]
fn work_for_those_who_left_is_counted() {
    let mut row = patience(2, false);
    row.scenario = "heavy".into();
    let slice = Slice { from_ms: 160.0, to_ms: 210.0, what: SliceKind::Request, client: Some(4) };
    row.timeline.as_mut().unwrap().lanes.push(Lane { name: "main".into(), slices: vec![slice] });
    assert_says(&words(&row, &[]), "50 ms of its work was for clients who had already left.");
    assert!(!words(&patience(2, false), &[]).contains("already left"));
}

#[test]
fn rates_and_costs_are_compared_with_the_median_of_the_others() {
    let others = [echo(10_000.0, 2000.0), echo(20_000.0, 1000.0), echo(40_000.0, 500.0)];
    let others: Vec<&Row> = others.iter().collect();
    let fast = words(&echo(60_000.0, 800.0), &others);
    assert_says(&fast, "60 000 requests/s, 3 times the others’ median of 20 000.");
    assert_says(
        &fast,
        "Each request cost 8 µs of CPU (others 10 µs) and 0.04 context switches (others 0.04).",
    );
    assert_says(
        &words(&echo(20_500.0, 1000.0), &others),
        "20 500 requests/s, about the others’ median of 20 000.",
    );
}

#[test]
fn a_tail_is_mentioned_where_it_is_unlike_the_others() {
    let other = echo(10_000.0, 1000.0);
    assert!(!words(&echo(10_000.0, 1000.0), &[&other]).contains("99 came"));
    let latency_us = Some(Percentiles { p50: 400.0, p90: 500.0, p99: 4000.0, max: 9000.0 });
    let text = words(&Row { latency_us, ..echo(10_000.0, 1000.0) }, &[&other]);
    assert_says(&text, "99 came within 4 ms, 10 times the median latency (others 2); the slowest took 9 ms.");
}

#[test]
fn lanes_that_worked_are_counted_and_a_lone_one_is_named() {
    let lane = |name: &str, slices| Lane { name: name.into(), slices };
    let slice = Slice { from_ms: 0.0, to_ms: 50.0, what: SliceKind::Connection, client: Some(0) };
    let mut row = patience(5, true);
    row.timeline.as_mut().unwrap().lanes = vec![lane("loop", vec![slice]), lane("idle", vec![])];
    assert_says(&words(&row, &[]), "Served all 5, all at the same time in one lane (loop):");
    row.timeline.as_mut().unwrap().lanes.push(lane("other", vec![slice]));
    assert_says(&words(&row, &[]), "Served all 5, all at the same time in 2 lanes:");
}

#[test]
fn slower_without_costing_more_is_said_only_where_it_is_so() {
    let other = echo(40_000.0, 1000.0);
    let idle = words(&echo(10_000.0, 1000.0), &[&other]);
    assert_says(&idle, "keeps 0.1 of a core busy (others 0.4): it was slower without costing more.");
    assert!(!words(&echo(10_000.0, 4000.0), &[&other]).contains("without costing more"));
    assert!(!words(&echo(39_000.0, 1000.0), &[&other]).contains("without costing more"));
}

#[test]
fn threads_processes_and_memory_are_the_measured_ones() {
    let mut row = echo(1.0, 1.0);
    row.server = ServerCost { threads: 6, processes: 6, peak_rss_kib: 8192, ..row.server };
    let text = words(&row, &[&echo(1.0, 1.0)]);
    assert_says(&text, "It had 6 processes of 1 thread each, and at most 8 MiB of memory (others 2).");
    row.server = ServerCost { threads: 51, processes: 1, peak_rss_kib: 2048, ..row.server };
    let text = words(&row, &[&echo(1.0, 1.0)]);
    assert_says(&text, "It had 51 threads in 1 process, and at most 2 MiB of memory (others 2).");
}

#[test]
fn a_skipped_row_says_why_and_nothing_else() {
    let row = Row { skipped: Some("the kernel forbids io_uring".into()), ..echo(1.0, 1.0) };
    assert_eq!(words(&row, &[]), "Not run here: the kernel forbids io_uring.");
}
