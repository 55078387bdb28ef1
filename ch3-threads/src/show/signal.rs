#![expect(unsafe_code, reason = "a signal handler is unsafe to install")]
//! Signals: the list, a broken connection, an interrupted accept, and kill.
//!
//! Lab text, "Signals", numbers 5 and 6; csdesign, "The Nature of SIGPIPE".
//!
//! ```text
//!  client                                   server
//!  connect ───────────────────────────────► accept
//!          ◄──────────────────────── RST ── close (SO_LINGER 0)
//!  write → ECONNRESET                       the reset is reported once, as an error
//!  write → EPIPE, and SIGPIPE               from then on writing is hopeless, and by default deadly
//! ```
//!
//! SIGPIPE's default action ends the process: right for `yes | head`, fatal for a server with a thousand other clients.
//! Rust's runtime ignores it before `main`, which leaves EPIPE, an error of that one connection; and its `TcpStream`
//! sends with MSG_NOSIGNAL besides. So this file calls write(2) directly, as a C server does, which has to ignore
//! SIGPIPE itself, or to handle it as in the lab.
//!
//! A handler that runs while accept(2) sleeps ends the sleep with EINTR, unless it was installed with SA_RESTART. Rust's
//! library calls again by itself, so this file calls accept(2) directly.

use std::io::{self, Read, Write as _, pipe};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::Duration;
use std::{fs, thread};

use anyhow::Context;
use clap::Args;
use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, kill, sigaction};
use nix::sys::socket::accept;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, close, getpid, pause, write};
use socket2::SockRef;

use super::child;
use super::narrate::say;
use super::process_table::{HEAD, Row};

/// Signals: the list, SIGPIPE on a broken connection, SIGCHLD that interrupts accept, kill
///
/// Look at the two writes to a connection that was reset, under three dispositions of SIGPIPE: who survives? Then at
/// accept: with SA_RESTART it never knew.
///
/// The question: why must a server do something about SIGPIPE and about EINTR?
#[derive(Args, Debug, Clone, Copy)]
#[command(after_help = "Example:\n  cargo ch3 show signal\n  cargo ch3 show signal --no-list")]
pub struct SignalArgs {
    /// Leave out the list of signals
    #[arg(long)]
    no_list: bool,
}

/// Runs the demonstration.
pub fn run(args: SignalArgs) -> anyhow::Result<()> {
    if !args.no_list {
        list()?;
    }
    broken_pipe()?;
    interrupted_accept()?;
    stop_and_end_a_child()
}

/// As `kill -l`, and what this process does about each. (The real-time signals, 34 to 64, are left out.)
fn list() -> anyhow::Result<()> {
    let status = fs::read_to_string("/proc/self/status")?;
    let mask = |field: &str| {
        let line =
            status.lines().find_map(|line| line.strip_prefix(field)).context("an old /proc/self/status")?;
        Ok::<u64, anyhow::Error>(u64::from_str_radix(line.trim(), 16)?)
    };
    let (ignored, caught) = (mask("SigIgn:")?, mask("SigCgt:")?);
    let mut out = common::support::cli::stdout();
    writeln!(out, "signals (* ignored, + handled by this process: Rust's runtime does that before main):")?;
    for (column, signal) in (1..).zip(Signal::iterator()) {
        let bit = 1_u64 << (signal as i32 - 1);
        let mark = if ignored & bit != 0 {
            '*'
        } else if caught & bit != 0 {
            '+'
        } else {
            ' '
        };
        write!(
            out,
            "{:>2}) {:<11}{mark}{}",
            signal as i32,
            signal.as_str(),
            if column % 5 == 0 { "\n" } else { "  " }
        )?;
    }
    writeln!(out, "\n")?;
    Ok(())
}

/// Two writes to a connection that was reset, under each disposition of SIGPIPE, each in a child of its own.
fn broken_pipe() -> anyhow::Result<()> {
    let mut out = common::support::cli::stdout();
    writeln!(
        out,
        "{:<11} {:<12} {:<12} {:<12} end of the process",
        "SIGPIPE is", "first write", "second write", "handler ran"
    )?;
    for (disposition, handler) in [
        ("ignored", SigHandler::SigIgn),
        ("handled", SigHandler::Handler(count)),
        ("default", SigHandler::SigDfl),
    ] {
        let (mut answers, writer) = pipe()?;
        let child = child::spawn(disposition, || {
            install(Signal::SIGPIPE, handler, SaFlags::SA_RESTART)?;
            let connection = broken_connection()?;
            for _ in 0..2 {
                let answer = match write(&connection, b"hello") {
                    Ok(_) => "written",
                    Err(errno) => errno_name(errno),
                };
                say!("write: {answer}");
                write!(&writer, "{answer:<12} ")?;
            }
            Ok(write!(&writer, "{:<12}", HANDLED.load(SeqCst))?)
        })?;
        drop(writer);
        let mut row = String::new();
        answers.read_to_string(&mut row)?;
        let end = match child.wait()? {
            WaitStatus::Exited(_, status) => format!("exit status {status}"),
            WaitStatus::Signaled(_, signal, _) => format!("killed by {signal}"),
            other => format!("{other:?}"),
        };
        writeln!(out, "{disposition:<11} {row:<38} {end}")?;
    }
    writeln!(out)?;
    Ok(())
}

/// A connection whose other end has sent RST: closed with SO_LINGER 0, so that the kernel throws it away.
fn broken_connection() -> io::Result<TcpStream> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let connection = TcpStream::connect(listener.local_addr()?)?;
    let (peer, _) = listener.accept()?;
    SockRef::from(&peer).set_linger(Some(Duration::ZERO))?;
    drop(peer);
    Ok(connection)
}

/// accept(2) asleep, and SIGCHLD arrives: without SA_RESTART and with it.
fn interrupted_accept() -> anyhow::Result<()> {
    let mut out = common::support::cli::stdout();
    for (name, flags) in [("without SA_RESTART", SaFlags::empty()), ("with SA_RESTART", SaFlags::SA_RESTART)]
    {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let (address, parent) = (listener.local_addr()?, getpid());
        HANDLED.store(0, SeqCst);
        let before = install(Signal::SIGCHLD, SigHandler::Handler(count), flags)?;
        let restarts = flags.contains(SaFlags::SA_RESTART);
        say!("accept, {name}; a child waits until we sleep in it");
        let child = child::spawn("child", || interrupt(parent, address, restarts))?;
        let answer = match accept(listener.as_raw_fd()) {
            Ok(connection) => close(connection).map(|()| "a connection")?,
            Err(errno) => errno_name(errno),
        };
        let handled = if HANDLED.load(SeqCst) > 0 { "had run" } else { "had not run" };
        child.wait()?;
        // SAFETY: puts back what was there.
        unsafe { sigaction(Signal::SIGCHLD, &before) }?;
        writeln!(out, "accept {name}: {answer}; the handler of SIGCHLD {handled}")?;
    }
    writeln!(out)?;
    Ok(())
}

/// Waits until the parent sleeps, in accept, and disturbs it: by ending, which the kernel reports with SIGCHLD; or, to
/// see a sleep that goes on, by sending SIGCHLD as kill(1) would, and then being the client that accept waits for.
fn interrupt(parent: Pid, address: SocketAddr, then_connect: bool) -> anyhow::Result<()> {
    while Row::of(parent).is_some_and(|row| row.state != 'S') {
        thread::sleep(Duration::from_millis(1));
    }
    if then_connect {
        kill(parent, Signal::SIGCHLD)?;
        TcpStream::connect(address)?;
    }
    Ok(())
}

/// `kill -STOP`, `kill -CONT`, `kill -TERM`: what wait tells the parent about each, and the process table.
fn stop_and_end_a_child() -> anyhow::Result<()> {
    let mut out = common::support::cli::stdout();
    let child = child::spawn("victim", || {
        loop {
            pause();
        }
    })?;
    let pid = child.pid();
    let changes = Some(WaitPidFlag::WUNTRACED | WaitPidFlag::WCONTINUED);
    for signal in [Signal::SIGSTOP, Signal::SIGCONT] {
        kill(pid, signal)?;
        writeln!(out, "kill -{} {pid}: wait says {:?}", &signal.as_str()[3..], waitpid(pid, changes)?)?;
        if let (Signal::SIGSTOP, Some(row)) = (signal, Row::of(pid)) {
            writeln!(out, "{HEAD}\n{row}")?;
        }
    }
    kill(pid, Signal::SIGTERM)?;
    writeln!(out, "kill -TERM {pid}: wait says {:?}", child.wait()?)?;
    let refused = install(Signal::SIGKILL, SigHandler::Handler(count), SaFlags::empty()).map_err(errno_name);
    writeln!(
        out,
        "a handler for SIGKILL: {} (nor can it be ignored or blocked)",
        refused.err().unwrap_or("installed")
    )?;
    Ok(())
}

static HANDLED: AtomicU32 = AtomicU32::new(0);

/// The lab's exercise: the handler counts. An atomic addition is one of the few things a handler may do.
extern "C" fn count(_signal: libc::c_int) {
    HANDLED.fetch_add(1, SeqCst);
}

/// Installs a disposition and returns the one before.
fn install(signal: Signal, handler: SigHandler, flags: SaFlags) -> nix::Result<SigAction> {
    // SAFETY: the only handler of this file is `count`, which is async-signal-safe.
    unsafe { sigaction(signal, &SigAction::new(handler, flags, SigSet::empty())) }
}

/// The symbolic name, as in errno(3): `EPIPE`.
fn errno_name(errno: Errno) -> &'static str {
    match errno {
        Errno::EPIPE => "EPIPE",
        Errno::ECONNRESET => "ECONNRESET",
        Errno::EINTR => "EINTR",
        Errno::EINVAL => "EINVAL",
        other => other.desc(),
    }
}
