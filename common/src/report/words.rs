//! The figures of a model as two or three sentences that say why it looks as it does.
//!
//! A pure function from a row and those it is compared with. It says only what the figures show: counts, ratios to the
//! median of the other models, and, where there is a timeline, what was seen at the same time. It knows no model by name.

use super::bars::cpu_per_request_us;
use super::data::{ClientOutcome, Row, Timeline};
use super::lanes::{in_vain, most_at_once, service_of};
use super::number::{counted, grouped, micros, millis, short};
use super::workload::Workload;
use crate::support::statistics::median;

/// What this row shows, compared with `others`: the other measured rows of its scenario.
pub(super) fn words(row: &Row, others: &[&Row]) -> String {
    if let Some(reason) = &row.skipped {
        return format!("Not run here: {reason}.");
    }
    let workload = Workload::of(&row.scenario);
    let sentences = match workload {
        Workload::Stay | Workload::Heavy => {
            vec![outcome(row, workload), wait(row, others), vain(row), makeup(row, others)]
        }
        Workload::Crowd => {
            vec![outcome(row, workload), wait(row, others), makeup(row, others), per_client(row)]
        }
        Workload::Throughput => {
            vec![losses(row), rate(row, others), cost(row, others), tail(row, others), makeup(row, others)]
        }
    };
    sentences.into_iter().filter(|sentence| !sentence.is_empty()).collect::<Vec<_>>().join(" ")
}

/// How many were served, how, and what became of the rest.
fn outcome(row: &Row, workload: Workload) -> String {
    let by_request = workload == Workload::Heavy;
    let mut text = match row.served {
        0 => format!("Served none of {}", grouped(row.clients as f64)),
        1 if row.clients == 1 => "Served the one client".into(),
        all if all == row.clients => format!("Served all {}", grouped(all as f64)),
        some => format!("Served {} of {}", grouped(some as f64), grouped(row.clients as f64)),
    };
    if row.served > 1
        && let Some(timeline) = &row.timeline
    {
        match most_at_once(timeline, by_request) {
            0 => {}
            1 => text += " one after another",
            all if all as u64 >= row.clients => text += &format!(", all at the same time{}", lanes(timeline)),
            some => {
                text += &format!(", at most {} at the same time{}", grouped(some as f64), lanes(timeline));
            }
        }
    }
    let mut parts: Vec<String> = Vec::new();
    let held = service_length(row, by_request);
    if let Some(held) = held.filter(|_| row.served > 0) {
        let what = if by_request { "each request was handled for" } else { "each client held it for" };
        parts.push(format!("{what} {}", millis(held)));
    }
    if row.gave_up > 0 {
        parts.push(left(row));
    }
    parts.extend(failed(row));
    if parts.is_empty() { text + "." } else { format!("{text}: {}.", parts.join("; ")) }
}

/// What became of the clients that did not leave by themselves.
fn failed(row: &Row) -> impl Iterator<Item = String> {
    let said = |count: u64, what: &str| format!("{} {} {what}", grouped(count as f64), were(count));
    let parts = [(row.refused, "refused"), (row.lost, "lost"), (row.wrong, "given wrong bytes")];
    parts.into_iter().filter(|(count, _)| *count > 0).map(move |(count, what)| said(count, what))
}

/// In how many lanes of the server that was, where the timeline has lanes.
fn lanes(timeline: &Timeline) -> String {
    let busy: Vec<_> = timeline.lanes.iter().filter(|lane| !lane.slices.is_empty()).collect();
    match busy.as_slice() {
        [] => String::new(),
        [lane] => format!(" in one lane ({})", lane.name),
        several => format!(" in {} lanes", grouped(several.len() as f64)),
    }
}

/// Who left unserved and after how long, as far as the timeline shows it.
fn left(row: &Row) -> String {
    let gone: Vec<_> = row
        .timeline
        .iter()
        .flat_map(|timeline| &timeline.clients)
        .filter(|client| client.outcome == ClientOutcome::GaveUp)
        .collect();
    let waits = gone.iter().map(|client| client.ended_ms - client.began_ms);
    let (low, high) = (waits.clone().fold(f64::INFINITY, f64::min), waits.fold(0.0, f64::max));
    match gone.as_slice() {
        [client] if row.gave_up == 1 => format!("{} waited {} and left", client.name, millis(high)),
        several if several.len() as u64 == row.gave_up && millis(low) == millis(high) => {
            format!("{} waited {} each and left", grouped(row.gave_up as f64), millis(high))
        }
        several if several.len() as u64 == row.gave_up => {
            format!("{} waited {} to {} and left", grouped(row.gave_up as f64), millis(low), millis(high))
        }
        _ => format!("{} gave up waiting", grouped(row.gave_up as f64)),
    }
}

/// The median time that a served client was in service.
fn service_length(row: &Row, by_request: bool) -> Option<f64> {
    let timeline = row.timeline.as_ref()?;
    let served =
        (0..timeline.clients.len()).filter(|&index| timeline.clients[index].outcome == ClientOutcome::Served);
    median(served.filter_map(|index| {
        let spans = service_of(timeline, index, by_request);
        (!spans.is_empty()).then(|| spans.iter().map(|span| span.1 - span.0).sum())
    }))
}

fn wait(row: &Row, others: &[&Row]) -> String {
    let Some(wait) = row.wait_ms else { return String::new() };
    let usual = beside(others, |other| other.wait_ms.map(|wait| wait.p50), millis);
    format!(
        "Half of those served waited at most {}{usual}, the longest {}.",
        millis(wait.p50),
        millis(wait.max)
    )
}

fn vain(row: &Row) -> String {
    match row.timeline.as_ref().map(in_vain) {
        Some(ms) if ms >= 1.0 => {
            format!("{} of its work was for clients who had already left.", millis(ms))
        }
        _ => String::new(),
    }
}

/// Threads, processes and memory at the most.
fn makeup(row: &Row, others: &[&Row]) -> String {
    let (threads, processes) = (row.server.threads, row.server.processes);
    let text = match (threads, processes) {
        (0, _) | (_, 0) => return String::new(),
        (1, 1) => "All of it by 1 thread in 1 process".into(),
        (threads, 1) => format!("It had {} threads in 1 process", grouped(threads as f64)),
        (threads, processes) if threads == processes => {
            format!("It had {} processes of 1 thread each", grouped(processes as f64))
        }
        (threads, processes) => {
            format!("It had {} threads in {} processes", grouped(threads as f64), grouped(processes as f64))
        }
    };
    let mib = |row: &Row| (row.server.peak_rss_kib > 0).then_some(row.server.peak_rss_kib as f64 / 1024.0);
    match mib(row) {
        Some(mine) => {
            format!("{text}, and at most {} MiB of memory{}.", short(mine), beside(others, mib, short))
        }
        None => text + ".",
    }
}

/// What a client more costs in memory, where there are thousands.
fn per_client(row: &Row) -> String {
    if row.clients == 0 || row.server.peak_rss_kib == 0 {
        return String::new();
    }
    let share = row.server.peak_rss_kib as f64 / row.clients as f64;
    format!("That is {} KiB for each client that came.", short(share))
}

fn losses(row: &Row) -> String {
    let lost = row.clients.saturating_sub(row.served);
    if lost == 0 {
        return String::new();
    }
    let mut parts = Vec::new();
    if row.gave_up > 0 {
        parts.push(format!("{} gave up", grouped(row.gave_up as f64)));
    }
    parts.extend(failed(row));
    let why = if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) };
    format!("Served {} of {}{why}.", grouped(row.served as f64), counted(row.clients, "client"))
}

fn rate(row: &Row, others: &[&Row]) -> String {
    let mine = format!("{} requests/s", short(row.throughput_per_s));
    match compared(row.throughput_per_s, others, |other| Some(other.throughput_per_s)) {
        None => format!("{mine}."),
        Some((ratio, usual)) => format!("{mine}, {} the others’ median of {}.", times(ratio), short(usual)),
    }
}

/// CPU and switches per request, and how much of a processor that kept busy.
fn cost(row: &Row, others: &[&Row]) -> String {
    let Some(cpu) = cpu_per_request_us(row) else { return String::new() };
    let switches =
        |row: &Row| (row.requests > 0).then(|| row.server.context_switches as f64 / row.requests as f64);
    let mut text =
        format!("Each request cost {} of CPU{}", micros(cpu), beside(others, cpu_per_request_us, micros));
    if let Some(mine) = switches(row) {
        text += &format!(" and {} context switches{}", short(mine), beside(others, switches, short));
    }
    text.push('.');
    let cpu_ratio = compared(cpu, others, cpu_per_request_us);
    // Slow, yet not dear: then the processor was not what it lacked, and its share of a core shows it.
    let slow = compared(row.throughput_per_s, others, |other| Some(other.throughput_per_s));
    if let (Some((rate, _)), Some((ratio, _))) = (slow, cpu_ratio)
        && Workload::of(&row.scenario) == Workload::Throughput
        && rate < 0.8
        && ratio < 1.1
    {
        let cores = |row: &Row| cpu_per_request_us(row).map(|cpu| cpu * row.throughput_per_s / 1e6);
        text += &format!(
            " At its rate that keeps {} of a core busy{}: it was slower without costing more.",
            short(cores(row).unwrap_or_default()),
            beside(others, cores, short)
        );
    }
    text
}

/// How far the slow answers are from the usual ones, where that is not as it is with the others.
fn tail(row: &Row, others: &[&Row]) -> String {
    let Some(latency) = row.latency_us.filter(|latency| latency.p50 > 0.0) else { return String::new() };
    let stretch = |row: &Row| {
        row.latency_us.filter(|latency| latency.p50 > 0.0).map(|latency| latency.p99 / latency.p50)
    };
    let mine = latency.p99 / latency.p50;
    if compared(mine, others, stretch).is_some_and(|(ratio, _)| (0.75..=1.33).contains(&ratio)) {
        return String::new();
    }
    format!(
        "Of 100 answers 99 came within {}, {} times the median latency{}; the slowest took {}.",
        micros(latency.p99),
        short(mine),
        beside(others, stretch, short),
        micros(latency.max)
    )
}

/// The median of the others in brackets; nothing where they have none.
fn beside(others: &[&Row], figure: impl Fn(&Row) -> Option<f64>, written: fn(f64) -> String) -> String {
    let usual = median(others.iter().filter_map(|other| figure(other)));
    usual.map_or(String::new(), |usual| format!(" (others {})", written(usual)))
}

/// The ratio to the median of the others, and that median; `None` where there is nothing to compare with.
fn compared(mine: f64, others: &[&Row], figure: impl Fn(&Row) -> Option<f64>) -> Option<(f64, f64)> {
    let usual = median(others.iter().filter_map(|other| figure(other)))?;
    (usual > 0.0 && mine > 0.0).then_some((mine / usual, usual))
}

fn times(ratio: f64) -> String {
    match ratio {
        _ if (0.9..=1.1).contains(&ratio) => "about".into(),
        _ => format!("{} times", short((ratio * 100.0).round() / 100.0)),
    }
}

fn were(count: u64) -> &'static str {
    if count == 1 { "was" } else { "were" }
}

#[cfg(test)]
mod tests;
