//! Who takes part under which load, with how many workers, and who cannot and why.

use std::process::Command;
use std::str::FromStr;

use anyhow::{Context, bail};
use ch3_threads::model::Model;
use clap::ValueEnum;
use common::bench::machine::Pins;
use common::loadgen::Exchange;
use common::support::child_server::{ChildServer, this_program};

use super::loads::Load;
use super::peers::{self, Launch, Peers};

/// A contestant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// The minimal loop that everybody is compared with.
    Limit,
    /// One of ours.
    Model(Model),
    /// redis-server.
    Redis,
    /// nginx.
    Nginx,
    /// `socketserver.ThreadingTCPServer`.
    PythonThreading,
    /// `socketserver.ForkingTCPServer`.
    PythonForking,
}

/// The models that one loop runs, and that should come close to the limit.
pub const EVENT_DRIVEN: [Model; 4] = [Model::Epoll, Model::Poll, Model::Tokio, Model::IoUring];

/// Who may take part at all.
pub struct Field<'a> {
    /// Only those, and the limit; empty: all.
    pub only: &'a [Who],
    /// All are measured for the full time.
    pub full: bool,
}

/// One who takes part under a load.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// Who.
    pub who: Who,
    /// With so many workers, where its own number will not do.
    pub workers: Option<usize>,
    /// In short rounds: no goal names it.
    pub short: bool,
}

/// A server that runs, and what to say to it.
pub struct Server {
    /// The process.
    pub process: ChildServer,
    /// `None`: it echoes, or answers a number.
    pub exchange: Option<Exchange>,
}

impl Who {
    /// The name on the command line and in the tables.
    pub fn name(self) -> String {
        match self {
            Who::Limit => "limit".into(),
            Who::Model(model) => model.name(),
            Who::Redis => "redis".into(),
            Who::Nginx => "nginx".into(),
            Who::PythonThreading => "python-threading".into(),
            Who::PythonForking => "python-forking".into(),
        }
    }

    /// In the order of the tables.
    fn all() -> impl Iterator<Item = Who> {
        let others = [Who::Redis, Who::Nginx, Who::PythonThreading, Who::PythonForking];
        [Who::Limit].into_iter().chain(Model::ALL.map(Who::Model)).chain(others)
    }

    /// Whether a goal is about it under this load.
    fn has_goal(self, load: &Load) -> bool {
        match self {
            Who::Limit => true,
            Who::Model(model) if EVENT_DRIVEN.contains(&model) => {
                load.clients > 1 && (model == Model::Epoll || !load.connects())
            }
            Who::Redis => load.clients > 1 && !load.connects(),
            Who::Model(Model::ThreadPool) | Who::PythonThreading => load.clients == 1000,
            Who::Model(Model::ForkPerConnection | Model::Prefork) | Who::PythonForking => load.connects(),
            Who::Model(_) | Who::Nginx => false,
        }
    }

    /// How many workers it needs here, if it is not to be its own number; why it cannot take part.
    fn workers(self, load: &Load) -> Result<Option<usize>, String> {
        let clients = load.clients;
        let Who::Model(model) = self else {
            return match self {
                Who::PythonForking if clients > 50 => Err(format!("{clients} processes make no sense")),
                _ => Ok(None),
            };
        };
        if let Err(error) = model.available() {
            return Err(error.to_string());
        }
        if model == Model::OneClient && load.connects() {
            return Err("it serves one connection and ends".into());
        }
        if load.connects() {
            return Ok(None);
        }
        match model {
            Model::ForkPerConnection | Model::Prefork | Model::FdPassing | Model::Pipeline
                if clients > 50 =>
            {
                Err(format!("it needs a process or a receiver for each of {clients} clients"))
            }
            Model::PreforkReuseport if clients > 1 => {
                Err("the kernel's hash may seat two clients at one child, and the second waits".into())
            }
            _ => match model.seats(model.default_workers()) {
                Some(seats) if seats >= clients => Ok(None),
                Some(_) if model.has_workers() && model != Model::ProcessPipeline => Ok(Some(clients)),
                Some(seats) => Err(format!("it serves {seats} at once")),
                None => Ok(None),
            },
        }
    }
}

impl FromStr for Who {
    type Err = String;

    fn from_str(name: &str) -> Result<Who, String> {
        Who::all().find(|who| who.name() == name).ok_or_else(|| {
            let known: Vec<String> = Who::all().map(Who::name).collect();
            format!("nobody is called so; there are {}", known.join(", "))
        })
    }
}

impl Field<'_> {
    /// Who takes part under this load, the limit first; and why who does not.
    pub fn entries(&self, load: &Load) -> Vec<(Who, Result<Entry, String>)> {
        Who::all()
            .filter(|who| *who == Who::Limit || self.only.is_empty() || self.only.contains(who))
            .map(|who| {
                let short = !self.full && !self.only.contains(&who) && !who.has_goal(load);
                (who, who.workers(load).map(|workers| Entry { who, workers, short }))
            })
            .collect()
    }
}

impl Entry {
    /// What is particular to it here.
    pub fn note(&self) -> String {
        let workers = self.workers.map(|workers| format!("--workers {workers}"));
        let short = self.short.then(|| "short rounds".to_string());
        workers.into_iter().chain(short).collect::<Vec<_>>().join(", ")
    }

    /// Starts it on the servers' processor.
    ///
    /// # Errors
    /// It is not installed, or does not come up.
    pub fn start(&self, load: &Load, pins: Pins, peers: &Peers) -> anyhow::Result<Server> {
        let launch = self.launch(load, peers)?;
        pins.go_to_servers()?;
        let process = launch.start().with_context(|| self.who.name());
        pins.go_to_generator()?;
        let process = process?;
        let exchange = match self.who {
            Who::Redis => peers::redis_exchange(load.bytes),
            Who::Nginx => peers::nginx_exchange(process.address, load.bytes)?,
            _ => None,
        };
        Ok(Server { process, exchange })
    }

    fn launch(&self, load: &Load, peers: &Peers) -> anyhow::Result<Launch> {
        match self.who {
            Who::Limit => {
                limit(if load.connects() { super::limit::Kind::Answer } else { super::limit::Kind::Echo })
            }
            Who::Model(model) => {
                let mut command = Command::new(env!("CARGO_BIN_EXE_ch3-threads"));
                command.args(["serve", "--model", &model.name(), "--service", load.service()]);
                command.args(["--listenport", "0", "--log", "warn"]);
                if let Some(workers) = self.workers {
                    command.args(["--workers", &workers.to_string()]);
                }
                Ok(Launch { command, port: None })
            }
            Who::Redis => peers.redis(),
            Who::Nginx => peers.nginx(load.bytes),
            Who::PythonThreading => peers.python("ThreadingMixIn", load.service()),
            Who::PythonForking => peers.python("ForkingMixIn", load.service()),
        }
    }
}

/// This program again, as a minimal server.
///
/// # Errors
/// It cannot be found again.
pub fn limit(kind: super::limit::Kind) -> anyhow::Result<Launch> {
    let Some(kind) = kind.to_possible_value() else { bail!("a hidden kind of server") };
    Ok(Launch { command: this_program(["limit-server", kind.get_name()])?, port: None })
}
