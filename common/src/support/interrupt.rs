//! Ctrl-C (and SIGTERM) for programs that are not servers: a flag that they look at.
//!
//! A handler, not blocked signals: the signals that a process blocks stay blocked in every program it starts, and a
//! server started so would never hear SIGTERM. Handlers are forgotten by `exec` (signal(7)).

#![expect(unsafe_code, reason = "sigaction(2) takes a handler only in an unsafe call")]

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

/// The exit status of a program that Ctrl-C has ended, as shells have it. (2 is for wrong arguments.) A server ends with 0, and nothing
/// else does: also not a client that only Ctrl-C can end.
pub const STATUS: u8 = 130;

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// The flag that the first Ctrl-C sets. A second one ends the program at once.
///
/// # Errors
/// What sigaction(2) says.
pub fn flag() -> io::Result<&'static AtomicBool> {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let action = SigAction::new(SigHandler::Handler(on_signal), SaFlags::SA_RESTART, SigSet::empty());
        // SAFETY: the handler touches an atomic and calls _exit(2), which signal-safety(7) allows.
        unsafe { sigaction(signal, &action)? };
    }
    Ok(&INTERRUPTED)
}

/// Ctrl-C ends this program at once, with [`STATUS`] and not by the signal: for commands that have nothing to put in order. One that has
/// asks for its [`flag`], or for a stop of its own, and this is forgotten.
///
/// # Errors
/// What sigaction(2) says.
pub fn ends_at_once() -> io::Result<()> {
    let action = SigAction::new(SigHandler::Handler(exit), SaFlags::SA_RESTART, SigSet::empty());
    // SAFETY: the handler calls _exit(2) and nothing else, which signal-safety(7) allows.
    unsafe { sigaction(Signal::SIGINT, &action)? };
    Ok(())
}

/// Whether Ctrl-C has come.
pub fn has_come() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}

extern "C" fn on_signal(signal: i32) {
    if INTERRUPTED.swap(true, Ordering::SeqCst) {
        exit(signal);
    }
}

extern "C" fn exit(_signal: i32) {
    // SAFETY: _exit(2) is async-signal-safe.
    unsafe { nix::libc::_exit(STATUS.into()) };
}
