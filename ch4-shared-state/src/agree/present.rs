//! The run, for the terminal.

use std::fmt::Write;
use std::time::Duration;

use common::support::cli::human;

use super::args::AgreeArgs;
use super::check::Verdict;
use super::node::{Event, Node};

/// The table, and what it comes to.
pub fn table(args: &AgreeArgs, seed: u64, nodes: &[Node], verdict: &Verdict) -> String {
    let carrier = if args.virtual_time { "virtual time" } else { "UDP" };
    let mut text = format!(
        "Nodes: {}, turns for each: {}. Link: {carrier}, delay {}, jitter {}, loss {}%. Seed: {seed}\n\n",
        args.nodes,
        args.rounds,
        human(args.delay),
        human(args.jitter),
        (args.loss * 1000.0).round() / 10.0,
    );
    let _ = writeln!(
        text,
        "  {:>4}  {:>8}  {:>11}  {:>11}  {:>11}",
        "node", "stamp", "wanted it", "had it from", "to"
    );
    for (place, turn) in verdict.turns.iter().enumerate() {
        let note = match turn.to {
            _ if verdict.at_once.contains(&place) => "   another has it, too",
            _ if verdict.out_of_order.contains(&place) => "   its stamp is smaller than one before",
            None if args.dies == Some(turn.stamp.node) => "   dies with the pen in its hand",
            _ => "",
        };
        let _ = writeln!(
            text,
            "  {:>4}  {:>8}  {:>11}  {:>11}  {:>11}{note}",
            turn.stamp.node,
            format!("({}, {})", turn.stamp.time, turn.stamp.node),
            milliseconds(turn.wanted),
            milliseconds(turn.from),
            turn.to.map_or("-".into(), milliseconds),
        );
    }
    for (id, node) in nodes.iter().enumerate() {
        for (at, event) in &node.events {
            if let Event::Suspects(other) = event {
                let _ = writeln!(text, "  {id:>4}  takes node {other} for dead, {}", milliseconds(*at));
            }
        }
    }
    let sent =
        |node: &Node| node.events.iter().filter(|(_, event)| matches!(event, Event::Sent { .. })).count();
    let (messages, turns) = (nodes.iter().map(sent).sum::<usize>(), verdict.turns.len());
    let datagrams: u64 = nodes.iter().map(Node::datagrams).sum();
    let _ = writeln!(
        text,
        "\nTurns: {turns}. Messages for each: {:.1}, with those sent again; without loss 2(n - 1) = {}. Datagrams with acknowledgements: {datagrams}.",
        messages as f64 / turns.max(1) as f64,
        2 * (args.nodes - 1),
    );
    let _ = writeln!(
        text,
        "Two had the pen at once: {}. Not in the order of the stamps: {}.",
        times(verdict.at_once.len()),
        times(verdict.out_of_order.len())
    );
    for (node, missing) in &verdict.blocked {
        let missing: Vec<String> = missing.iter().map(usize::to_string).collect();
        let nodes = if missing.len() == 1 { "node" } else { "nodes" };
        let _ = writeln!(
            text,
            "Node {node} waits for {nodes} {} when {} are over.",
            missing.join(", "),
            human(args.time)
        );
    }
    text
}

fn times(count: usize) -> String {
    match count {
        0 => "never".into(),
        1 => "once".into(),
        _ => format!("{count} times"),
    }
}

/// For the eye.
pub fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}
