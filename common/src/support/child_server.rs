//! Servers as processes of their own: started, waited for until they listen, stopped, and nothing of them left.
//!
//! ```text
//!   spawn, in a group of its own ──► stdout: LISTENING <address>, or its port in the kernel's table ──► address
//!   stop, or drop ──► SIGTERM ──► it ends ──► SIGKILL for what it has left behind ──► exit status, what it used
//!                        └─ not within 10 s ──► SIGKILL for the whole group
//! ```
//!
//! A server of its own has memory and processor time of its own, and its stop is a signal, as for any server. Demonstrations,
//! comparisons, benches and tests start their servers here, and nowhere else.

mod process;
mod transcript;

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
pub use process::{ChildProcess, Ended, Usage};
pub use transcript::Transcript;

/// How long a server may take until it listens.
const START_TIME: Duration = Duration::from_secs(20);

/// This program again, with these arguments.
///
/// # Errors
/// The program is not found again.
pub fn this_program(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe().context("cannot find this program again")?);
    command.args(arguments);
    Ok(command)
}

/// A server that runs. Dropped, it is stopped.
#[derive(Debug)]
pub struct ChildServer {
    /// Its process.
    pub process: ChildProcess,
    /// Where it listens.
    pub address: SocketAddr,
}

impl ChildServer {
    /// Starts a server that says where it listens: `LISTENING <address>` is its first line on stdout. Its stdin is empty; its
    /// stderr is what `command` says: inherited, or `Stdio::piped()` to be read, or `Stdio::null()`.
    ///
    /// # Errors
    /// It cannot be started, ends, says something else first, or says nothing for 20 s.
    pub fn start(command: &mut Command) -> anyhow::Result<ChildServer> {
        let mut process = spawn(command)?;
        let address = process.listening()?;
        Ok(ChildServer { process, address })
    }

    /// Starts a server that was told to listen on this port of 127.0.0.1, and does not say when it does.
    ///
    /// # Errors
    /// It cannot be started, ends, or does not listen within 20 s.
    pub fn start_on(port: u16, command: &mut Command) -> anyhow::Result<ChildServer> {
        ChildServer::start_on_within(START_TIME, port, command)
    }

    /// The same for a server that may take this long.
    ///
    /// # Errors
    /// As [`start_on`](ChildServer::start_on).
    pub fn start_on_within(bound: Duration, port: u16, command: &mut Command) -> anyhow::Result<ChildServer> {
        let mut process = spawn(command)?;
        let began = Instant::now();
        // To try a connection instead would use up the one client of a server that serves but one.
        while !is_listening(port) {
            if let Some(ended) = process.try_wait() {
                bail!("it ended before it listened on port {port} ({ended}){}", process.last_words());
            }
            if began.elapsed() > bound {
                bail!("it does not listen on port {port}{}", process.last_words());
            }
            sleep(Duration::from_millis(5)); // the kernel has no event for this
        }
        Ok(ChildServer { process, address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)) })
    }

    /// The number of its process, which leads its group.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.pid().as_raw().cast_unsigned()
    }

    /// Stops it, as [`ChildProcess::stop`].
    pub fn stop(mut self) -> Ended {
        self.process.stop()
    }
}

fn spawn(command: &mut Command) -> anyhow::Result<ChildProcess> {
    ChildProcess::spawn(command.stdin(Stdio::null()).stdout(Stdio::piped())).context("cannot start it")
}

impl ChildProcess {
    /// Waits until it says `LISTENING <address>`, its first line on a stdout that is piped.
    ///
    /// # Errors
    /// It ends, says something else, or says nothing for 20 s; with its exit status and its last words on stderr.
    pub fn listening(&mut self) -> anyhow::Result<SocketAddr> {
        let line = self.next_line(START_TIME);
        let said = line.as_deref().and_then(|line| line.strip_prefix("LISTENING ")?.parse().ok());
        if let Some(address) = said {
            return Ok(address);
        }
        // It has most likely ended; its status says more than its silence.
        let how = match (self.wait(Duration::from_secs(1)), &line) {
            (Some(ended), _) => format!("it ended before it listened ({ended})"),
            (None, Some(_)) => "it does not say where it listens".into(),
            (None, None) => format!("it has not said within {START_TIME:?} where it listens"),
        };
        let words = line.map_or(String::new(), |line| format!(": its first line is {line:?}"));
        bail!("{how}{words}{}", self.last_words())
    }

    /// The last lines on stderr, if that is piped, for an error message.
    fn last_words(&self) -> String {
        let text = self.stderr.wait_for_end(Duration::from_millis(100)).unwrap_or_else(|so_far| so_far);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(3)..].iter().map(|line| format!("\n  {line}")).collect()
    }
}

/// A port that was free a moment ago, for a server that must be told one.
///
/// # Errors
/// There is no free port.
pub fn free_port() -> io::Result<u16> {
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
mod tests;
