#![expect(unsafe_code, reason = "a signal handler is unsafe to install")]
//! The handlers of the lab: for SIGCHLD the reapers, and for SIGPIPE one that counts.
//!
//! A handler interrupts any line of the program. So these only change atomics and call what signal-safety(7) allows, and they
//! leave errno as it was. What the children count is in memory that a fork shares.

use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use clap::ValueEnum;
use common::core::counters::Counter;
use common::core::shared_memory::shared;
use common::core::stop::Stop;
use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, SigmaskHow, Signal, sigaction};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

/// Which reaper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Reaper {
    /// A handler that waits for all who have ended
    Right,
    /// No handler: ended children stay zombies
    None,
    /// The lab's handler, with `>= 0`: it does not return while another child lives
    Lab,
}

/// What SIGPIPE does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum SigPipe {
    /// Nothing: write(2) fails with EPIPE
    Ignore,
    /// A handler counts it, and write(2) fails with EPIPE
    Handler,
    /// The process dies
    Default,
}

static RUNS: AtomicU64 = AtomicU64::new(0);
static CALLS: AtomicU64 = AtomicU64::new(0);
static REAPED: AtomicU64 = AtomicU64::new(0);
static KILLED_BY_PIPE: AtomicU64 = AtomicU64::new(0);
/// Runs of the handler of SIGPIPE, in whatever process.
static PIPES: OnceLock<&'static Counter> = OnceLock::new();
static STOP: OnceLock<Stop> = OnceLock::new();

/// What the handlers have counted.
pub(super) struct Seen {
    pub runs: u64,
    pub calls: u64,
    pub reaped: u64,
    pub pipes: u64,
    pub killed_by_pipe: u64,
}

/// What has been counted so far.
pub(super) fn seen() -> Seen {
    Seen {
        runs: RUNS.load(SeqCst),
        calls: CALLS.load(SeqCst),
        reaped: REAPED.load(SeqCst),
        pipes: PIPES.get().map_or(0, |pipes| pipes.value()),
        killed_by_pipe: KILLED_BY_PIPE.load(SeqCst),
    }
}

/// Before the handlers are installed, and before the first fork.
pub(super) fn prepare(stop: Stop) -> io::Result<()> {
    let pipes = shared()?;
    PIPES.get_or_init(|| pipes);
    STOP.get_or_init(|| stop);
    Ok(())
}

/// The lab's `signal(SIGCHLD, reaper)`; like signal(3) it lets interrupted calls go on.
pub(super) fn install_reaper(reaper: Reaper) -> io::Result<()> {
    install(
        Signal::SIGCHLD,
        match reaper {
            Reaper::Right => SigHandler::Handler(right_reaper),
            Reaper::None => SigHandler::SigDfl,
            Reaper::Lab => SigHandler::Handler(lab_reaper),
        },
    )
}

/// Nobody reaps in a handler any more.
pub(super) fn remove_reaper() -> io::Result<()> {
    install(Signal::SIGCHLD, SigHandler::SigDfl)
}

/// Holds SIGCHLD back, until the mask that is returned is set again.
pub(super) fn hold_back() -> nix::Result<SigSet> {
    SigSet::from(Signal::SIGCHLD).thread_swap_mask(SigmaskHow::SIG_BLOCK)
}

/// In the process that writes to clients.
pub(super) fn install_sigpipe(sigpipe: SigPipe) -> io::Result<()> {
    install(
        Signal::SIGPIPE,
        match sigpipe {
            SigPipe::Ignore => SigHandler::SigIgn,
            SigPipe::Handler => SigHandler::Handler(count_pipe),
            SigPipe::Default => SigHandler::SigDfl,
        },
    )
}

fn install(signal: Signal, handler: SigHandler) -> io::Result<()> {
    let action = SigAction::new(handler, SaFlags::SA_RESTART, SigSet::empty());
    // SAFETY: the handlers of this file do only what signal-safety(7) allows, and keep errno.
    unsafe { sigaction(signal, &action) }?;
    Ok(())
}

/// What killed a child, if it was SIGPIPE.
pub(super) fn note(status: &WaitStatus) {
    if matches!(status, WaitStatus::Signaled(_, Signal::SIGPIPE, _)) {
        KILLED_BY_PIPE.fetch_add(1, SeqCst);
    }
}

extern "C" fn right_reaper(_signal: libc::c_int) {
    let errno = Errno::last_raw();
    RUNS.fetch_add(1, SeqCst);
    while wait3() > 0 {}
    Errno::set_raw(errno);
}

/// The lab's, but for the stop: without it not even Ctrl-C would end the server.
extern "C" fn lab_reaper(_signal: libc::c_int) {
    let errno = Errno::last_raw();
    RUNS.fetch_add(1, SeqCst);
    while wait3() >= 0 && !STOP.get().is_some_and(|stop| stop.requested()) {}
    Errno::set_raw(errno);
}

/// `wait3(&status, WNOHANG, 0)`: the child that was waited for, 0 when those that there are live, -1 when there is none.
fn wait3() -> libc::pid_t {
    CALLS.fetch_add(1, SeqCst);
    match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
        Ok(WaitStatus::StillAlive) => 0,
        Ok(status) => {
            REAPED.fetch_add(1, SeqCst);
            note(&status);
            status.pid().map_or(0, Pid::as_raw)
        }
        Err(_) => -1,
    }
}

extern "C" fn count_pipe(_signal: libc::c_int) {
    if let Some(pipes) = PIPES.get() {
        pipes.count();
    }
}
