//! The bench's own servers: this program again, with a hidden command.

use std::process::Stdio;

use clap::Subcommand;
use common::support::child_server::{ChildServer, this_program};

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
    pub fn start(self) -> anyhow::Result<ChildServer> {
        let arguments: &[&str] = match self {
            BenchServer::Sessions { loss, seed } => {
                &["sessions", "--loss", &loss.to_string(), "--seed", &seed.to_string()]
            }
            BenchServer::Tcp => &["tcp"],
            BenchServer::Quic => &["quic"],
            BenchServer::Limit => &["limit"],
            BenchServer::Echo => &["echo"],
        };
        ChildServer::start(this_program(arguments)?.stderr(Stdio::piped()))
    }

    /// Serves until it is stopped.
    ///
    /// # Errors
    /// What the system refuses.
    pub fn serve(self) -> anyhow::Result<()> {
        match self {
            BenchServer::Sessions { loss, seed } => sessions::serve(loss, seed),
            BenchServer::Tcp => tcp::serve(),
            BenchServer::Quic => quic::serve(),
            BenchServer::Limit => limit::serve(),
            BenchServer::Echo => echo::serve(),
        }
    }
}
