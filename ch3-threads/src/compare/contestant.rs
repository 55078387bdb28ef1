//! One who takes part in the comparison: a model of ours or a user's own server, as a process of its own.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Seek};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use common::cli::human;
use common::report::ServerCost;

use super::usage::Watcher;
use crate::model::Model;

/// How long a server may take until it listens, and until it has ended after SIGTERM.
const PATIENCE: Duration = Duration::from_secs(10);

/// Who takes part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contestant {
    /// One of ours, with its number of workers if that was chosen.
    Model(Model, Option<usize>),
    /// A user's command; `{port}`, `{service}` and `{delay_ms}` in it are replaced.
    Command(String),
}

/// A server that runs.
pub struct Running {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    stderr: File,
    watcher: Watcher,
}

impl Contestant {
    /// Its name in the table.
    pub fn name(&self) -> String {
        match self {
            Contestant::Model(model, None) => model.name(),
            Contestant::Model(model, Some(workers)) if model.has_workers() => {
                format!("{} ×{workers}", model.name())
            }
            Contestant::Model(model, Some(_)) => model.name(),
            Contestant::Command(command) => command.clone(),
        }
    }

    /// What it is, in a line.
    pub fn about(&self) -> &str {
        match self {
            Contestant::Model(model, _) => model.about(),
            Contestant::Command(_) => "your own server",
        }
    }

    /// Why it cannot take part here, if it cannot.
    pub fn obstacle(&self) -> Option<String> {
        match self {
            Contestant::Model(model, _) => model.available().err().map(|error| error.to_string()),
            Contestant::Command(_) => None,
        }
    }

    /// Starts it and waits until it listens.
    pub fn start(&self, service: &str, delay: Duration, journal: Option<&Path>) -> anyhow::Result<Running> {
        let stderr = tempfile::tempfile().context("no temporary file for the server's log")?;
        let mut port = 0;
        let mut command = match self {
            Contestant::Model(model, workers) => {
                let mut command = Command::new(std::env::current_exe()?);
                command.args(["serve", "--model", &model.name(), "--service", service, "--listenport", "0"]);
                command.args(["--delay", &human(delay), "--log", "warn"]);
                if let Some(workers) = workers {
                    command.args(["--workers", &workers.to_string()]);
                }
                if let Some(path) = journal {
                    command.arg("--journal").arg(path);
                }
                command
            }
            Contestant::Command(text) => {
                port = free_port()?;
                let text = text
                    .replace("{port}", &port.to_string())
                    .replace("{service}", service)
                    .replace("{delay_ms}", &delay.as_millis().to_string());
                let mut command = Command::new("sh");
                command.arg("-c").arg(format!("exec {text}"));
                command
            }
        };
        // A group of its own: Ctrl-C is ours to pass on, and whatever the server starts ends with it.
        command.process_group(0).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(stderr.try_clone()?);
        let child = command.spawn().with_context(|| format!("cannot start {}", self.name()))?;
        let watcher = Watcher::start(child.id());
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut running = Running { child, address, stderr, watcher };
        let ready = if port == 0 { running.await_word() } else { running.await_port() };
        if let Err(error) = ready {
            let log = running.log();
            running.stop();
            bail!("{error:#}{log}");
        }
        Ok(running)
    }
}

impl Running {
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
            if began.elapsed() > PATIENCE {
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

    /// Stops it with SIGTERM, its group with SIGKILL if it will not end, and says what it cost. `false` beside it when
    /// it had to be killed or ended with a failure.
    pub fn stop(mut self) -> (ServerCost, bool) {
        let peak = self.watcher.finish(self.child.id());
        let group = Pid::from_raw(self.child.id().cast_signed());
        let _ = killpg(group, Signal::SIGTERM);
        let deadline = Instant::now() + PATIENCE;
        // The kernel adds what a process used, its children included, to its parent's account when it is waited for.
        // One at a time, so that each sees its own.
        static ACCOUNT: Mutex<()> = Mutex::new(());
        loop {
            {
                let _account = ACCOUNT.lock().unwrap_or_else(PoisonError::into_inner);
                let before = getrusage(UsageWho::RUSAGE_CHILDREN);
                if let Ok(Some(status)) = self.child.try_wait() {
                    let cost = match (before, getrusage(UsageWho::RUSAGE_CHILDREN)) {
                        (Ok(before), Ok(after)) => ServerCost {
                            cpu_ms: cpu_ms(&after) - cpu_ms(&before),
                            context_switches: switches(&after) - switches(&before),
                            peak_rss_kib: peak.rss_kib,
                            threads: peak.threads,
                            processes: peak.processes,
                        },
                        _ => ServerCost::default(),
                    };
                    let _ = killpg(group, Signal::SIGKILL); // what it may have left behind
                    return (cost, status.success());
                }
            }
            if Instant::now() > deadline {
                let _ = killpg(group, Signal::SIGKILL);
            }
            sleep(Duration::from_millis(2));
        }
    }
}

fn cpu_ms(usage: &Usage) -> f64 {
    let (user, system) = (usage.user_time(), usage.system_time());
    (user.tv_sec() + system.tv_sec()) as f64 * 1e3 + (user.tv_usec() + system.tv_usec()) as f64 / 1e3
}

fn switches(usage: &Usage) -> u64 {
    (usage.voluntary_context_switches() + usage.involuntary_context_switches()).cast_unsigned()
}

/// A port that was free a moment ago. A user's server that cannot say its port must be told one.
fn free_port() -> anyhow::Result<u16> {
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
    fn finds_a_listening_socket_in_the_kernels_table() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(is_listening(port));
        drop(listener);
        assert!(!is_listening(port));
    }
}
