//! Servers of the bench, each in a process of its own: this program again, with a hidden command.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::Context;
use clap::Subcommand;
use common::core::workers::die_with_parent;
use nix::unistd::getppid;

use super::{limit, quic, requests, sessions, tcp};

/// What the bench runs itself as.
#[derive(Debug, Clone, Copy, PartialEq, Subcommand)]
pub enum Server {
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

/// Runs such a server until it is killed.
///
/// # Errors
/// What the system refuses.
pub fn serve(server: Server) -> anyhow::Result<()> {
    die_with_parent(getppid())?;
    match server {
        Server::Sessions { loss, seed } => sessions::serve(loss, seed),
        Server::Tcp => tcp::serve(),
        Server::Quic => quic::serve(),
        Server::Limit => limit::serve(),
        Server::Echo => requests::echo(),
    }
}

/// A running server; it is killed when this is dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    stdout: BufReader<ChildStdout>,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Running {
    /// Starts one of ours.
    ///
    /// # Errors
    /// It does not start.
    pub fn ours(server: Server) -> anyhow::Result<Running> {
        let mut command = Command::new(std::env::current_exe()?);
        match server {
            Server::Sessions { loss, seed } => {
                command.args(["sessions", "--loss", &loss.to_string(), "--seed", &seed.to_string()]);
            }
            Server::Tcp => drop(command.arg("tcp")),
            Server::Quic => drop(command.arg("quic")),
            Server::Limit => drop(command.arg("limit")),
            Server::Echo => drop(command.arg("echo")),
        }
        Running::start(command)
    }

    /// Starts a server that says `LISTENING <address>` first.
    ///
    /// # Errors
    /// It does not start, or says something else.
    pub fn start(mut command: Command) -> anyhow::Result<Running> {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let stdout = BufReader::new(child.stdout.take().context("the server has no stdout")?);
        let mut running = Running { child, stdout, address: SocketAddr::from(([0, 0, 0, 0], 0)) };
        let line = running.line()?;
        let address = line.strip_prefix("LISTENING ").with_context(|| format!("the server said {line:?}"))?;
        running.address = address.parse()?;
        Ok(running)
    }

    /// The next line that it prints.
    ///
    /// # Errors
    /// It has ended.
    pub fn line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        anyhow::ensure!(self.stdout.read_line(&mut line)? > 0, "the server has ended");
        Ok(line.trim_end().to_owned())
    }

    /// Its process number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

/// A port that is free now, for programs of others, which do not say which one they took.
///
/// # Errors
/// There is none.
pub fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself, and then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
