//! `cargo ch5 semantics call`: one call by hand, and what its caller may know afterwards.

use std::io::Write;
use std::net::{SocketAddr, ToSocketAddrs};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::{ArgGroup, Args};
use common::support::cli::{duration_within, stdout};
use common::support::interrupt;

use super::client::ClientConfig;
use super::outcome::Outcome;
use super::promise::Semantics;
use super::publish::Method;
use super::socket::{SocketCaller, interrupted};

/// The exit status when it is not known whether the call was run.
pub const UNKNOWN: u8 = 3;

/// The arguments of `semantics call`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").args(["message", "count", "length"]).required(true), after_help = "Examples:
  cargo ch5 semantics call -m 'Hello world!'                       at most once
  cargo ch5 semantics call -m 'Hello world!' --semantics maybe
  cargo ch5 semantics call --count 'Hello world!'                  how often is it on the board?
Status: 0 done, 1 not done, 3 unknown: it was run, or it was not.")]
pub struct CallArgs {
    /// Where the server is
    #[arg(short = 'H', long, default_value = "127.0.0.1")]
    host: String,
    /// The server's port, or that of a link before it
    #[arg(short, long, default_value_t = 7777)]
    port: u16,
    /// Publish this text
    #[arg(short, long, value_name = "TEXT")]
    message: Option<String>,
    /// Ask how often this text is on the board
    #[arg(long, value_name = "TEXT")]
    count: Option<String>,
    /// Ask how many texts there are
    #[arg(long)]
    length: bool,
    /// What is promised
    #[arg(long, value_enum, default_value = "at-most-once")]
    semantics: Semantics,
    /// Give up after so long; at most once: after so long without a sign of life
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = duration_within(Duration::from_millis(1)..=Duration::from_secs(86_400)))]
    give_up: Duration,
}

/// Makes the call.
///
/// # Errors
/// A sentence about what went wrong before anything was sent; Ctrl-C.
pub fn run(args: &CallArgs) -> anyhow::Result<ExitCode> {
    let flag = interrupt::flag()?;
    let host = args.host.trim_start_matches('[').trim_end_matches(']');
    let mut addresses =
        (host, args.port).to_socket_addrs().with_context(|| format!("no host is called {host}"))?;
    // The server listens on IPv4 unless it is told otherwise, and over UDP a wrong guess is not refused: it is silence.
    let first = addresses.next();
    let server = first
        .filter(SocketAddr::is_ipv4)
        .or(addresses.find(SocketAddr::is_ipv4))
        .or(first)
        .with_context(|| format!("no host is called {host}"))?;
    // A question changes nothing: it may be run again, and needs no record.
    let semantics = if args.message.is_some() { args.semantics } else { Semantics::AtLeastOnce };
    let config = ClientConfig { semantics, give_up: args.give_up };
    let mut caller = SocketCaller::connect(config, server)?;
    let mut look = || interrupted(flag);
    let outcome = match (&args.message, &args.count) {
        (Some(text), _) => caller.publish(text.as_bytes(), &mut look)?,
        (None, Some(text)) => caller.call(&Method::Count { text: text.as_bytes().to_vec() }, &mut look)?,
        (None, None) => caller.call(&Method::Length, &mut look)?,
    };
    let mut out = stdout();
    let status = match outcome {
        Outcome::Done(number) => {
            writeln!(out, "done: {number}")?;
            ExitCode::SUCCESS
        }
        Outcome::NotDone(why) => {
            writeln!(out, "not done: {why}")?;
            ExitCode::FAILURE
        }
        Outcome::Unknown(why) => {
            writeln!(out, "unknown: {why}")?;
            ExitCode::from(UNKNOWN)
        }
    };
    out.flush()?;
    Ok(status)
}
