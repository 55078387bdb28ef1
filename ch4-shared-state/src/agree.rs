//! `agree`: who may draw next, decided by the drawers themselves. Notes, chapter 4: *collaborative coordination*.
//!
//! The whiteboard's two ways let everybody draw and decide afterwards which stroke stays. Here there is one pen, and no collision: who wants it
//! asks all the others, and has it when all have agreed (Ricart and Agrawala, 1981). The order is that of Lamport stamps.
//!
//! ```text
//!   node 0  ── wants ─ request (1,0) ──────────────────────┬─ draws ─┬──────────
//!                         ╲      ╲          reply ╱   ╱ reply         ╲ reply (1,2): only now
//!   node 1  ───────────────╲──────●──────────────╱───╱─────────────────╲────────
//!                           ╲                       ╱                   ╲
//!   node 2  ── wants ────────●─────────────────────●── (1,2) is greater  ●─ draws
//! ```
//!
//! | file | what it is |
//! |---|---|
//! | `args` | the arguments |
//! | `agreement` | the algorithm, sans-I/O: it believes that every message arrives once |
//! | `channel` | what makes that true over a lossy link, sans-I/O |
//! | `datagram` | the bytes |
//! | `node` | one drawer: the algorithm, its channels, when it wants to draw, and whom it takes for dead |
//! | `run` | all of them: in virtual time, or over UDP sockets through relays |
//! | `check` | whether two had the pen at once, and whether the order was that of the stamps |
//! | `present`, `picture` | the table, and the space-time diagram |

mod agreement;
mod args;
mod channel;
mod check;
mod datagram;
mod node;
mod picture;
mod present;
mod run;

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;
use common::support::cli::{stdout, writable};
use common::support::{interrupt, log};

pub use args::AgreeArgs;

/// All live nodes did not come to an end in time.
const BLOCKED: u8 = 3;

/// Runs the nodes.
///
/// # Errors
/// No socket, or a file that cannot be written.
pub fn run(args: &AgreeArgs) -> anyhow::Result<ExitCode> {
    interrupt::ends_at_once()?;
    writable(args.report.iter())?;
    if let Some(node) = args.dies
        && node >= args.nodes
    {
        anyhow::bail!("--dies {node}: the nodes are 0 to {}", args.nodes - 1);
    }
    let seed = args.seed.unwrap_or_else(rand::random);
    let nodes = args.make_nodes(seed);
    let nodes = if args.virtual_time {
        run::in_virtual_time(nodes, &args.profile(), seed, args.time)
    } else {
        run::over_udp(nodes, &args.profile(), seed, args.time)?
    };
    let verdict = check::check(&nodes);
    write!(stdout().lock(), "{}", present::table(args, seed, &nodes, &verdict))?;
    if let Some(file) = &args.report {
        let page = picture::page(&nodes, &verdict);
        std::fs::write(file, page).with_context(|| format!("cannot write {}", file.display()))?;
    }
    if !verdict.is_safe() {
        log::line("error: two had the pen at once, or the order was not that of the stamps");
        return Ok(ExitCode::FAILURE);
    }
    Ok(if verdict.blocked.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(BLOCKED) })
}

#[cfg(test)]
mod tests;
