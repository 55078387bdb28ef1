//! The figures, for people: a row for each, on the terminal or as Markdown; and for programs, as JSON.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::Context;
use serde::Serialize;

use super::outcome::{self, Latency, ServerUse};
use super::plan::{self, Plan};
use super::players;
use common::support::cli::{human, stdout};
use common::support::count::count;

/// A name and what is to be said of it.
type Row = (&'static str, String);

/// Prints the rows, and writes them and the figures to the files that are asked for.
pub fn present(
    rows: &[Row],
    figures: &impl Serialize,
    json: Option<&Path>,
    report: Option<&Path>,
) -> anyhow::Result<()> {
    let mut out = stdout().lock();
    for (name, value) in rows {
        writeln!(out, "{name:<22}{value}")?;
    }
    if let Some(path) = json {
        write(path, &(serde_json::to_string_pretty(figures)? + "\n"))?;
    }
    if let Some(path) = report {
        let lines: String = rows.iter().map(|(name, value)| format!("| {name} | {value} |\n")).collect();
        write(path, &format!("| | |\n|---|---|\n{lines}"))?;
    }
    Ok(())
}

/// Of the notification board.
pub fn of_the_board(plan: &Plan, outcome: &outcome::Outcome) -> Vec<Row> {
    let load = match plan.load {
        plan::Load::Window(window) => format!("closed loop, {window} on their way"),
        plan::Load::Rate(rate) => format!("open loop, {rate} messages/s"),
    };
    let unsent = match outcome.never_sent {
        0 => String::new(),
        count => format!("; {count} were due and never sent"),
    };
    let Plan { subscribers, publishers, stalled, .. } = plan;
    let mut rows = vec![
        (
            "clients",
            format!(
                "{}, {}, {stalled} stalled",
                count(*subscribers, "subscriber"),
                count(*publishers, "publisher")
            ),
        ),
        ("load", format!("{}, {load}, seed {}", count(plan.bytes, "byte"), plan.seed)),
        ("published", format!("{}{unsent}", outcome.published)),
        (
            "delivered",
            format!("{}, each once and in one order; {} missing", outcome.delivered_in_all, outcome.missing),
        ),
        ("deliveries/s", format!("{:.0}", outcome.per_s)),
    ];
    rows.extend(outcome.latency_us.map(latency));
    rows.extend(outcome.server.map(|used| server(used, "delivery")));
    rows.push(these_clients(outcome.generator_busy));
    rows
}

/// Of the guess-word game.
pub fn of_the_game(plan: &players::plan::Plan, outcome: &players::outcome::Outcome) -> Vec<Row> {
    let load = match plan.load {
        players::plan::Load::Think(think) if think.is_zero() => "closed loop, the next guess at once".into(),
        players::plan::Load::Think(think) => format!("closed loop, {} to think", human(think)),
        players::plan::Load::Rate(rate) => format!("open loop, {rate} guesses/s"),
    };
    let comings =
        if outcome.left == 0 { String::new() } else { format!(", {} left and came again", outcome.left) };
    let points = if outcome.points_compared { "the points add up" } else { "the points were not compared" };
    let mut rows = vec![
        ("players", format!("{}{comings}", plan.players)),
        ("load", format!("{load}, seed {}", plan.seed)),
        (
            "played",
            format!(
                "{}, {}, {} scored; {points}, {} missing",
                count(outcome.rounds_in_all, "round"),
                count(outcome.guesses, "guess"),
                outcome.scored,
                count(outcome.missing_answers, "answer")
            ),
        ),
        (
            "heard",
            format!("{}, in one order; {} missing", count(outcome.heard, "notice"), outcome.missing_notices),
        ),
        ("guesses/s", format!("{:.0}, answered", outcome.guesses_per_s)),
        ("notices/s", format!("{:.0}, delivered", outcome.notices_per_s)),
        ("rounds/s", format!("{:.0}", f64::from(outcome.rounds) / outcome.seconds.max(1e-9))),
    ];
    rows.extend(outcome.latency_us.map(latency));
    rows.extend(outcome.server.map(|used| server(used, "guess")));
    rows.push(these_clients(outcome.generator_busy));
    rows
}

fn latency(latency: Latency) -> Row {
    let Latency { p50, p99, p999, max } = latency;
    ("latency", format!("p50 {p50:.0}  p99 {p99:.0}  p99.9 {p999:.0}  max {max:.0} µs"))
}

fn server(used: ServerUse, per: &str) -> Row {
    let ServerUse { cpu_us, busy, rss_mib, pss_mib } = used;
    let busy = busy * 100.0;
    let memory = format!("{rss_mib:.0} MiB resident ({pss_mib:.0} MiB Pss)");
    ("server", format!("{cpu_us:.3} µs of a processor per {per}, {busy:.0} % busy; {memory}"))
}

fn these_clients(busy: f64) -> Row {
    ("these clients", format!("{:.0} % of a processor", busy * 100.0))
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
