//! A server as a process of its own: started, waited for until it listens, stopped, and asked what it cost.
//!
//! ```text
//!   spawn in a group of its own ──► LISTENING addr:port on stdout, or its port in the kernel's table
//!   SIGTERM to the group ──► waitpid: what it used, its children included ──► SIGKILL for what it left behind
//! ```

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Seek};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;

/// How long a server may take until it listens, and until it has ended after SIGTERM.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A server that runs. Whoever drops it instead of stopping it kills it, and all that it has started.
pub struct ServerProcess {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    stderr: File,
    ended: bool,
}

/// What a server used from its start to its end, its children included.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ResourceUsage {
    /// Time on a processor, user and system, milliseconds.
    pub cpu_ms: f64,
    /// Context switches, voluntary or not.
    pub context_switches: u64,
}

impl ServerProcess {
    /// Starts it and waits until it listens: on `port`, if it was told one, else where its first line of output,
    /// `LISTENING <addr>:<port>`, says. It runs on the processors on which the calling thread may run.
    ///
    /// # Errors
    /// It cannot be started, ends, or does not listen within 10 s; with its last words on stderr.
    pub fn start(mut command: Command, port: Option<u16>) -> anyhow::Result<ServerProcess> {
        let stderr = tempfile::tempfile().context("no temporary file for the server's log")?;
        // A group of its own: Ctrl-C is ours to pass on, and whatever the server starts ends with it.
        command.process_group(0).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(stderr.try_clone()?);
        let child = command.spawn().context("cannot start it")?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port.unwrap_or(0)));
        let mut process = ServerProcess { child, address, stderr, ended: false };
        let ready = if port.is_none() { process.await_word() } else { process.await_port() };
        if let Err(error) = ready {
            let log = process.log();
            bail!("{error:#}{log}");
        }
        Ok(process)
    }

    /// Its process, which leads its group.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has ended by itself, and not well. It stays to be waited for, so that [`stop`](ServerProcess::stop) knows its cost.
    #[must_use]
    pub fn has_died(&self) -> bool {
        let look = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        match waitid(Id::Pid(self.group()), look) {
            Ok(WaitStatus::Exited(_, status)) => status != 0,
            Ok(WaitStatus::Signaled(..)) => true,
            _ => false,
        }
    }

    /// Stops it with SIGTERM, its group with SIGKILL if it will not end within 10 s, and says what it cost; `false`
    /// beside it when it had to be killed or ended with a failure.
    pub fn stop(mut self) -> (ResourceUsage, bool) {
        let _ = killpg(self.group(), Signal::SIGTERM);
        let deadline = Instant::now() + TIMEOUT;
        // The kernel adds what a process used, its children included, to its parent's account when it is waited for.
        // One at a time, so that each sees its own.
        static ACCOUNT: Mutex<()> = Mutex::new(());
        loop {
            {
                let _account = ACCOUNT.lock().unwrap_or_else(PoisonError::into_inner);
                let before = getrusage(UsageWho::RUSAGE_CHILDREN);
                if let Ok(Some(status)) = self.child.try_wait() {
                    self.ended = true;
                    let used = match (before, getrusage(UsageWho::RUSAGE_CHILDREN)) {
                        (Ok(before), Ok(after)) => ResourceUsage {
                            cpu_ms: cpu_ms(&after) - cpu_ms(&before),
                            context_switches: switches(&after) - switches(&before),
                        },
                        _ => ResourceUsage::default(),
                    };
                    let _ = killpg(self.group(), Signal::SIGKILL); // what it may have left behind
                    return (used, status.success());
                }
            }
            if Instant::now() > deadline {
                let _ = killpg(self.group(), Signal::SIGKILL);
            }
            sleep(Duration::from_millis(2));
        }
    }

    fn group(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }

    /// Waits for `LISTENING <addr>:<port>` on its standard output.
    fn await_word(&mut self) -> anyhow::Result<()> {
        let mut line = String::new();
        let stdout = self.child.stdout.as_mut().context("its output is not ours")?;
        BufReader::new(stdout).read_line(&mut line)?;
        let address = line.trim().strip_prefix("LISTENING ").context("it ended before it listened")?;
        self.address = address.parse()?;
        Ok(())
    }

    /// Waits until the kernel's table has a listening socket on the port. To try a connection instead would use up the
    /// one client of a server that serves but one.
    fn await_port(&mut self) -> anyhow::Result<()> {
        let began = Instant::now();
        while !is_listening(self.address.port()) {
            if let Some(status) = self.child.try_wait()? {
                bail!("it ended before it listened on port {} ({status})", self.address.port());
            }
            if began.elapsed() > TIMEOUT {
                bail!("it does not listen on port {}", self.address.port());
            }
            sleep(Duration::from_millis(5)); // the kernel has no event for this
        }
        Ok(())
    }

    /// Its last lines on stderr, for an error message.
    fn log(&mut self) -> String {
        let mut text = String::new();
        let read = self.stderr.rewind().and_then(|()| self.stderr.read_to_string(&mut text));
        let lines: Vec<&str> = text.lines().collect();
        match read {
            Ok(_) if !lines.is_empty() => {
                format!("\n  {}", lines[lines.len().saturating_sub(3)..].join("\n  "))
            }
            _ => String::new(),
        }
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        if !self.ended {
            let _ = killpg(self.group(), Signal::SIGKILL);
            let _ = self.child.wait();
        }
    }
}

/// Time on a processor, user and system, milliseconds.
#[must_use]
pub fn cpu_ms(usage: &Usage) -> f64 {
    let (user, system) = (usage.user_time(), usage.system_time());
    (user.tv_sec() + system.tv_sec()) as f64 * 1e3 + (user.tv_usec() + system.tv_usec()) as f64 / 1e3
}

fn switches(usage: &Usage) -> u64 {
    (usage.voluntary_context_switches() + usage.involuntary_context_switches()).cast_unsigned()
}

/// A port that was free a moment ago. A user's server that cannot say its port must be told one.
///
/// # Errors
/// There is no free port.
pub fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Whether some socket listens on this port, by the kernel's tables (proc_net(5): state `0A`, port in hexadecimal).
fn is_listening(port: u16) -> bool {
    let wanted = format!(":{port:04X}");
    ["/proc/net/tcp", "/proc/net/tcp6"].iter().filter_map(|path| fs::read_to_string(path).ok()).any(|table| {
        table.lines().skip(1).any(|line| {
            let mut fields = line.split_whitespace();
            fields.nth(1).is_some_and(|local| local.ends_with(&wanted)) && fields.nth(1) == Some("0A")
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_died_is_told_from_one_that_has_done_its_work() {
        let ended = |script: &str| {
            let mut command = Command::new("sh");
            command.args(["-c", &format!("echo LISTENING 127.0.0.1:1; {script}")]);
            let process = ServerProcess::start(command, None).unwrap();
            let state = || fs::read_to_string(format!("/proc/{}/stat", process.id())).unwrap_or_default();
            while !state().contains(") Z") {
                sleep(Duration::from_millis(2));
            }
            (process.has_died(), process.stop().1)
        };
        assert_eq!(ended("exit 3"), (true, false));
        assert_eq!(ended("kill -9 $$"), (true, false));
        assert_eq!(ended("exit 0"), (false, true));
    }

    #[test]
    fn finds_a_listening_socket_in_the_kernels_table() {
        // Another program may take a port as soon as it is free; it does not take one after the other.
        let is_found_only_while_it_listens = || {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let port = listener.local_addr().unwrap().port();
            assert!(is_listening(port));
            drop(listener);
            !is_listening(port)
        };
        assert!((0..10).any(|_| is_found_only_while_it_listens()));
    }
}
