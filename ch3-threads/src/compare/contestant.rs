//! One who takes part in the comparison: a model of ours or a user's own server, as a process of its own.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use common::report::ServerCost;
use common::support::child_server::{ChildServer, free_port, this_program};
use common::support::cli::human;

use super::usage::Watcher;
use crate::model::Model;

/// Who takes part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contestant {
    /// One of ours, with its number of workers if that was chosen.
    Model(Model, Option<usize>),
    /// A user's command; `{port}`, `{service}` and `{delay_ms}` in it are replaced.
    Command(String),
}

/// A server that runs.
pub struct RunningServer {
    server: ChildServer,
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
    pub fn start(
        &self,
        service: &str,
        delay: Duration,
        trace: Option<&Path>,
    ) -> anyhow::Result<RunningServer> {
        let server = match self {
            Contestant::Model(model, workers) => {
                let mut command = this_program(["serve", "--model", &model.name(), "--service", service])?;
                command.args(["--listenport", "0"]).stderr(Stdio::piped());
                command.args(["--delay", &human(delay), "--log", "warn"]);
                if let Some(workers) = workers {
                    command.args(["--workers", &workers.to_string()]);
                }
                if let Some(path) = trace {
                    command.arg("--trace").arg(path);
                }
                ChildServer::start(&mut command)?
            }
            Contestant::Command(text) => {
                let port = free_port()?;
                let text = text
                    .replace("{port}", &port.to_string())
                    .replace("{service}", service)
                    .replace("{delay_ms}", &delay.as_millis().to_string());
                let mut command = Command::new("sh");
                command.arg("-c").arg(format!("exec {text}")).stderr(Stdio::piped());
                ChildServer::start_on(port, &mut command)?
            }
        };
        Ok(RunningServer { watcher: Watcher::start(server.id()), server })
    }
}

impl RunningServer {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address
    }

    /// [`ChildProcess::has_died`](common::support::child_server::ChildProcess::has_died).
    pub fn has_died(&self) -> bool {
        self.server.process.has_died()
    }

    /// Stops it. What it used, the peaks that were seen while it ran, and whether its exit status was 0.
    pub fn stop(self) -> (ServerCost, bool) {
        let peak = self.watcher.finish(self.server.id());
        let ended = self.server.stop();
        let cost = ServerCost {
            cpu_ms: ended.usage.cpu_ms,
            context_switches: ended.usage.context_switches,
            peak_rss_kib: peak.rss_kib,
            threads: peak.threads,
            processes: peak.processes,
        };
        (cost, ended.success())
    }
}
