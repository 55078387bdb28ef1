//! `group`: what each layer of group communication promises, seen: in virtual time, or with real members over IP multicast.

pub mod args;
mod member;
mod picture;
mod present;
pub mod scenario;

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;
use common::support::cli::{stdout, writable};
use common::support::{interrupt, log};

pub use args::GroupArgs;
use args::{GroupCommand, SimulateArgs};

use super::check;
use super::simulation::{Simulation, Trace};
use super::stack::Order;

/// Runs the command.
///
/// # Errors
/// No socket, no group to join, or a file that cannot be written.
pub fn run(args: &GroupArgs) -> anyhow::Result<ExitCode> {
    match &args.command {
        GroupCommand::Simulate(args) => simulate(args),
        GroupCommand::Member(args) => member::run(args),
    }
}

fn simulate(args: &SimulateArgs) -> anyhow::Result<ExitCode> {
    interrupt::ends_at_once()?;
    writable(args.report.iter())?;
    let seed = args.seed.unwrap_or_else(rand::random);
    let scenario = args.scenario(seed)?;
    let orders = args.order.map_or(Order::ALL.to_vec(), |order| vec![order]);
    let traces: Vec<(Order, Trace)> = orders
        .into_iter()
        .map(|order| {
            let simulation = Simulation::new(order, args.policy, args.profile(), seed);
            (order, simulation.run(&scenario.actions, scenario.end))
        })
        .collect();
    let mut out = stdout().lock();
    write!(out, "{}", present::head(args, seed))?;
    match &traces[..] {
        [(order, trace)] => write!(out, "{}", present::one(*order, trace))?,
        traces => write!(out, "{}", present::table(traces))?,
    }
    if let Some(file) = &args.report {
        let page = picture::page(&traces, &scenario);
        std::fs::write(file, page).with_context(|| format!("cannot write {}", file.display()))?;
    }
    let mut is_kept = true;
    for (order, trace) in &traces {
        if let Err(violation) = check::all(trace, *order) {
            log::line(format!("error: {}: {violation}", present::name(*order)));
            is_kept = false;
        }
    }
    Ok(if is_kept { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
