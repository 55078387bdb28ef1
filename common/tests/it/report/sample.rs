//! A made-up comparison of the size of a real one: 18 models under 6 scenarios, and a user's own command.
//!
//! The clients of the timelines come first and are served first, by as many lanes as the model has; the figures of the
//! loads are invented but of the right order.

use common::report::{
    ClientLine, ClientOutcome, Comparison, Lane, Percentiles, Row, ScenarioNote, ServerCost, Slice,
    SliceKind, Spreads, Timeline,
};

/// How a made-up model runs its connections.
#[derive(Clone, Copy, PartialEq)]
enum Style {
    /// One lane, this many clients in all its life.
    Main(usize),
    /// A lane per client.
    Each(&'static str),
    /// So many lanes.
    Pool(&'static str, usize),
    /// One lane that holds everybody.
    Loop,
}

/// Name, what it is, style, requests per second in `echo`, memory in MiB.
const MODELS: [(&str, &str, Style, f64, f64); 18] = [
    ("one-client", "Accepts one client, serves it and ends.", Style::Main(1), 21_000.0, 2.1),
    ("sequential", "One client after another, in one thread.", Style::Main(usize::MAX), 23_500.0, 2.1),
    ("fork-per-connection", "The parent accepts; a new child serves.", Style::Each("child"), 88_000.0, 34.0),
    (
        "thread-per-connection",
        "The main thread accepts; a new thread serves.",
        Style::Each("thread"),
        109_000.0,
        4.4,
    ),
    (
        "thread-pool",
        "A queue of connections, a fixed set of workers.",
        Style::Pool("worker", 8),
        93_000.0,
        2.9,
    ),
    (
        "prethreaded",
        "A fixed set of threads, each accepts for itself.",
        Style::Pool("thread", 8),
        95_000.0,
        2.8,
    ),
    (
        "prefork",
        "A fixed set of children share one listening socket.",
        Style::Pool("child", 4),
        81_000.0,
        9.5,
    ),
    ("prefork-reuseport", "A fixed set of children, a socket each.", Style::Pool("child", 4), 83_500.0, 9.7),
    (
        "fd-passing",
        "The parent accepts and hands the descriptor over.",
        Style::Pool("child", 4),
        79_000.0,
        9.9,
    ),
    ("select", "One loop over select(2).", Style::Loop, 151_000.0, 2.2),
    ("poll", "One loop over poll(2).", Style::Loop, 162_000.0, 2.2),
    ("epoll", "One loop over epoll(7).", Style::Loop, 191_000.0, 2.2),
    (
        "thread-per-request",
        "A loop reads; a new thread handles each request.",
        Style::Each("request"),
        24_000.0,
        3.9,
    ),
    (
        "pipeline",
        "Receivers, handlers and senders joined by queues.",
        Style::Pool("handler", 4),
        61_000.0,
        3.1,
    ),
    ("delegation", "Managers that make workers when they are needed.", Style::Each("handler"), 19_500.0, 4.8),
    (
        "process-pipeline",
        "A pipeline whose handlers are processes.",
        Style::Pool("handler", 2),
        42_000.0,
        8.2,
    ),
    ("tokio", "Tasks on a multi-threaded runtime.", Style::Pool("runtime-worker", 2), 171_000.0, 4.0),
    ("io-uring", "One loop over a completion ring.", Style::Loop, 0.0, 0.0),
];

/// A model's name that would break a page, a terminal or a column.
pub const USERS_COMMAND: &str = "python3 server.py --name \"<b>&'mine'</b>\" --port 0 </script>\u{1b}[31m";

/// The whole comparison.
pub fn comparison() -> Comparison {
    let about = [
        (
            "patience",
            "5 clients come at once; each waits at most 150 ms for service and stays 50 ms.",
            "Who is still there when the server gets round to them?",
        ),
        (
            "stay",
            "5 clients come at once; each waits at most 50 ms for service and stays 300 ms.",
            "What if each client keeps the server busy for longer than the others are willing to wait?",
        ),
        (
            "heavy",
            "5 clients send one request each, which takes 50 ms; they wait at most 100 ms for the answer.",
            "Which servers handle slow requests side by side?",
        ),
        (
            "echo",
            "50 clients keep their connections and send 128 bytes as soon as the last answer is there, for 2 s.",
            "What does a request cost?",
        ),
        (
            "connect",
            "50 clients make a new connection for every request, for 2 s.",
            "What does a connection cost?",
        ),
        (
            "crowd",
            "2000 clients come within 200 ms, send one request and stay until all have been served.",
            "Who can hold thousands at once?",
        ),
    ];
    let scenarios = about.map(|(name, about, question)| ScenarioNote {
        name: name.into(),
        about: about.into(),
        question: question.into(),
    });
    let mut rows: Vec<Row> = about
        .iter()
        .flat_map(|(name, ..)| MODELS.iter().enumerate().map(|(index, _)| row(name, index)))
        .collect();
    let mut users = row("echo", 4);
    users.model = USERS_COMMAND.into();
    users.about = "a command of the user's".into();
    rows.insert(
        rows.iter().position(|row| row.scenario == "connect").expect("connect is one of the scenarios"),
        users,
    );
    Comparison {
        command: format!(
            "cargo ch3 compare --scenario all --seed 42 --time-scale 0.01 --with '{USERS_COMMAND}'"
        ),
        made_at: 1_773_480_000,
        machine: "Example CPU @ 3.0 GHz, 2 cores, Linux 6.1".into(),
        seed: 42,
        time_scale: 0.01,
        took_s: 412.0,
        scenarios: scenarios.into(),
        rows,
    }
}

fn row(scenario: &str, index: usize) -> Row {
    let (model, about, style, rate, memory) = MODELS[index];
    let mut row = Row {
        scenario: scenario.into(),
        model: model.into(),
        service: "echo".into(),
        about: about.into(),
        repetitions: 5,
        seed: 42,
        ..Row::default()
    };
    if model == "io-uring" {
        row.skipped = Some("the kernel forbids io_uring_setup(2) here (EPERM)".into());
        return row;
    }
    let (threads, processes) = makeup(style);
    row.server = ServerCost {
        cpu_ms: 1.0 + memory / 3.0,
        peak_rss_kib: (memory * 1024.0) as u64,
        threads,
        processes,
        context_switches: 20 + 4 * threads,
    };
    let wobble = ((index * 7919) % 13) as f64 / 13.0;
    match scenario {
        "patience" => timed(&mut row, timeline(style, 5, (150.0, 50.0), false, wobble), wobble),
        "stay" => timed(&mut row, timeline(style, 5, (50.0, 300.0), false, wobble), wobble),
        "heavy" => timed(&mut row, timeline(style, 5, (100.0, 50.0), true, wobble), wobble),
        "crowd" => timed(&mut row, timeline(style, 2000, (400.0, 1.0 + wobble), false, wobble), wobble),
        "connect" => load(&mut row, rate / 6.0, wobble),
        _ => load(&mut row, rate, wobble),
    }
    row
}

fn makeup(style: Style) -> (u64, u64) {
    match style {
        Style::Main(_) | Style::Loop => (1, 1),
        Style::Each("child") => (6, 6),
        Style::Each(_) => (6, 1),
        Style::Pool("child", count) => (count as u64 + 1, count as u64 + 1),
        Style::Pool(_, count) => (count as u64 + 1, 1),
    }
}

/// Clients in the order in which they came, each served by the first lane that is free.
fn timeline(
    style: Style,
    clients: usize,
    (patience, length): (f64, f64),
    by_request: bool,
    wobble: f64,
) -> Timeline {
    let (name, lanes, most) = match style {
        Style::Main(most) => ("main", 1, most),
        Style::Each(name) => (name, clients.min(600), usize::MAX),
        Style::Pool(name, count) => (name, count, usize::MAX),
        Style::Loop => ("loop", if by_request { 1 } else { clients }, usize::MAX),
    };
    let mut free_at = vec![0.0; lanes];
    let mut slices: Vec<Vec<Slice>> = vec![Vec::new(); lanes];
    let mut lines = Vec::new();
    for client in 0..clients {
        let began = client as f64 * if clients > 100 { 0.1 } else { 0.3 };
        let lane =
            (0..lanes).min_by(|a, b| f64::total_cmp(&free_at[*a], &free_at[*b])).expect("at least one lane");
        let start = f64::max(began + 0.2 + wobble / 4.0, free_at[lane]);
        let due = if by_request { start + length } else { start };
        let name = format!("client-{}", client + 1);
        let refused = client >= most;
        let served = due <= began + patience && !refused;
        let gone = if refused { began + 1.0 } else { began + patience };
        let (served_ms, ended_ms) = if served { (Some(due), start + length) } else { (None, gone) };
        let outcome = if refused {
            ClientOutcome::Refused
        } else if served {
            ClientOutcome::Served
        } else {
            ClientOutcome::GaveUp
        };
        lines.push(ClientLine { name, began_ms: began, served_ms, ended_ms, outcome });
        // A server learns only by reading that a client has left: a request in its queue is handled all the same.
        if served || (by_request && !refused) {
            free_at[lane] = start + length;
            let what = if by_request { SliceKind::Request } else { SliceKind::Connection };
            slices[lane].push(Slice { from_ms: start, to_ms: start + length, what, client: Some(client) });
        }
    }
    let ends = slices.iter().flatten().map(|slice| slice.to_ms).chain(lines.iter().map(|line| line.ended_ms));
    let length_ms = ends.fold(0.0, f64::max) + 1.0;
    let lanes = if style == Style::Loop {
        let mut all: Vec<Slice> = slices.into_iter().flatten().collect();
        let turns = all.iter().flat_map(|slice| [slice.from_ms, slice.to_ms]).map(|at| Slice {
            from_ms: at,
            to_ms: at + 0.05,
            what: SliceKind::Turn,
            client: None,
        });
        let turns: Vec<Slice> = turns.collect();
        all.extend(turns);
        vec![Lane { name: name.into(), slices: all }]
    } else {
        let named = slices.into_iter().enumerate();
        named
            .map(|(index, slices)| Lane {
                name: match name {
                    "main" => name.into(),
                    "child" => format!("child-{} (pid {})", index + 1, 4711 + index),
                    _ => format!("{name}-{}", index + 1),
                },
                slices,
            })
            .collect()
    };
    Timeline { length_ms, clients: lines, lanes }
}

fn timed(row: &mut Row, timeline: Timeline, wobble: f64) {
    let count = |fate| timeline.clients.iter().filter(|client| client.outcome == fate).count() as u64;
    row.clients = timeline.clients.len() as u64;
    (row.served, row.gave_up, row.refused) =
        (count(ClientOutcome::Served), count(ClientOutcome::GaveUp), count(ClientOutcome::Refused));
    row.requests = row.served;
    row.throughput_per_s = row.served as f64 / timeline.length_ms * 1000.0;
    let mut waits: Vec<f64> =
        timeline.clients.iter().filter_map(|client| Some(client.served_ms? - client.began_ms)).collect();
    waits.sort_by(f64::total_cmp);
    let at = |share: f64| waits[((waits.len() - 1) as f64 * share) as usize];
    if !waits.is_empty() {
        let wait = Percentiles { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1.0) };
        row.spread.wait_p50_ms = Some((wait.p50 * (0.85 - wobble / 9.0), wait.p50 * 1.2));
        row.wait_ms = Some(wait);
    }
    row.spread.served = Some((row.served as f64, row.served as f64));
    row.timeline = Some(timeline);
}

fn load(row: &mut Row, rate: f64, wobble: f64) {
    row.clients = 50;
    row.served = 50;
    row.requests = (rate * 2.0) as u64;
    row.throughput_per_s = rate;
    row.server.cpu_ms = 1400.0 + 500.0 * wobble;
    row.server.context_switches = (row.requests as f64 * (row.server.threads as f64).ln() * 0.8) as u64 + 900;
    let middle = 50.0 / rate * 1e6;
    let us = |percentile: f64| {
        let nines = -(1.0 - percentile.min(99.995) / 100.0).log10();
        middle
            * (0.35
                + 0.65 * (nines / 0.301).min(1.0)
                + (0.08 + wobble * 0.3) * nines.powf(1.0 + wobble * 1.6))
    };
    let steps = [0.0, 10.0, 25.0, 50.0, 75.0, 90.0, 95.0, 98.0, 99.0, 99.5, 99.9, 99.95, 99.99, 100.0];
    row.latency_curve = steps.map(|percentile| (percentile, us(percentile))).into();
    row.latency_us = Some(Percentiles { p50: us(50.0), p90: us(90.0), p99: us(99.0), max: us(100.0) });
    let around = |value: f64| Some((value * (0.94 - wobble / 20.0), value * (1.03 + wobble / 30.0)));
    row.spread = Spreads {
        throughput_per_s: around(rate),
        latency_p50_us: around(middle),
        latency_p99_us: around(us(99.0)),
        cpu_ms: around(row.server.cpu_ms),
        served: Some((50.0, 50.0)),
        ..Spreads::default()
    };
}
