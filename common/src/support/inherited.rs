//! What a process inherits from the program that started it, and must not depend on (execve(2), signal(7)).

#![expect(unsafe_code, reason = "sigaction(2) takes an action only in an unsafe call")]

use std::io;

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

/// Resets the signals: SIGCHLD has its default action, and no signal is blocked. Every program calls it first.
///
/// A parent that ignores SIGCHLD (`trap '' CHLD` in a shell) hands that down, and then the kernel keeps no exit status: a server
/// would never hear that a worker has ended. A blocked SIGTERM would never stop it.
pub fn reset() {
    // Both calls fail only for signals that do not exist.
    let _ = keep_exit_statuses();
    let _ = SigSet::all().thread_unblock();
}

/// Has the kernel keep the exit statuses of children, unless this program has a handler of its own for SIGCHLD.
///
/// # Errors
/// None in practice: sigaction(2) refuses only signals that do not exist.
pub fn keep_exit_statuses() -> io::Result<()> {
    let default = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
    // SAFETY: no handler is set but one that was set before.
    unsafe {
        let before = sigaction(Signal::SIGCHLD, &default)?;
        if !matches!(before.handler(), SigHandler::SigIgn | SigHandler::SigDfl) {
            sigaction(Signal::SIGCHLD, &before)?;
        }
    }
    Ok(())
}
