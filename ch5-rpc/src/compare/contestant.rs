//! Who takes part, and its server: a process of its own.

use std::process::{Command, Stdio};

use clap::ValueEnum;
use common::bench::peers::Peer;
use common::support::child_server::{ChildServer, this_program};
use serde::Serialize;

use super::load::Load;
use super::wire::FRAME;

const PYTHON: &str = include_str!("server.py");

/// Who takes part. From the barest wire to the most comfortable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Contestant {
    /// The protocol of chapter 2, a datagram a request
    RawUdp,
    /// The protocol of chapter 2, a connection a request
    TcpShort,
    /// The same requests over one connection, each with its length before it
    TcpLong,
    /// Length and bincode over tokio: the baseline
    Framed,
    /// tarpc as it comes, in bincode
    TarpcBare,
    /// `board-server`
    Tarpc,
    /// `board-server -t json`
    TarpcJson,
    /// `xmlrpc-server`, /RPC2
    XmlRpc,
    /// `xmlrpc-server`, /rpc
    JsonRpc,
    /// An object in the wire of Pyro 5
    Pyro,
    /// `SimpleXMLRPCServer` of Python
    PythonXmlRpc,
    /// No board: answers each request of XML-RPC with the same bytes. The ceiling of the load generator
    HttpEcho,
}

impl Contestant {
    /// As `--only` has it.
    pub fn name(self) -> &'static str {
        match self {
            Contestant::RawUdp => "raw-udp",
            Contestant::TcpShort => "tcp-short",
            Contestant::TcpLong => "tcp-long",
            Contestant::Framed => "framed",
            Contestant::TarpcBare => "tarpc-bare",
            Contestant::Tarpc => "tarpc",
            Contestant::TarpcJson => "tarpc-json",
            Contestant::XmlRpc => "xml-rpc",
            Contestant::JsonRpc => "json-rpc",
            Contestant::Pyro => "pyro",
            Contestant::PythonXmlRpc => "python-xml-rpc",
            Contestant::HttpEcho => "http-echo",
        }
    }

    /// Whether one connection carries many calls at once.
    pub fn is_multiplexed(self) -> bool {
        matches!(self, Contestant::Framed | Contestant::TarpcBare | Contestant::Tarpc | Contestant::TarpcJson)
    }

    /// Whether it has a part in this load at all.
    pub fn is_for(self, load: Load) -> bool {
        load.is_prepared() || self != Contestant::HttpEcho
    }

    /// What is particular to it under this load.
    pub fn note(self, load: Load) -> &'static str {
        match (load, self) {
            (_, Contestant::HttpEcho) => "the least server: the ceiling of the generator",
            (Load::Served | Load::Open, Contestant::TcpShort | Contestant::PythonXmlRpc) => {
                "a connection a call"
            }
            (Load::Many, Contestant::RawUdp) => "64 sockets",
            (Load::Many, Contestant::TcpShort | Contestant::PythonXmlRpc) => {
                "64 clients, a connection a call"
            }
            (Load::Many, _) if self.is_multiplexed() => "one connection",
            (Load::Many, _) => "64 connections",
            _ => "",
        }
    }

    /// Why it cannot do this, if it cannot.
    pub fn cannot(self, load: Load) -> Option<&'static str> {
        match (load, self) {
            (Load::Served | Load::Open, Contestant::RawUdp) => Some("the load generator speaks TCP"),
            (Load::AtOnce, Contestant::RawUdp) => Some("the protocol has no such request over UDP"),
            (Load::AtOnce, Contestant::XmlRpc | Contestant::JsonRpc | Contestant::PythonXmlRpc) => {
                Some("the interface has no such procedure")
            }
            (Load::Large | Load::Binary, Contestant::RawUdp) => Some("a datagram has 65 507 bytes at most"),
            (Load::Large, Contestant::Pyro) => Some("our server takes requests of 1 MiB at most"),
            _ => None,
        }
    }

    /// Starts its server and waits until it listens.
    pub fn start(self, wanted: &Wanted) -> anyhow::Result<ChildServer> {
        let frame = FRAME.to_string();
        let words: Vec<&str> = match self {
            Contestant::Tarpc => vec!["board-server", "--frame", &frame],
            Contestant::TarpcJson => vec!["board-server", "-t", "json", "--frame", &frame],
            Contestant::XmlRpc | Contestant::JsonRpc => vec!["xmlrpc-server"],
            Contestant::PythonXmlRpc => {
                let mut python: Command = wanted.python.command()?;
                python.args(["-c", PYTHON]).stderr(Stdio::piped());
                return ChildServer::start(&mut python);
            }
            _ => vec!["compare-server", self.name()],
        };
        let mut command = this_program(words)?;
        ChildServer::start(command.args(["-p", "0", "--log", "warn"]).stderr(Stdio::piped()))
    }
}

/// Who is to take part, and what was found of the programs of others.
#[derive(Debug)]
pub struct Wanted {
    /// In the order of the tables.
    pub contestants: Vec<Contestant>,
    /// Of the arrivals in the open loop.
    pub seed: u64,
    python: Peer,
}

impl Wanted {
    /// These, or all.
    pub fn find(only: &[Contestant]) -> Wanted {
        let is_asked = |one: &&Contestant| only.is_empty() || only.contains(one);
        let contestants = Contestant::value_variants().iter().filter(is_asked).copied().collect();
        Wanted { contestants, seed: 0, python: Peer::find("python3", &["--version"]) }
    }

    /// The versions of others, or that they take no part.
    pub fn peers(&self) -> Vec<String> {
        let is_asked = self.contestants.contains(&Contestant::PythonXmlRpc);
        is_asked.then(|| self.python.describe()).into_iter().collect()
    }

    /// Why one takes no part, if it does not.
    pub fn obstacle(&self, contestant: Contestant) -> Option<String> {
        let is_absent = contestant == Contestant::PythonXmlRpc && !self.python.is_there();
        is_absent.then(|| "python3 is not installed".to_owned())
    }
}
