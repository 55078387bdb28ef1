//! `clocks`: what synchronising clocks over a bad network can do, and what it cannot. Notes, chapter 4: *synchronization of physical
//! clocks*.
//!
//! ```text
//!   a node's clock = real time + offset + drift · real time        seeded; the experiment knows it, the algorithms do not
//!
//!   asker    t1 ────────╲                      ╱──────── t4
//!                        ╲ up                 ╱ down            over UDP through the lossy link
//!   answerer              t2 ── works ── t3 ─╱
//! ```
//!
//! The algorithms are functions of these four readings; asking again when an answer is lost is the asker's work.
//!
//! | file | what it is |
//! |---|---|
//! | `args` | the arguments |
//! | `clock` | a clock with an offset and a drift |
//! | `wire` | the datagrams |
//! | `asker`, `answerer` | the two ends of an exchange, sans-I/O |
//! | `cristian`, `ntp`, `berkeley` | the algorithms |
//! | `link` | both ends joined: in virtual time, and over UDP sockets through a relay |
//! | `experiment` | all three, one after the other, and how wrong each is |
//! | `present`, `picture` | the table, and the page |

mod answerer;
mod args;
mod asker;
mod berkeley;
mod clock;
mod cristian;
mod experiment;
mod link;
mod ntp;
mod picture;
mod present;
mod wire;

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;
use common::support::cli::{stdout, writable};
use common::support::interrupt;

pub use args::ClocksArgs;
use link::{UdpLink, VirtualLink};

/// Runs the three algorithms.
///
/// # Errors
/// No socket, or a file that cannot be written.
pub fn run(args: &ClocksArgs) -> anyhow::Result<ExitCode> {
    interrupt::ends_at_once()?;
    writable(args.report.iter().chain(&args.json))?;
    let seed = args.seed.unwrap_or_else(rand::random);
    let profile = args.profile();
    let found = if args.virtual_time {
        experiment::run(args, seed, &mut VirtualLink::new(profile, seed))
    } else {
        experiment::run(args, seed, &mut UdpLink::new(profile, seed))
    }?;
    write!(stdout().lock(), "{}", present::table(args, seed, &found))?;
    if let Some(file) = &args.json {
        let json = serde_json::to_string_pretty(&found)? + "\n";
        std::fs::write(file, json).with_context(|| format!("cannot write {}", file.display()))?;
    }
    if let Some(file) = &args.report {
        let page = picture::page(&found);
        std::fs::write(file, page).with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests;
