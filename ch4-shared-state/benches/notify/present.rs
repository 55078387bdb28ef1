//! What is printed and written: a table per part with ratios to redis in the same round, and the goals.

use std::io::{self, Write as _};

use common::bench::Spread;
use common::bench::table::Table;
use common::bench::undisturbed::FOREIGN_LIMIT;

use super::args::Args;
use super::contest::{HALF_LOAD_TIMES, Part, Results, Sample};

/// From this fraction of a processor on, it is the clients that were measured.
const GENERATOR_BOUND: f64 = 0.9;

type Value = fn(&Sample) -> Option<f64>;

const PER_S: Value = |sample| Some(sample.outcome.per_s);
const P50: Value = |sample| sample.outcome.latency_us.map(|latency| latency.p50);
const P99: Value = |sample| sample.outcome.latency_us.map(|latency| latency.p99);
const MAX: Value = |sample| sample.outcome.latency_us.map(|latency| latency.max);
const CPU: Value = |sample| sample.outcome.server.map(|server| server.cpu_us);
const RSS: Value = |sample| sample.outcome.server.map(|server| server.rss_mib);

/// Prints the tables, and writes the files that were asked for.
///
/// # Errors
/// A file that cannot be written.
pub fn present(results: &Results, args: &Args) -> anyhow::Result<()> {
    let text = markdown(results);
    io::stdout().lock().write_all(text.as_bytes())?;
    args.measure.write(&text, results)
}

fn markdown(results: &Results) -> String {
    let mut text = format!(
        "{}; {}. {} rounds of {} s, seed {}.\n\nPeer: {}.\n\n",
        results.machine, results.pinning, results.rounds, results.time_s, results.seed, results.redis
    );
    let half_load = format!(
        "Open loop at half of what redis reached, for {:.1} s a round: p99",
        results.time_s * f64::from(HALF_LOAD_TIMES)
    );
    for (part, about, value, better) in [
        (
            Part::Throughput,
            "Closed loop, 128 bytes to 100 subscribers: deliveries/s",
            PER_S,
            "more is better",
        ),
        (Part::HalfLoad, half_load.as_str(), P99, "less is better"),
        (Part::Calm, "Open loop, 50 000 deliveries/s: processor time of one", CPU, "less is better"),
        (Part::Crowd, "Idle crowd with two messages a second: resident MiB", RSS, "less is better"),
    ] {
        let ratio_head = format!("× redis ({better})");
        let head = ["", "deliveries/s", "p50 µs", "p99 µs", "max µs", "CPU µs each", "MiB", &ratio_head, ""];
        let mut cells = vec![head.map(str::to_owned).to_vec()];
        for who in names(results) {
            let cell = |value, digits: usize| {
                spread(results, part, &who, value)
                    .map_or("–".into(), |spread| format!("{:.digits$}", spread.median))
            };
            let ratio = ratio(results, (part, &who), (part, "redis"), value);
            cells.push(vec![
                who.clone(),
                cell(PER_S, 0),
                cell(P50, 0),
                cell(P99, 0),
                cell(MAX, 0),
                cell(CPU, 3),
                cell(RSS, 0),
                if who == "redis" { "1".into() } else { shown(ratio) },
                notes(results, part, &who).into(),
            ]);
        }
        let table = Table { title: about.into(), cells, left: vec![0, head.len() - 1], skipped: Vec::new() };
        text += &(table.markdown()
            + "
");
    }
    let mut cells = vec![vec![String::new(), "p99 beside it ÷ p99 without".into()]];
    for who in names(results).iter().filter(|who| *who != "redis") {
        cells.push(vec![who.clone(), shown(ratio(results, (Part::Stalled, who), (Part::Calm, who), P99))]);
    }
    let title = "One client that never reads".into();
    text += &Table { title, cells, left: vec![0], skipped: Vec::new() }.markdown();
    text + "\nRatios: the median over the rounds [lowest..highest], each of one round. g: the clients were busy for 90 % of the \
            time or more, and what was measured is mostly themselves. !: other programs took more than 5 % of the machine in \
            some round, and repeating did not help.\n"
}

/// The board's models in their order, then redis.
fn names(results: &Results) -> Vec<String> {
    let mut names: Vec<String> = results.samples.iter().map(|sample| sample.who.clone()).collect();
    names.sort();
    names.dedup();
    names
}

fn samples<'a>(results: &'a Results, part: Part, who: &'a str) -> impl Iterator<Item = &'a Sample> {
    results.samples.iter().filter(move |sample| sample.part == part && sample.who == who)
}

fn spread(results: &Results, part: Part, who: &str, value: Value) -> Option<Spread> {
    Spread::of(samples(results, part, who).filter_map(value))
}

/// Round by round.
fn ratio(results: &Results, own: (Part, &str), other: (Part, &str), value: Value) -> Option<Spread> {
    Spread::of_ratios(samples(results, own.0, own.1).filter_map(|sample| {
        let other = samples(results, other.0, other.1).find(|other| other.round == sample.round)?;
        Some((value(sample)?, value(other)?))
    }))
}

fn shown(ratio: Option<Spread>) -> String {
    ratio.map_or("–".into(), |ratio| ratio.to_string())
}

fn notes(results: &Results, part: Part, who: &str) -> &'static str {
    let bound = samples(results, part, who).any(|sample| sample.outcome.generator_busy >= GENERATOR_BOUND);
    let disturbed = samples(results, part, who).any(|sample| sample.foreign > FOREIGN_LIMIT);
    match (bound, disturbed) {
        (true, true) => "g !",
        (true, false) => "g",
        (false, true) => "!",
        (false, false) => "",
    }
}
