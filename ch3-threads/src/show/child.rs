#![expect(unsafe_code, reason = "fork(2), and signal handlers, are unsafe by nature")]
//! A forked child process that has a name, dies with its parent, and is never left behind.
//!
//! ```text
//!  parent   block SIGTERM, SIGINT ── fork ── write its pid down ── unblock ── … ── wait(2)
//!                                     │
//!  child                              └─ default signals ── name ── body() ── _exit(status)
//! ```
//!
//! The three traps it takes care of:
//! - fork(2) copies only the thread that calls it. A lock that another thread held (the allocator's, say) stays locked
//!   in the child for ever. So: only from a process with one thread, which is checked.
//! - a SIGTERM between the fork and the writing down of the pid would leave a child behind. So: blocked meanwhile.
//! - a child whose parent was killed lives on. So: PR_SET_PDEATHSIG, and a look whether it came too late.

use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;
use std::sync::atomic::{AtomicI32, Ordering::SeqCst};
use std::{ffi::CString, fs};

use nix::errno::Errno;
use nix::libc;
use nix::sys::prctl;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, SigmaskHow, Signal, kill, sigaction};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork, getpid, getppid};

use super::narrate::{name_this_process, say};

/// The most children at a time.
pub const LIMIT: usize = 128;

/// The children that live, for the signal handler: it may neither lock nor allocate.
static CHILDREN: [AtomicI32; LIMIT] = [const { AtomicI32::new(0) }; LIMIT];

/// A child process. When dropped before it was waited for, it is killed and waited for.
#[derive(Debug)]
pub struct Child {
    pid: Pid,
    slot: usize,
    waited: bool,
}

/// Forks a child that runs `body` and then ends, with status 0, or 1 when `body` failed (it says why).
///
/// From the first call on, SIGTERM and SIGINT end this process with status 0, its children first.
///
/// # Errors
/// More than one thread, more than [`LIMIT`] children, or what fork(2) refuses.
pub fn spawn(name: &str, body: impl FnOnce() -> anyhow::Result<()>) -> io::Result<Child> {
    if fs::read_dir("/proc/self/task")?.count() != 1 {
        return Err(io::Error::other("fork only a process with a single thread"));
    }
    end_with_children_on_signals();
    // What is buffered would be copied, and written twice.
    common::support::cli::stdout().flush()?;
    let parent = getpid();
    let mask = ending_signals().thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
    let slot = CHILDREN.iter().position(|pid| pid.load(SeqCst) == 0);
    let slot = slot.ok_or_else(|| io::Error::other(format!("more than {LIMIT} children")));
    // SAFETY: this process has one thread, so nothing is locked or half changed in the copy.
    let forked = slot.and_then(|slot| Ok((slot, unsafe { fork() }?)));
    let child = match forked {
        Ok((_, ForkResult::Child)) => become_child(parent, mask, name, body),
        Ok((slot, ForkResult::Parent { child })) => {
            CHILDREN[slot].store(child.as_raw(), SeqCst);
            Ok(Child { pid: child, slot, waited: false })
        }
        Err(error) => Err(error),
    };
    mask.thread_set_mask()?;
    child
}

impl Child {
    /// Its process id.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Waits until it ends, and takes it off the process table.
    ///
    /// # Errors
    /// ECHILD when a reaper was faster.
    pub fn wait(mut self) -> io::Result<WaitStatus> {
        self.reap()
    }

    /// Says that somebody else (a SIGCHLD handler) has waited for it. Its number may be another process's by now.
    pub fn was_reaped(mut self) {
        self.forget();
    }

    fn reap(&mut self) -> io::Result<WaitStatus> {
        let status = loop {
            match waitpid(self.pid, None) {
                Err(Errno::EINTR) => {}
                other => break other,
            }
        };
        self.forget();
        Ok(status?)
    }

    fn forget(&mut self) {
        self.waited = true;
        CHILDREN[self.slot].store(0, SeqCst);
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if !self.waited {
            // A child that has ended meanwhile is a zombie: the signal does nothing, and the wait finds it.
            let _ = kill(self.pid, Signal::SIGKILL);
            let _ = self.reap();
        }
    }
}

/// What the child does from the fork to its end.
fn become_child(parent: Pid, mask: SigSet, name: &str, body: impl FnOnce() -> anyhow::Result<()>) -> ! {
    let born = || -> anyhow::Result<()> {
        prctl::set_pdeathsig(Signal::SIGKILL)?;
        anyhow::ensure!(getppid() == parent, "the parent ended first");
        CHILDREN.iter().for_each(|pid| pid.store(0, SeqCst));
        for signal in &ending_signals() {
            let default = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
            // SAFETY: the default action runs no code of ours.
            unsafe { sigaction(signal, &default) }?;
        }
        mask.thread_set_mask()?;
        name_this_process(name);
        prctl::set_name(&CString::new(name)?)?;
        Ok(())
    };
    let status = match catch_unwind(AssertUnwindSafe(|| born().and_then(|()| body()))) {
        Ok(Ok(())) => 0,
        Ok(Err(error)) => {
            say!("failed: {error:#}");
            1
        }
        Err(_panic) => 101,
    };
    // SAFETY: ends this process without the parent's exit handlers, whose copies are not ours to run.
    unsafe { libc::_exit(status) }
}

fn ending_signals() -> SigSet {
    SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT])
}

fn end_with_children_on_signals() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let action = SigAction::new(SigHandler::Handler(end_now), SaFlags::SA_RESTART, ending_signals());
        for signal in &ending_signals() {
            // SAFETY: `end_now` only calls what signal-safety(7) allows.
            unsafe { sigaction(signal, &action) }.expect("SIGTERM and SIGINT can be caught");
        }
    });
}

/// Ends the children, waits for them, ends the process. Only async-signal-safe calls: kill, wait and _exit.
extern "C" fn end_now(_signal: libc::c_int) {
    for child in &CHILDREN {
        let pid = child.load(SeqCst);
        if pid != 0 {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }
    while waitpid(None::<Pid>, None).is_ok() {}
    // SAFETY: _exit(2) is async-signal-safe and does not return.
    unsafe { libc::_exit(0) }
}
