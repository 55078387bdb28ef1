//! A run, for the terminal.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use clap::ValueEnum;
use common::support::count::count;

use super::args::SimulateArgs;
use crate::group::check;
use crate::group::simulation::{MessageName, Trace, What};
use crate::group::stack::Order;
use crate::group::{MemberId, Time};

/// Its name on the command line.
pub fn name(order: Order) -> String {
    order.to_possible_value().map_or(String::new(), |value| value.get_name().to_string())
}

/// What was asked for.
pub fn head(args: &SimulateArgs, seed: u64) -> String {
    format!(
        "{}, {}, {:.0}% of the datagrams lost. Seed: {seed}\n\n",
        count(args.members as usize, "member"),
        count(args.casts as usize, "message"),
        args.loss * 100.0,
    )
}

/// A line for each order: what it promises, what happened to be kept, and what it costs.
pub fn table(traces: &[(Order, Trace)]) -> String {
    type Check = fn(&Trace) -> Result<(), check::Violation>;
    let checks: [(&str, Check); 4] = [
        ("agreement", check::agreement),
        ("fifo", check::fifo),
        ("causal", check::causal),
        ("total", check::total),
    ];
    let mut text = format!("  {:<16}", "order");
    for (name, _) in checks {
        let _ = write!(text, "  {name:>9}");
    }
    let _ = writeln!(text, "  {:>9}  {:>12}  {:>9}", "datagrams", "until all", "longest");
    for (order, trace) in traces {
        let _ = write!(text, "  {:<16}", name(*order));
        for (_, check) in checks {
            let _ = write!(text, "  {:>9}", if check(trace).is_ok() { "kept" } else { "broken" });
        }
        let mut delays = delays(trace);
        delays.sort_unstable();
        let median = delays.get(delays.len() / 2).copied().unwrap_or_default();
        let longest = delays.last().copied().unwrap_or_default();
        let _ = writeln!(
            text,
            "  {:>9}  {:>12}  {:>9}",
            trace.datagrams,
            milliseconds(median),
            milliseconds(longest)
        );
    }
    text.push_str(
        "\nKept without being promised is luck: another seed breaks it. 'Until all' is the median of the times from a\n\
         message's sending to its last delivery. See one run: --order ORDER; see it drawn: --report FILE.\n",
    );
    text
}

/// From the sending of each message until the last member delivered it.
fn delays(trace: &Trace) -> Vec<Duration> {
    let mut cast: BTreeMap<MessageName, (Time, Time)> = BTreeMap::new();
    for event in &trace.events {
        match event.what {
            What::Cast(name) => {
                cast.insert(name, (event.at, event.at));
            }
            What::Deliver(name) => {
                if let Some((_, last)) = cast.get_mut(&name) {
                    *last = event.at;
                }
            }
            _ => {}
        }
    }
    cast.into_values().map(|(first, last)| last - first).collect()
}

/// One run: views and messages, member by member.
pub fn one(order: Order, trace: &Trace) -> String {
    let mut lines: BTreeMap<MemberId, Vec<String>> = BTreeMap::new();
    for event in &trace.events {
        let line = lines.entry(event.member).or_default();
        match &event.what {
            What::Deliver(name) => line.push(message(*name)),
            What::View(view) => {
                let members: Vec<String> = view.members.iter().map(MemberId::to_string).collect();
                let mark = if view.is_primary { "" } else { ", not primary" };
                line.push(format!("\n      view {} {{{}}}{mark} ", view.id.number, members.join(" ")));
            }
            What::Crash => line.push("\n      dies".to_string()),
            What::Excluded => line.push("\n      is excluded, and comes back with a new name".to_string()),
            What::Cast(_) => {}
        }
    }
    let mut text = format!(
        "What each member delivered, in this order ({}); m2.3 is the third message of m2:\n",
        name(order)
    );
    for (member, line) in lines {
        let _ = writeln!(text, "  {member}{}", line.join(" "));
    }
    let kept = check::all(trace, order).map_or_else(|violation| violation, |()| "kept".to_string());
    let _ = writeln!(text, "\nWhat {} promises: {kept}. Datagrams: {}.", name(order), trace.datagrams);
    text
}

/// For the eye.
pub fn message((member, number): MessageName) -> String {
    format!("{member}.{number}")
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}
