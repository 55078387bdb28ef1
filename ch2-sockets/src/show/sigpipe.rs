#![expect(unsafe_code, reason = "sigaction(2) takes a handler only in an unsafe call")]
//! What a write to a broken connection does to a process: an error, or death.
//!
//! csdesign, "The nature of SIGPIPE": the rule is that a process which writes to a socket that has received RST gets
//! SIGPIPE as well as EPIPE.
//!
//! ```text
//!   write ──► EPIPE ──┬── SIGPIPE is ignored  (Rust, before main)   write returns the error: this connection is over
//!                     ├── SIGPIPE is handled                        the handler runs, then as above
//!                     ├── MSG_NOSIGNAL        (send(2) only)        no signal, as above
//!                     └── by default                                the process is over, with all its other clients
//! ```
//!
//! The default is right for `yes | head`, where nobody reads any more, and the writer is to end without a word. A server
//! must change it, and a Rust program that wants to be a good filter must change it back: see how `main.rs` ends quietly.
//!
//! A child for each row, because one of them dies of it. The children are this program anew (`--child`): fork(2) would be
//! enough, but a fresh program shows what Rust's runtime has done by itself.

use std::io::{self, Write};
use std::net::TcpStream;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::Duration;

use anyhow::Context;
use clap::{Args, ValueEnum};
use common::support::count::count;
use nix::libc;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use nix::sys::socket::{MsgFlags, send};
use nix::unistd::{pipe, write};
use socket2::SockRef;

use super::loopback::{LoopbackArgs, name};

/// SIGPIPE: who survives a write to a broken connection
///
/// Look at who ends with `killed by SIGPIPE`, and that a pipe tells at the first write what a socket tells at the second.
///
/// The question: why does a C server begin with `signal(SIGPIPE, SIG_IGN)`, and a Rust server not?
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  cargo ch2 show sigpipe")]
pub struct SigpipeArgs {
    #[command(flatten)]
    loopback: LoopbackArgs,
    /// Be the child of this row
    #[arg(long, hide = true, num_args = 2, value_names = ["TARGET", "DISPOSITION"])]
    child: Vec<String>,
}

/// What is written to.
#[derive(Debug, Clone, Copy, PartialEq, ValueEnum)]
enum Target {
    Socket,
    Pipe,
}

/// What becomes of the signal.
#[derive(Debug, Clone, Copy, PartialEq, ValueEnum)]
enum Disposition {
    /// What Rust's runtime has left: this child sets nothing.
    Untouched,
    Default,
    Handled,
    NoSignal,
}

/// Runs the demonstration, or one of its children.
pub fn run(args: &SigpipeArgs) -> anyhow::Result<()> {
    if let [target, disposition] = &args.child[..] {
        let parse = |error: String| anyhow::anyhow!(error);
        let target = Target::from_str(target, true).map_err(parse)?;
        return child(args.loopback, target, Disposition::from_str(disposition, true).map_err(parse)?);
    }
    let mut out = common::support::cli::stdout();
    writeln!(
        out,
        "{:<8} {:<28} {:<12} {:<12} {:<12} end of the process",
        "onto a", "SIGPIPE is", "write", "write again", "handler ran"
    )?;
    for target in [Target::Socket, Target::Pipe] {
        for disposition in
            [Disposition::Untouched, Disposition::Handled, Disposition::NoSignal, Disposition::Default]
        {
            // send(2) is for sockets: a pipe has no MSG_NOSIGNAL.
            if (target, disposition) == (Target::Pipe, Disposition::NoSignal) {
                continue;
            }
            let (row, end) = spawn(args.loopback, target, disposition)?;
            let target = target.to_possible_value().context("every target has a name")?;
            writeln!(out, "{:<8} {:<28} {row:<38} {end}", target.get_name(), disposition.title())?;
        }
    }
    Ok(())
}

impl Disposition {
    fn title(self) -> &'static str {
        match self {
            Disposition::Untouched => "ignored, as Rust begins",
            Disposition::Default => "default",
            Disposition::Handled => "handled",
            Disposition::NoSignal => "default, but MSG_NOSIGNAL",
        }
    }
}

/// This program again, as the child of one row: what it wrote, and how it ended.
fn spawn(
    loopback: LoopbackArgs,
    target: Target,
    disposition: Disposition,
) -> anyhow::Result<(String, String)> {
    let value = |value: Option<clap::builder::PossibleValue>| {
        value.map(|value| value.get_name().to_owned()).context("every value has a name")
    };
    let output = Command::new(std::env::current_exe()?)
        .args(["show", "sigpipe", "--address", &loopback.address().to_string(), "--child"])
        .args([value(target.to_possible_value())?, value(disposition.to_possible_value())?])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start a child")?;
    Ok((String::from_utf8_lossy(&output.stdout).trim_end().to_owned(), describe(output.status)))
}

fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal().map(Signal::try_from)) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(Ok(signal))) => format!("killed by {signal}"),
        _ => status.to_string(),
    }
}

fn child(loopback: LoopbackArgs, target: Target, disposition: Disposition) -> anyhow::Result<()> {
    let handler = match disposition {
        Disposition::Untouched => None,
        Disposition::Default | Disposition::NoSignal => Some(SigHandler::SigDfl),
        Disposition::Handled => Some(SigHandler::Handler(note)),
    };
    if let Some(handler) = handler {
        let action = SigAction::new(handler, SaFlags::SA_RESTART, SigSet::empty());
        // SAFETY: the handler only touches an atomic, which signal-safety(7) allows.
        unsafe { sigaction(Signal::SIGPIPE, &action) }?;
    }
    let broken: OwnedFd = match target {
        Target::Socket => broken_connection(loopback)?.into(),
        Target::Pipe => pipe()?.1, // the reading end is dropped here
    };
    let mut out = common::support::cli::stdout();
    for _ in 0..2 {
        // Not TcpStream::write: Rust's library always sends with MSG_NOSIGNAL, which would hide the signal.
        let done = match disposition {
            Disposition::NoSignal => send(broken.as_raw_fd(), b"hello", MsgFlags::MSG_NOSIGNAL),
            _ => write(broken.as_fd(), b"hello"),
        };
        let told = match done {
            Ok(bytes) => count(bytes, "byte"),
            Err(errno) => name(&errno.into()),
        };
        // At once: the next write may be the last thing this process does.
        write!(out, "{told:<12} ")?;
        out.flush()?;
    }
    Ok(writeln!(out, "{}", RAN.load(SeqCst))?)
}

/// A connection whose other end has sent RST.
fn broken_connection(loopback: LoopbackArgs) -> io::Result<TcpStream> {
    let (connection, peer) = loopback.pair()?;
    SockRef::from(&peer).set_linger(Some(Duration::ZERO))?;
    drop(peer);
    Ok(connection)
}

static RAN: AtomicU32 = AtomicU32::new(0);

extern "C" fn note(_signal: libc::c_int) {
    RAN.fetch_add(1, SeqCst);
}
