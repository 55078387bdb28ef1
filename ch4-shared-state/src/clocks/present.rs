//! What was found, for the terminal.

use std::fmt::Write;

use common::support::cli::human;
use common::support::count::count;

use super::args::ClocksArgs;
use super::clock::Nanos;
use super::experiment::{FAR_OFF, Found, Row};

/// The tables.
pub fn table(args: &ClocksArgs, seed: u64, found: &Found) -> String {
    let time = if args.virtual_time { "virtual time" } else { "UDP" };
    let mut text = format!(
        "Clocks: {}, off by up to {}, drift up to {} ppm. Link: {time}, delay {}, jitter {}, answers {} longer, loss {}%. Seed: {seed}\n",
        args.nodes,
        human(args.offset),
        args.drift,
        human(args.delay),
        human(args.jitter),
        human(args.delay_down),
        (args.loss * 1000.0).round() / 10.0,
    );
    text += "\nCristian: one exchange, half its round trip is added\n";
    text += &rows(&found.cristian);
    let _ = writeln!(text, "\nNTP: four readings, the best of {}", count(args.samples, "exchange"));
    text += &rows(&found.ntp);
    let berkeley = &found.berkeley;
    let far_off = if args.nodes > 2 {
        format!("; before it begins, node {} is put {} ahead", args.nodes, human(FAR_OFF * args.offset))
    } else {
        String::new()
    };
    let _ = writeln!(
        text,
        "\nBerkeley: the mean of {} clocks{far_off}\n  furthest apart before {}, after {}, claimed bound {}",
        args.nodes + 1,
        milliseconds(berkeley.before),
        milliseconds(berkeley.after),
        milliseconds(berkeley.bound),
    );
    let was_is =
        berkeley.clocks.iter().map(|(was, is)| format!("{} → {}", milliseconds(*was), milliseconds(*is)));
    for (node, was_is) in was_is.enumerate() {
        let who = if node == 0 { "coordinator".into() } else { format!("node {node}") };
        let note = if berkeley.left_out.contains(&node) {
            "   far off: set, and not counted in the mean"
        } else {
            ""
        };
        let note = if berkeley.silent.contains(&node) { "   has not answered" } else { note };
        let _ = writeln!(text, "  {who:<12} off the true time: {was_is}{note}");
    }
    if !args.delay_down.is_zero() {
        let _ = writeln!(
            text,
            "\nAnswers take {} longer than requests. Half of that, {}, is in every estimate: the readings are those of a\nnetwork with equal ways and a clock that is {} other. No algorithm can see it.",
            human(args.delay_down),
            human(args.delay_down / 2),
            human(args.delay_down / 2),
        );
    }
    text
}

fn rows(rows: &[Row]) -> String {
    let mut text = format!(
        "  {:>4} {:>14} {:>13} {:>14} {:>16}\n",
        "node", "clock is off", "true error", "claimed bound", "(up - down) / 2"
    );
    for row in rows {
        let off = milliseconds(row.clock.offset);
        let _ = match (row.estimate, row.error, row.half_difference) {
            (Some(estimate), Some(error), Some(half)) => writeln!(
                text,
                "  {:>4} {off:>14} {:>13} {:>14} {:>16}{}",
                row.node,
                milliseconds(error),
                milliseconds(estimate.bound),
                milliseconds(half),
                if error.abs() > estimate.bound { "   beyond the bound" } else { "" },
            ),
            _ => writeln!(text, "  {:>4} {off:>14}   no answer came", row.node),
        };
    }
    text
}

/// For the eye.
pub fn milliseconds(time: Nanos) -> String {
    format!("{:.3} ms", time as f64 / 1e6)
}
