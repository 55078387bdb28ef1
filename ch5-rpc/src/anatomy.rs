//! Anatomy of a call: one remote call for real, taken apart. Row 5.3; notes, chapter 5, "How Does it Work?" and "Programming RPC".
//!
//! ```text
//!   exchange ─► over_tarpc, over_xmlrpc, by_hand     one call between two threads over TCP, recorded (record, tap)
//!      │
//!      ▼
//!   describe ─► steps    the eleven steps and their times
//!            ─► fields   request and response, byte by byte
//!            ─► forms    one value in memory, in bincode, in network order, in XML
//!      │
//!      ▼
//!   text, json, page     the same for a terminal, for a program, for a browser
//!
//!   interface            --interface: from the IDL to the stub and the skeleton
//! ```
//!
//! | module | what it is |
//! |---|---|
//! | `idl`, `procedures` | a board of four procedures: its interface, and what is called |
//! | `by_hand` | a stub and a skeleton to read: what the RPC compiler would write |
//! | `over_tarpc`, `over_xmlrpc` | the same call with a stub made by a macro, and in XML over HTTP |

pub mod by_hand;
pub mod describe;
pub mod exchange;
pub mod fields;
pub mod forms;
pub mod idl;
pub mod interface;
mod json;
pub mod over_tarpc;
pub mod over_xmlrpc;
mod page;
mod picture;
pub mod plan;
pub mod procedures;
pub mod record;
pub mod steps;
pub mod tap;
mod text;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use common::support::cli::{stdout, writable};
use common::support::size;

use describe::Anatomy;
use plan::Transport;

const EXAMPLES: &str = "\
Step 2, the send, lies beside step 3, the network: while the kernel still copies, the first bytes
are on their way, and with a long text the server already reads. So step 3 begins together with
step 2. All other steps follow each other.

Examples:
  cargo ch5 anatomy                                      one call over tarpc
  cargo ch5 anatomy --transport tarpc,xmlrpc,hand        three ways, and their steps side by side
  cargo ch5 anatomy --size 200k                          a message in several parts
  cargo ch5 anatomy --report call.html --json call.json  as a picture, and for a program
  cargo ch5 anatomy --interface                          interface, stub, skeleton, and a change";

/// Anatomy of a call: its eleven steps, their times, and every byte of request and response
///
/// Calls `publish(text)` for real: two threads, and a TCP connection over the loopback between them. Ten calls before it warm the
/// program up. Every step is measured with the monotonic clock, and every byte that was read off the wire is explained.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct AnatomyArgs {
    /// How the call travels; several are set side by side
    #[arg(long, value_name = "HOW,…", value_delimiter = ',', default_value = "tarpc")]
    transport: Vec<Transport>,
    /// The text that is published
    #[arg(long, value_name = "TEXT", default_value = "hello")]
    text: String,
    /// A text of so many bytes instead: at most 4 MB
    #[arg(long, value_name = "BYTES", value_parser = text_size, conflicts_with = "text")]
    size: Option<usize>,
    /// Write the pictures to this file, as one HTML page
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Write all of it to this file, as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Show the interface instead: the IDL, what the macro makes of it, a stub and a skeleton by hand, and a change
    #[arg(long, conflicts_with_all = ["transport", "text", "size", "report", "json"])]
    interface: bool,
}

/// The longest text, bytes: it has to fit into a frame of 8 MiB, and XML makes it longer.
const LONGEST: usize = 4_000_000;

fn text_size(text: &str) -> Result<usize, String> {
    match size::in_memory(text)? {
        bytes if bytes > LONGEST => Err("at most 4 MB".into()),
        bytes => Ok(bytes),
    }
}

/// Takes a call apart.
///
/// # Errors
/// What the system refused, a text that cannot be sent, or a file that cannot be written.
pub fn run(args: &AnatomyArgs) -> anyhow::Result<ExitCode> {
    writable(args.report.iter().chain(&args.json))?;
    let mut out = stdout();
    if args.interface {
        interface::print(&mut out)?;
        return Ok(ExitCode::SUCCESS);
    }
    let text = args.size.map_or_else(|| args.text.clone(), some_text);
    anyhow::ensure!(text.len() <= LONGEST, "the text is longer than 4 MB");
    let mut calls = Vec::new();
    for transport in &args.transport {
        let call = Anatomy::of(*transport, &text).with_context(|| format!("over {}", transport.name()))?;
        if !calls.is_empty() {
            writeln!(out)?;
        }
        text::print(&mut out, &call)?;
        calls.push(call);
    }
    if calls.len() > 1 {
        text::compare(&mut out, &calls)?;
    }
    let forms = forms::forms(&text)?;
    text::forms(&mut out, &forms)?;
    if let Some(path) = &args.json {
        std::fs::write(path, json::json(&calls, &forms))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    if let Some(path) = &args.report {
        std::fs::write(path, page::html(&calls, &forms, &command(args)))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// How to repeat it.
fn command(args: &AnatomyArgs) -> String {
    let transports: Vec<&str> = args.transport.iter().map(|transport| transport.name()).collect();
    let text = match args.size {
        Some(size) => format!("--size {size}"),
        None => format!("--text {:?}", args.text),
    };
    format!("cargo ch5 anatomy --transport {} {text}", transports.join(","))
}

/// A text of so many bytes.
fn some_text(size: usize) -> String {
    "abcdefghijklmnopqrstuvwxyz".chars().cycle().take(size).collect()
}
