//! A cell for real: a client in this process, a server in a process of its own, and the relay of the lossy link between them.
//!
//! ```text
//! SocketCaller ══ relay, seeded ══ semantics serve --store FILE --crash …
//!                                       │ killed, by itself, with SIGKILL
//!                                       └── started again on the same port and the same file
//! ```
//!
//! How often a call was run is counted on the board, when the last server has ended and nothing is on its way.

use std::ops::RangeInclusive;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use common::netem::{Recorder, Relay, Settings};
use common::support::child_server::{ChildServer, this_program};

use super::cell::{CallRecord, Cell};
use super::disk::Disk;
use super::host::{Failpoint, HostConfig, Remembers, Work};
use super::label::label;
use super::outcome::Outcome;
use super::scenario::{Fault, Row, Severity};
use super::serve::crash_argument;
use super::simulated::text;
use super::socket::{SocketCaller, interrupted};

/// A server that is started again when it has crashed.
pub(super) struct Restarted {
    server: ChildServer,
    arguments: Vec<String>,
    /// How often it was started again.
    pub restarts: u64,
}

impl Restarted {
    /// Starts it over this store.
    pub fn start(config: &HostConfig, store: &Path, more: &[String]) -> anyhow::Result<Restarted> {
        let arguments: Vec<String> =
            arguments(config, store).into_iter().chain(more.iter().cloned()).collect();
        let server = ChildServer::start(&mut command(&arguments, 0)?)?;
        Ok(Restarted { server, arguments, restarts: 0 })
    }

    /// Where it listens, always at the same place.
    pub fn address(&self) -> std::net::SocketAddr {
        self.server.address
    }

    /// Starts it again if it was killed.
    pub fn look(&mut self) -> anyhow::Result<()> {
        let Some(ended) = self.server.process.try_wait() else { return Ok(()) };
        if ended.code().is_some() {
            bail!("the server has ended by itself: {ended}");
        }
        let server = ChildServer::start(&mut command(&self.arguments, self.server.address.port())?);
        self.server = server.context("the server cannot be started again")?;
        self.restarts += 1;
        Ok(())
    }

    /// Stops it, so that its store can be read.
    pub fn stop(self) {
        self.server.stop();
    }
}

fn command(arguments: &[String], port: u16) -> anyhow::Result<Command> {
    let mut command = this_program(["--log", "warn", "semantics", "serve", "-p", &port.to_string()])?;
    command.args(arguments).stderr(Stdio::piped());
    Ok(command)
}

fn arguments(config: &HostConfig, store: &Path) -> Vec<String> {
    let remember = match config.remembers {
        Remembers::Naive => "naive",
        Remembers::Volatile => "volatile",
        Remembers::Durable => "durable",
    };
    let mut arguments =
        vec!["--remember".into(), remember.into(), "--store".into(), store.display().to_string()];
    let Work { time, every } = config.work;
    if every > 0 {
        arguments.extend(["--work".into(), format!("{}ms:{every}", time.as_millis())]);
    }
    arguments.extend(
        config
            .failpoint
            .iter()
            .flat_map(|failpoint: &Failpoint| ["--crash".into(), crash_argument(*failpoint)]),
    );
    arguments
}

/// Runs a cell.
///
/// # Errors
/// The server cannot be started, a socket fails, or Ctrl-C has come.
pub fn measure(
    row: Row,
    fault: Fault,
    severity: &Severity,
    calls: u64,
    seed: u64,
    stop: &AtomicBool,
) -> anyhow::Result<Cell> {
    let folder = tempfile::tempdir().context("no folder for the store")?;
    let store = folder.path().join("store");
    let mut server = Restarted::start(&fault.host(row), &store, &[])?;
    let settings =
        Settings { tcp: false, label, ..Settings::new(server.address(), fault.profile(severity), seed) };
    let recorder = Arc::new(Recorder::new(None, true));
    let relay = Relay::bind(&settings)?.start(Arc::clone(&recorder))?;
    let mut caller = SocketCaller::connect(row.client(), relay.address())?;
    let mut ended: Vec<(u64, Outcome<u64>, RangeInclusive<u64>)> = Vec::new();
    for number in 1..=calls {
        let first = caller.last_sequence() + 1;
        let outcome = caller.publish(text(number).as_bytes(), &mut || {
            interrupted(stop)?;
            server.look()
        })?;
        ended.push((number, outcome, first..=caller.last_sequence()));
    }
    // What is still on its way may still be run, and may still kill the server.
    let rest = Instant::now() + fault.rest();
    while Instant::now() < rest {
        server.look()?;
        std::thread::sleep(Duration::from_millis(5));
    }
    let restarts = server.restarts;
    server.stop();
    let totals = relay.stop()?.udp.unwrap_or_default();
    let (events, _) = recorder.finish()?;
    let disk = Disk::open(&store).context("the store of the server")?;
    let record = |(number, outcome, sequences)| -> anyhow::Result<CallRecord> {
        let executions = disk.count(text(number).as_bytes())?;
        Ok(CallRecord { number, outcome, executions, sequences })
    };
    let calls: Vec<CallRecord> = ended.into_iter().map(record).collect::<anyhow::Result<_>>()?;
    let datagrams = totals.up.datagrams + totals.down.datagrams;
    Ok(Cell { row, fault, calls, datagrams, restarts, events })
}
