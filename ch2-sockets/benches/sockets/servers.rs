//! The bench's own servers: this program again, with a hidden command.

use std::process::Command;

use clap::Subcommand;
use common::core::workers::die_with_parent;
use nix::unistd::getppid;

use super::child::Running;
use super::{echo, limit, quic, sessions, tcp};

/// What the bench runs itself as.
#[derive(Debug, Clone, Copy, PartialEq, Subcommand)]
pub enum BenchServer {
    /// Answers session requests of any size with one byte
    #[command(hide = true)]
    Sessions {
        /// The fraction of incoming datagrams that it loses
        #[arg(long, default_value_t = 0.0)]
        loss: f64,
        /// Decides which
        #[arg(long, default_value_t = 0)]
        seed: u64,
    },
    /// Answers messages on TCP with one byte each
    #[command(hide = true)]
    Tcp,
    /// The same on QUIC
    #[command(hide = true)]
    Quic,
    /// Takes datagrams and counts them
    #[command(hide = true)]
    Limit,
    /// A minimal UDP echo
    #[command(hide = true)]
    Echo,
}

impl BenchServer {
    /// Starts it in a process of its own.
    ///
    /// # Errors
    /// It does not start.
    pub fn start(self) -> anyhow::Result<Running> {
        let mut command = Command::new(std::env::current_exe()?);
        match self {
            BenchServer::Sessions { loss, seed } => {
                command.args(["sessions", "--loss", &loss.to_string(), "--seed", &seed.to_string()]);
            }
            BenchServer::Tcp => drop(command.arg("tcp")),
            BenchServer::Quic => drop(command.arg("quic")),
            BenchServer::Limit => drop(command.arg("limit")),
            BenchServer::Echo => drop(command.arg("echo")),
        }
        Running::start(command)
    }

    /// Serves until it is killed.
    ///
    /// # Errors
    /// What the system refuses.
    pub fn serve(self) -> anyhow::Result<()> {
        die_with_parent(getppid())?;
        match self {
            BenchServer::Sessions { loss, seed } => sessions::serve(loss, seed),
            BenchServer::Tcp => tcp::serve(),
            BenchServer::Quic => quic::serve(),
            BenchServer::Limit => limit::serve(),
            BenchServer::Echo => echo::serve(),
        }
    }
}
