//! The server of a run: started for it, or found at an address; and what it uses meanwhile.

use std::fs;
use std::net::{SocketAddr, ToSocketAddrs};
use std::process::Stdio;

use anyhow::Context;
use common::bench::machine::process_ms;

use super::outcome::ServerUse;
use common::support::child_server::{ChildServer, this_program};

/// Starts one of this program's servers on a free port.
///
/// # Errors
/// It does not come up.
pub fn start(name: &str, more: &[&str]) -> anyhow::Result<ChildServer> {
    let mut command = this_program([name, "-p", "0", "--log", "warn"])?;
    command.args(more).stderr(Stdio::piped());
    ChildServer::start(&mut command).with_context(|| format!("the {name} that was to be measured"))
}

/// The address of a server that runs.
///
/// # Errors
/// There is no such host.
pub fn resolve(host: &str, port: u16) -> anyhow::Result<SocketAddr> {
    let mut addresses =
        (host, port).to_socket_addrs().with_context(|| format!("no host is called {host}"))?;
    addresses.next().with_context(|| format!("{host} has no address"))
}

/// Looks at the processor time of a server, when it is told to.
pub struct Watch<'a> {
    server: Option<&'a ChildServer>,
    used_ms: Vec<f64>,
}

impl<'a> Watch<'a> {
    /// `None` is a server that is not ours to look at.
    #[must_use]
    pub fn new(server: Option<&'a ChildServer>) -> Watch<'a> {
        Watch { server, used_ms: Vec::new() }
    }

    /// Looks.
    pub fn look(&mut self) {
        self.used_ms.extend(self.server.map(|server| process_ms(server.id())));
    }

    /// What it used between the first and the last look, so many seconds, for so many deliveries or guesses.
    #[must_use]
    pub fn used(&self, seconds: f64, count: u64) -> Option<ServerUse> {
        let (first, last) = (self.used_ms.first()?, self.used_ms.last()?);
        let (rss_mib, pss_mib) = memory_mib(self.server?.id());
        Some(ServerUse {
            cpu_us: (last - first) * 1e3 / count.max(1) as f64,
            busy: (last - first) / (seconds * 1e3),
            rss_mib,
            pss_mib,
        })
    }
}

/// Resident memory of a process, and its proportional share (proc_pid_smaps_rollup(5)), MiB.
fn memory_mib(pid: u32) -> (f64, f64) {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let value = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<f64>().ok()
    };
    (value("Rss:").unwrap_or(0.0) / 1024.0, value("Pss:").unwrap_or(0.0) / 1024.0)
}
