//! The servers: each our child, on a free port of 127.0.0.1, with a directory of its own, and stopped by us.
//!
//! A server is started when it is first asked for, and runs on while others are measured: it has nothing to do then.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::rc::Rc;

use common::bench::machine::Pins;
use common::bench::peers::{Peer, redis_server};
use common::support::child_server::{ChildProcess, ChildServer, free_port, this_program};
use tempfile::TempDir;

use super::contestant::{Contestant, Program};
use files::START_TIME;

mod files;
mod rabbitmq;

/// A server that runs.
#[derive(Debug)]
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    // Dropped in this order: epmd ends when no node needs it any more.
    process: Option<ChildServer>,
    #[expect(dead_code, reason = "held, so that it runs as long as the node")]
    epmd: Option<ChildProcess>,
    directory: Rc<TempDir>,
}

impl Server {
    /// The number of its process, if it is ours.
    pub fn id(&self) -> Option<u32> {
        self.process.as_ref().map(ChildServer::id)
    }

    /// Where its data is.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Ends it at once, with all its processes, and leaves its directory.
    pub fn kill(mut self) -> Rc<TempDir> {
        if let Some(server) = &mut self.process {
            server.process.kill();
        }
        self.directory
    }
}

/// All servers, and what was found of the programs of others.
#[derive(Debug)]
pub struct Servers {
    pins: Pins,
    /// A broker that runs already, in the place of ours.
    broker: Option<SocketAddr>,
    rabbitmq: Peer,
    epmd: Peer,
    nats: Peer,
    redis: Peer,
    running: RefCell<BTreeMap<(Program, bool), Rc<Server>>>,
}

impl Servers {
    /// None runs.
    ///
    /// # Errors
    /// There is no directory for data.
    pub fn find(pins: Pins, broker: Option<SocketAddr>) -> anyhow::Result<Servers> {
        Ok(Servers {
            pins,
            broker,
            rabbitmq: rabbitmq::find(),
            epmd: Peer::find("epmd", &["-help"]),
            nats: Peer::find("nats-server", &["--version"]),
            redis: Peer::find("redis-server", &["--version"]),
            running: RefCell::default(),
        })
    }

    /// The versions of others, or that they take no part; and where data is written.
    pub fn describe(&self) -> Vec<String> {
        let data = format!("data in {}", std::env::temp_dir().display());
        [&self.rabbitmq, &self.nats, &self.redis].map(Peer::describe).into_iter().chain([data]).collect()
    }

    /// Why one takes no part, if it does not.
    pub fn obstacle(&self, contestant: Contestant) -> Option<String> {
        let peer = match contestant.program()? {
            Program::Least | Program::Ours => return None,
            Program::RabbitMq if self.rabbitmq.is_there() => &self.epmd,
            Program::RabbitMq => &self.rabbitmq,
            Program::Nats => &self.nats,
            Program::Redis => &self.redis,
        };
        peer.command().err().map(|why| why.to_string())
    }

    /// The pins of servers, for what is measured without one.
    pub fn pins(&self) -> Pins {
        self.pins
    }

    /// A server that runs, started if there is none.
    pub fn running(&self, program: Program, is_durable: bool) -> anyhow::Result<Rc<Server>> {
        // RabbitMQ and the least server are the same program for both.
        let key = (program, is_durable && program != Program::RabbitMq);
        if let Some(server) = self.running.borrow().get(&key) {
            return Ok(Rc::clone(server));
        }
        let server = Rc::new(self.fresh(program, is_durable)?);
        self.running.borrow_mut().insert(key, Rc::clone(&server));
        Ok(server)
    }

    /// Those that start quickly end: idle servers are neighbours, too.
    pub fn rest(&self) {
        self.running.borrow_mut().retain(|(program, _), _| *program == Program::RabbitMq);
    }

    /// A server that has only just started.
    pub fn fresh(&self, program: Program, is_durable: bool) -> anyhow::Result<Server> {
        let directory = tempfile::Builder::new().prefix("ch6-compare-").tempdir()?;
        self.start(program, is_durable, Rc::new(directory))
    }

    /// A server over a directory that another one has left.
    pub fn start(
        &self,
        program: Program,
        is_durable: bool,
        directory: Rc<TempDir>,
    ) -> anyhow::Result<Server> {
        self.pins.go_to_servers()?;
        let server = self.start_here(program, is_durable, directory);
        self.pins.go_to_generator()?;
        server
    }

    fn start_here(
        &self,
        program: Program,
        is_durable: bool,
        directory: Rc<TempDir>,
    ) -> anyhow::Result<Server> {
        let data = directory.path();
        let mut epmd = None;
        let process = match program {
            Program::Least => {
                let mut command = this_program(["least-server"])?;
                if is_durable {
                    command.arg("--data").arg(data.join("least.log"));
                }
                ChildServer::start(command.stderr(Stdio::piped()))?
            }
            Program::Ours => {
                if let Some(address) = self.broker {
                    return Ok(Server { address, process: None, epmd: None, directory });
                }
                let mut command = this_program(["broker", "-p", "0", "--log", "warn"])?;
                if is_durable {
                    command.arg("--data").arg(data);
                }
                ChildServer::start(command.stderr(Stdio::piped()))?
            }
            Program::RabbitMq => {
                let (server, mapper) = rabbitmq::start(&self.rabbitmq, &self.epmd, data)?;
                epmd = Some(mapper);
                server
            }
            Program::Nats => {
                let port = free_port()?;
                let mut nats = self.nats.command()?;
                start_on(port, nats.args(["-a", "127.0.0.1", "-p", &port.to_string()]))?
            }
            Program::Redis => {
                let port = free_port()?;
                let mut redis = redis_server(&self.redis, port)?;
                redis.arg("--dir").arg(data);
                if is_durable {
                    redis.args(["--appendonly", "yes", "--appendfsync", "always"]);
                }
                start_on(port, &mut redis)?
            }
        };
        Ok(Server { address: process.address, process: Some(process), epmd, directory })
    }
}

fn start_on(port: u16, command: &mut Command) -> anyhow::Result<ChildServer> {
    ChildServer::start_on_within(START_TIME, port, command.stderr(Stdio::piped()))
}
