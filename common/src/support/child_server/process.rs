//! A child process that cannot be forgotten: it ends with the value that stands for it, and with this process.
//!
//! Its number is only used while nobody has waited for it: until then the kernel gives neither that number nor that of its group to
//! another process (wait(2), setpgid(2)).

#![expect(unsafe_code, reason = "what is done between fork and exec, and wait4(2)")]

use std::fmt;
use std::io;
use std::mem::MaybeUninit;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{ChildStdin, Command, ExitStatus};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::libc;
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::{Pid, getpid, getppid};

use super::transcript::Transcript;
use crate::support::inherited::keep_exit_statuses;

/// How long a process may take to end after SIGTERM.
const STOP_TIME: Duration = Duration::from_secs(10);

/// A child process that leads a group of its own. Dropped, it is stopped.
#[derive(Debug)]
pub struct ChildProcess {
    pid: Pid,
    /// Its standard input, if that was piped.
    pub stdin: Option<ChildStdin>,
    /// What it says on stdout, if that was piped.
    pub stdout: Transcript,
    /// What it says on stderr, if that was piped.
    pub stderr: Transcript,
    /// Where the next line of stdout begins.
    next_line: usize,
    ended: Option<Ended>,
}

/// How a process ended, and what it used from its start to its end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ended {
    /// Its exit status; `None` when the kernel did not keep it.
    pub status: Option<ExitStatus>,
    /// Its own use and that of all children that it has waited for.
    pub usage: Usage,
}

/// Of a processor.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Usage {
    /// Time on a processor, user and system, milliseconds.
    pub cpu_ms: f64,
    /// Context switches, voluntary or not.
    pub context_switches: u64,
}

/// What the kernel says of a child.
#[derive(PartialEq)]
enum State {
    Running,
    /// It has ended, and its number is kept for us.
    Zombie,
    /// Its number may be that of another process by now.
    Gone,
}

impl ChildProcess {
    /// Starts it. Streams that `command` has piped are read from now on.
    ///
    /// It gets SIGTERM when *the thread that calls this* ends, by SIGKILL of its process too (`PR_SET_PDEATHSIG`, prctl(2)): start a
    /// process in a thread that outlives it.
    ///
    /// # Errors
    /// There is no such program, or no room for another process or thread.
    pub fn spawn(command: &mut Command) -> io::Result<ChildProcess> {
        keep_exit_statuses()?;
        let parent = getpid();
        let end_with_parent = move || {
            set_pdeathsig(Signal::SIGTERM)?;
            // It may have ended before the kernel was asked.
            if getppid() == parent { Ok(()) } else { Err(Errno::ESRCH.into()) }
        };
        // SAFETY: it makes two system calls and allocates nothing, so fork(2) in a process with threads allows it.
        unsafe { command.pre_exec(end_with_parent) };
        // A group of its own: Ctrl-C is for us, and what it starts ends with it.
        let mut child = command.process_group(0).spawn()?;
        let mut process = ChildProcess {
            pid: Pid::from_raw(child.id().cast_signed()),
            stdin: child.stdin.take(),
            stdout: Transcript::nothing(),
            stderr: Transcript::nothing(),
            next_line: 0,
            ended: None,
        };
        // An error from here on drops the process, which ends it.
        if let Some(stdout) = child.stdout.take() {
            process.stdout = Transcript::of(stdout)?;
        }
        if let Some(stderr) = child.stderr.take() {
            process.stderr = Transcript::of(stderr)?;
        }
        Ok(process)
    }

    /// Its number, which is that of its group.
    #[must_use]
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Sends it a signal.
    ///
    /// # Errors
    /// `ESRCH` when it has been waited for.
    pub fn signal(&self, signal: Signal) -> nix::Result<()> {
        if self.state() == State::Gone { Err(Errno::ESRCH) } else { kill(self.pid, signal) }
    }

    /// Sends a signal to it and to all processes of its group, as Ctrl-C in a terminal does.
    ///
    /// # Errors
    /// As [`signal`](ChildProcess::signal).
    pub fn signal_group(&self, signal: Signal) -> nix::Result<()> {
        if self.state() == State::Gone { Err(Errno::ESRCH) } else { killpg(self.pid, signal) }
    }

    /// The next line that it prints on stdout; `None` when it prints none in this time, or has ended.
    pub fn next_line(&mut self, bound: Duration) -> Option<String> {
        let (line, next) = self.stdout.line(self.next_line, bound)?;
        self.next_line = next;
        Some(line)
    }

    /// How it ended, if it has. What it has left of its group ends with it.
    pub fn try_wait(&mut self) -> Option<Ended> {
        self.ended = match (self.ended, self.state()) {
            (Some(ended), _) => Some(ended),
            (None, State::Running) => None,
            (None, State::Zombie) => {
                let _ = killpg(self.pid, Signal::SIGKILL);
                Some(reap(self.pid))
            }
            (None, State::Gone) => Some(Ended { status: None, usage: Usage::default() }),
        };
        self.ended
    }

    /// Whether it has ended by itself, and not well. It stays to be waited for, so that [`stop`](ChildProcess::stop) knows its cost.
    #[must_use]
    pub fn has_died(&self) -> bool {
        let look = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        match waitid(Id::Pid(self.pid), look) {
            Ok(WaitStatus::Exited(_, status)) => status != 0,
            Ok(WaitStatus::Signaled(..)) => true,
            _ => false,
        }
    }

    /// Waits for its end, at most this time.
    pub fn wait(&mut self, bound: Duration) -> Option<Ended> {
        let deadline = Instant::now() + bound;
        loop {
            let ended = self.try_wait();
            if ended.is_some() || Instant::now() >= deadline {
                return ended;
            }
            sleep(Duration::from_millis(2));
        }
    }

    /// Stops it with SIGTERM; its whole group with SIGKILL, if it has not ended within 10 s.
    pub fn stop(&mut self) -> Ended {
        let _ = self.signal(Signal::SIGTERM);
        self.wait(STOP_TIME).unwrap_or_else(|| self.kill())
    }

    /// Ends it and its group with SIGKILL.
    pub fn kill(&mut self) -> Ended {
        let _ = self.signal_group(Signal::SIGKILL);
        loop {
            if let Some(ended) = self.wait(STOP_TIME) {
                return ended;
            }
        }
    }

    fn state(&self) -> State {
        if self.ended.is_some() {
            return State::Gone;
        }
        let look = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        loop {
            match waitid(Id::Pid(self.pid), look) {
                Ok(WaitStatus::StillAlive) => return State::Running,
                Ok(_) => return State::Zombie,
                Err(Errno::EINTR) => {}
                Err(_) => return State::Gone, // ECHILD: somebody else has waited for it
            }
        }
    }
}

impl Drop for ChildProcess {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Ended {
    /// Whether its exit status is 0.
    #[must_use]
    pub fn success(&self) -> bool {
        self.status.is_some_and(|status| status.success())
    }

    /// Its exit status, if no signal ended it.
    #[must_use]
    pub fn code(&self) -> Option<i32> {
        self.status?.code()
    }
}

/// As an [`ExitStatus`].
impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            Some(status) => status.fmt(f),
            None => f.write_str("exit status unknown"),
        }
    }
}

/// Waits for a process that has ended.
fn reap(pid: Pid) -> Ended {
    let mut status = 0;
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    loop {
        // SAFETY: both pointers are valid for the call.
        let reaped = unsafe { libc::wait4(pid.as_raw(), &raw mut status, 0, usage.as_mut_ptr()) };
        if reaped == -1 && Errno::last() == Errno::EINTR {
            continue;
        }
        // SAFETY: an rusage consists of integers; they are zero where the call has not written them.
        let usage = unsafe { usage.assume_init() };
        let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
        return Ended {
            status: (reaped == pid.as_raw()).then(|| ExitStatus::from_raw(status)),
            usage: Usage {
                cpu_ms: (seconds(usage.ru_utime) + seconds(usage.ru_stime)) * 1e3,
                context_switches: (usage.ru_nvcsw + usage.ru_nivcsw).cast_unsigned(),
            },
        };
    }
}
