//! What the three clients of the file dump share: the connection, and how a refusal is told.

use std::net::{TcpStream, ToSocketAddrs};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use common::support::log;
use thiserror::Error;

use super::connection::{Connection, ReceiveError};
use super::protocol::{Malformed, Status};
use super::serve::PORT;

/// Where the server is.
#[derive(Debug, Args)]
pub struct ServerArgs {
    /// The server: a name or an address, IPv4 or IPv6
    #[arg(short = 'H', long, default_value = "127.0.0.1", value_name = "HOST")]
    host: String,
    /// Its port
    #[arg(short, long, default_value_t = PORT, value_name = "PORT")]
    port: u16,
    /// A server that is silent for so long is given up
    #[arg(long, default_value = "30s", value_name = "TIME", value_parser = common::support::cli::duration)]
    timeout: Duration,
}

impl ServerArgs {
    /// Connects to the first of the host's addresses that answers.
    pub fn connect<'a>(&self, cancelled: &'a (dyn Fn() -> bool + Sync)) -> anyhow::Result<Connection<'a>> {
        let (host, port) = (&self.host, self.port);
        let addresses =
            (host.as_str(), port).to_socket_addrs().with_context(|| format!("there is no host {host}"))?;
        let mut last = None;
        for address in addresses {
            match TcpStream::connect_timeout(&address, self.timeout) {
                Ok(stream) => return Ok(Connection::new(stream, self.timeout, cancelled)?),
                Err(error) => last = Some(error),
            }
        }
        let error = last.with_context(|| format!("{host} has no address"))?;
        Err(error).with_context(|| format!("no server answers at {host} port {port}"))
    }
}

/// The server said no.
#[derive(Debug, Error)]
#[error("{}", sentence(*.0))]
pub struct StatusError(pub Status);

/// Receives the server's status; any but OK is an error.
pub fn expect_ok(connection: &mut Connection<'_>) -> anyhow::Result<()> {
    match connection.receive(Status::decode) {
        Ok(Status::Ok) => Ok(()),
        Ok(status) => Err(StatusError(status).into()),
        Err(error) => Err(explain(error)),
    }
}

/// What an answer that cannot be read means to the user.
pub fn explain(error: ReceiveError) -> anyhow::Error {
    match error {
        ReceiveError::Malformed(why @ (Malformed::Code | Malformed::Number)) => {
            anyhow::anyhow!("this is no file dump server: {why}")
        }
        ReceiveError::Ended(_) => anyhow::anyhow!("the server hung up before it had answered"),
        other => other.into(),
    }
}

fn sentence(status: Status) -> &'static str {
    match status {
        Status::Ok => "the server accepts",
        Status::BadFormat | Status::UnknownControl => "the server does not understand the request",
        Status::NotFound => "no such file on the server",
        Status::Exists => "exists on the server, or is being uploaded by somebody",
        Status::NoSpace => "not enough space on the server",
        Status::BadName => "the server does not take that name",
        Status::Damaged => "the server got something else than was sent; it has removed it",
        Status::Failed => "the server has a trouble of its own; its log says which",
    }
}

/// Runs a client: its `work` is given a question, "has Ctrl-C been pressed?", and its failure becomes the exit status of
/// the table in [`files`](super).
pub fn run(work: impl FnOnce(&(dyn Fn() -> bool + Sync)) -> anyhow::Result<()>) -> anyhow::Result<ExitCode> {
    let interrupted: &'static AtomicBool = common::support::interrupt::flag()?;
    let cancelled = move || interrupted.load(Ordering::SeqCst);
    match work(&cancelled) {
        Err(_) if cancelled() => {
            log::line("interrupted");
            Ok(ExitCode::from(common::support::interrupt::STATUS))
        }
        Err(error) if error.is::<StatusError>() => {
            log::line(format_args!("error: {error:#}"));
            Ok(ExitCode::from(3))
        }
        Err(error) => Err(error),
        Ok(()) => Ok(ExitCode::SUCCESS),
    }
}
