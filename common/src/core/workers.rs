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
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::MetadataExt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl::{set_name, set_pdeathsig};
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit};
use nix::sys::signal::{SigSet, SigmaskHow, Signal, kill};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork, getppid};

use crate::core::listener::ACCEPT_BACKOFF;
use crate::core::server::Server;
use crate::core::stop::Stop;

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
    // Until the child has become a worker its stop is its parent's: a signal would close the listening socket for everybody.
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGTERM);
    signals.add(Signal::SIGINT);
    let before = signals.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
    let budget = server.limits.budget;
    let account = budget.open_account();
    // SAFETY: this process has one thread, so the child finds every lock free.
    let forked = unsafe { fork() };
    match forked {
        Ok(ForkResult::Child) => {
            let work = || {
                become_worker(server, name, parent)?;
                budget.use_account(account);
                before.thread_set_mask()?;
                server.serve_here(body)
            };
            let status = match catch_unwind(AssertUnwindSafe(work)) {
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
        Ok(ForkResult::Parent { child }) => {
            budget.assign_account(account, Some(child));
            before.thread_set_mask().map(|()| child).map_err(io::Error::from)
        }
        Err(error) => {
            budget.assign_account(account, None);
            before.thread_set_mask().and(Err(error)).map_err(io::Error::from)
        }
    }
}

fn become_worker(server: &Server, name: &str, parent: Pid) -> io::Result<()> {
    die_with_parent(parent)?;
    // Shown by ps(1) and top(1), which cut it to 15 bytes.
    let _ = set_name(&std::ffi::CString::new(name)?);
    crate::core::worker_name::name_worker(name);
    server.trace.lane(name);
    server.stop.become_worker()
}

/// Asks the kernel to kill this process when its parent dies, so that kill -9 of a server leaves no orphan. SIGTERM would not do: a
/// stopped process does not act on it, and nobody would be there to wait for one that is slow.
///
/// # Errors
/// What prctl(2) says, or `Other` when the parent is dead already.
pub fn die_with_parent(parent: Pid) -> io::Result<()> {
    set_pdeathsig(Signal::SIGKILL)?;
    // It may have died before the kernel was asked.
    if getppid() == parent { Ok(()) } else { Err(io::Error::other("the parent is gone")) }
}

/// Threads of this process, as the kernel counts them: a directory has a link from itself, one from its parent, and one
/// from each directory in it. One call, where to list it would be five for every fork.
pub fn thread_count() -> u64 {
    std::fs::metadata("/proc/self/task").map_or(1, |task| task.nlink() - 2)
}

/// The error for a process or thread that cannot be made: which, what is there already, and the limit that is met most often.
#[must_use]
pub fn cannot_start(name: &str, present: &str, error: &io::Error) -> io::Error {
    let limit = match getrlimit(Resource::RLIMIT_NPROC) {
        Ok((limit, _)) if limit != RLIM_INFINITY => format!("{limit} (ulimit -u)"),
        _ => "any number (ulimit -u), so look at the control group's pids.max".to_owned(),
    };
    let why = format!(
        "cannot start {name}: {error}; {present}, and this user may have {limit} processes and threads"
    );
    io::Error::new(error.kind(), why)
}

/// A fixed number of worker processes, each with a number; whoever dies is replaced.
pub struct WorkerPool<'a> {
    server: &'a Server,
    role: &'static str,
    members: BTreeMap<Pid, usize>,
    exits: ChildExits,
}

impl<'a> WorkerPool<'a> {
    /// No workers yet; `role` and a number will name each.
    ///
    /// # Errors
    /// As [`ChildExits::watch`].
    pub fn new(server: &'a Server, role: &'static str) -> io::Result<WorkerPool<'a>> {
        Ok(WorkerPool { server, role, members: BTreeMap::new(), exits: ChildExits::watch()? })
    }

    /// Forks worker `number`.
    ///
    /// # Errors
    /// As [`fork_worker`].
    pub fn spawn(&mut self, number: usize, body: impl FnOnce() -> io::Result<()>) -> io::Result<Pid> {
        let name = format!("{}-{number}", self.role);
        let pid = fork_worker(self.server, &name, body).map_err(|error| {
            cannot_start(&name, &format!("there are {} like it", self.members.len()), &error)
        })?;
        self.members.insert(pid, number);
        Ok(pid)
    }

    /// Forks a successor of worker `number`. A fork that fails is tried again and again until the stop: the others go on
    /// serving meanwhile. And not at once: one that dies as soon as it lives must not be forked as fast as it can die.
    ///
    /// # Errors
    /// As [`fork_worker`], when it is not for want of room.
    pub fn replace(&mut self, number: usize, body: impl Fn() -> io::Result<()>) -> io::Result<()> {
        loop {
            self.server.stop.rest(ACCEPT_BACKOFF);
            match self.spawn(number, &body) {
                _ if self.server.stop.requested() => return Ok(()),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::OutOfMemory) => {
                    tracing::warn!("no process for {}-{number} yet: {error}", self.role);
                }
                spawned => return spawned.map(drop),
            }
        }
    }

    /// Waits until a worker dies of its own, and returns its number; `None` when the stop has come.
    ///
    /// # Errors
    /// What waitpid(2) says.
    pub fn wait_for_exit(&mut self) -> io::Result<Option<usize>> {
        while !self.server.stop.requested() && !self.members.is_empty() {
            self.exits.forget();
            match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                // Somebody else has waited for our children: they are gone, one after the other.
                Err(Errno::ECHILD) => {
                    let Some((pid, number)) = self.members.pop_first() else { break };
                    return Ok(Some(self.exited(pid, number, "its exit status is lost")));
                }
                Err(error) => return Err(error.into()),
                // Not in waitpid: a stop that came just before it would be waited out until some worker dies.
                Ok(WaitStatus::StillAlive) => self.exits.wait(self.server.stop),
                Ok(status) => {
                    if let Some(number) = self.reap(status) {
                        return Ok(Some(number));
                    }
                }
            }
        }
        Ok(None)
    }

    fn reap(&mut self, status: WaitStatus) -> Option<usize> {
        let pid = status.pid()?;
        let number = self.members.remove(&pid)?;
        if self.server.stop.requested() {
            return None;
        }
        let how = match status {
            WaitStatus::Exited(_, code) => format!("exit status {code}"),
            WaitStatus::Signaled(_, signal, _) => format!("{signal}"),
            other => format!("{other:?}"),
        };
        Some(self.exited(pid, number, &how))
    }

    fn exited(&self, pid: Pid, number: usize, how: &str) -> usize {
        self.server.limits.budget.close_account(pid);
        self.server.counters.replaced.count();
        tracing::warn!("{}-{number} died ({how}); it is replaced", self.role);
        number
    }

    /// Ends every worker and waits for it.
    pub fn shutdown(self) {
        end_all(self.server.stop, self.members.into_keys());
    }
}

/// A descriptor that is readable when children have died (signalfd(2)): it can be waited for beside others, and a death
/// or a stop between looking and waiting is not lost, as it would be with a handler of SIGCHLD or a blocking waitpid.
pub struct ChildExits(SignalFd);

impl ChildExits {
    /// Blocks SIGCHLD from now on, which makes the descriptor the only one to hear of it.
    ///
    /// # Errors
    /// `EMFILE` when no descriptor is left.
    pub fn watch() -> io::Result<ChildExits> {
        let mut mask = SigSet::empty();
        mask.add(Signal::SIGCHLD);
        mask.thread_block()?;
        Ok(ChildExits(SignalFd::with_flags(&mask, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?))
    }

    /// Not readable until the next death. Ten exits may have been one signal, because signals of one kind do not queue:
    /// so look into the process table after it, until nobody there is dead.
    pub fn forget(&self) {
        while let Ok(Some(_)) = self.0.read_signal() {}
    }

    /// Waits for a death or for the stop.
    fn wait(&self, stop: Stop) {
        let readable = |fd| PollFd::new(fd, PollFlags::POLLIN);
        // EINTR is the stop, or nothing of ours: in both cases the caller looks again.
        let _ = poll(&mut [readable(self.as_fd()), readable(stop.fd())], PollTimeout::NONE);
    }
}

impl AsFd for ChildExits {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Asks every child to stop, and waits until all have.
pub fn end_all(stop: Stop, children: impl IntoIterator<Item = Pid>) {
    stop.request();
    // A child that has been waited for is not signalled: its number may be that of another process by now.
    let is_alive = |child: &Pid| waitpid(*child, Some(WaitPidFlag::WNOHANG)) == Ok(WaitStatus::StillAlive);
    let children: Vec<Pid> = children.into_iter().filter(is_alive).collect();
    for &child in &children {
        let _ = kill(child, Signal::SIGTERM);
        wake_stopped(child);
    }
    children.into_iter().for_each(wait_for_end);
}

/// Lets a stopped child go on (SIGSTOP, Ctrl-Z), so that it acts on what it was asked: a stopped process would be waited for in vain.
pub fn wake_stopped(child: Pid) {
    let _ = kill(child, Signal::SIGCONT);
}

/// Waits until a child has ended. One that is stopped meanwhile is killed.
pub fn wait_for_end(child: Pid) {
    loop {
        match waitpid(child, Some(WaitPidFlag::WUNTRACED)) {
            Ok(WaitStatus::Stopped(..)) => drop(kill(child, Signal::SIGKILL)),
            Err(Errno::EINTR) => {}
            _ => return, // ended, or ECHILD: somebody else has waited for it
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_threads_as_the_kernel_lists_them() {
        let listed = || std::fs::read_dir("/proc/self/task").unwrap().count() as u64;
        // The test runner's other threads come and go: agree once, with a thread of our own that stays.
        let stays = std::sync::Barrier::new(2);
        std::thread::scope(|scope| {
            scope.spawn(|| stays.wait());
            let agreed = (0..10_000).any(|_| thread_count() >= 2 && thread_count() == listed());
            stays.wait();
            assert!(agreed);
        });
    }
}
