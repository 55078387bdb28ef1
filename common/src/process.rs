//! Worker processes: forked, named, ended with their parent, replaced when they die.
//!
//! ```text
//!   parent ── fork ──► child: its own stop, its own name, ended by the kernel if the parent dies
//!      └─ waitpid ◄── exit status: 0 at the stop; anything else is a death, and the worker is replaced
//! ```
//!
//! `fork` copies one thread, the one that called it; a lock that another thread holds at that moment stays locked in
//! the child for ever. So a server forks before it starts any thread, and a server that forks all the time never
//! starts one (fork(2), pthread_atfork(3)).

#![expect(unsafe_code, reason = "fork(2) is safe only in a process with one thread")]

use std::collections::BTreeMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use nix::errno::Errno;
use nix::sys::prctl::{set_name, set_pdeathsig};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork, getppid};

use crate::server::Server;
use crate::stop::Stop;

/// Forks a worker that runs `body` and ends; its status is 0 when `body` returned `Ok`.
///
/// # Errors
/// `EAGAIN` or `ENOMEM` when there is no room for another process.
///
/// # Panics
/// When this process has more than one thread.
pub fn fork_worker(server: &Server, name: &str, body: impl FnOnce() -> io::Result<()>) -> io::Result<Pid> {
    assert_eq!(thread_count(), 1, "fork copies only the calling thread");
    let parent = nix::unistd::getpid();
    // SAFETY: this process has one thread, so the child finds every lock free.
    match unsafe { fork()? } {
        ForkResult::Parent { child } => Ok(child),
        ForkResult::Child => {
            let status = match catch_unwind(AssertUnwindSafe(|| run_worker(server, name, parent, body))) {
                Ok(Ok(())) => 0,
                Ok(Err(error)) => {
                    tracing::error!("{error}");
                    1
                }
                Err(_) => 101, // the panic has been printed
            };
            // SAFETY: _exit(2) ends this process without running what its parent registered with atexit(3).
            unsafe { nix::libc::_exit(status) }
        }
    }
}

fn run_worker(
    server: &Server,
    name: &str,
    parent: Pid,
    body: impl FnOnce() -> io::Result<()>,
) -> io::Result<()> {
    die_with_parent(parent)?;
    // Shown by ps(1) and top(1), which cut it to 15 bytes.
    let _ = set_name(&std::ffi::CString::new(name)?);
    crate::log::name_worker(name);
    server.journal.lane(name);
    server.stop.become_worker()?;
    body()
}

/// Asks the kernel to send this process SIGTERM when its parent dies, so that kill -9 of a server leaves no orphan.
///
/// # Errors
/// What prctl(2) says, or `Other` when the parent is dead already.
pub fn die_with_parent(parent: Pid) -> io::Result<()> {
    set_pdeathsig(Signal::SIGTERM)?;
    // It may have died before the kernel was asked.
    if getppid() == parent { Ok(()) } else { Err(io::Error::other("the parent is gone")) }
}

/// Threads of this process, as the kernel counts them.
fn thread_count() -> usize {
    std::fs::read_dir("/proc/self/task").map_or(1, Iterator::count)
}

/// A fixed number of worker processes, each with a number; whoever dies is replaced.
pub struct Crew<'a> {
    server: &'a Server,
    role: &'static str,
    members: BTreeMap<Pid, usize>,
}

impl<'a> Crew<'a> {
    /// No workers yet; `role` and a number will name each.
    #[must_use]
    pub fn new(server: &'a Server, role: &'static str) -> Crew<'a> {
        Crew { server, role, members: BTreeMap::new() }
    }

    /// Forks worker `number`.
    ///
    /// # Errors
    /// As [`fork_worker`].
    pub fn hire(&mut self, number: usize, body: impl FnOnce() -> io::Result<()>) -> io::Result<Pid> {
        let pid = fork_worker(self.server, &format!("{}-{number}", self.role), body)?;
        self.members.insert(pid, number);
        Ok(pid)
    }

    /// Waits until a worker dies of its own, and returns its number; `None` when the stop has come.
    ///
    /// # Errors
    /// What waitpid(2) says.
    pub fn wait_for_death(&mut self) -> io::Result<Option<usize>> {
        loop {
            // A signal that arrives before waitpid is entered does not interrupt it. No harm: the stop closes the
            // doors, that ends the workers, and that ends waitpid.
            if self.server.stop.requested() || self.members.is_empty() {
                return Ok(None);
            }
            match waitpid(None, None) {
                Ok(status) => {
                    if let Some(number) = self.bury(status) {
                        return Ok(Some(number));
                    }
                }
                Err(Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The numbers of those who have died since the last look. Does not wait.
    pub fn collect_dead(&mut self) -> Vec<usize> {
        let mut dead = Vec::new();
        // `> 0`, not `>= 0`: with WNOHANG, 0 (here StillAlive) says that children live and none has died. The reaper
        // that goes on at 0 spins for as long as any child lives.
        while let Ok(status) = waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            if status == WaitStatus::StillAlive {
                break;
            }
            dead.extend(self.bury(status));
        }
        dead
    }

    fn bury(&mut self, status: WaitStatus) -> Option<usize> {
        let number = self.members.remove(&status.pid()?)?;
        if self.server.stop.requested() {
            return None;
        }
        self.server.meters.replaced.count();
        let how = match status {
            WaitStatus::Exited(_, code) => format!("exit status {code}"),
            WaitStatus::Signaled(_, signal, _) => format!("{signal}"),
            other => format!("{other:?}"),
        };
        tracing::warn!("{}-{number} died ({how}); it is replaced", self.role);
        Some(number)
    }

    /// Ends every worker and waits for it.
    pub fn dismiss(self) {
        end_all(self.server.stop, self.members.into_keys());
    }
}

/// Asks every process to stop, and waits until all have.
pub fn end_all(stop: Stop, workers: impl IntoIterator<Item = Pid>) {
    stop.request();
    let workers: Vec<Pid> = workers.into_iter().collect();
    for &worker in &workers {
        let _ = kill(worker, Signal::SIGTERM); // ESRCH: it was faster
    }
    for worker in workers {
        while waitpid(worker, None) == Err(Errno::EINTR) {}
    }
}
