//! Short-lived against long-lived connections. Notes, chapter 4, "Short-lived vs. Long-lived TCP connections".
//!
//! ```text
//!   short-lived   SYN ► ◄ SYN+ACK  ACK ►  request ► ◄ answer   FIN ► ◄ FIN  ACK ►    for every request, and then one
//!                                                                                   end is a minute in TIME_WAIT
//!   long-lived    SYN ► ◄ SYN+ACK  ACK ►  request ► ◄ answer  request ► ◄ answer …    FIN once, at the end
//! ```
//!
//! The same requests both ways, one after another, against a server in a process of its own; and the kernel's table of
//! connections beside them (/proc/net/tcp, what `netstat -tn` of the notes reads). Whoever closes first keeps the
//! connection in TIME_WAIT (RFC 9293 section 3.6), so that a late segment of it cannot be taken for one of the next: with
//! `--closes server` it is the server, which then pays for each of its clients.

mod client;
mod exhaust;
mod kernel;
mod measure;
mod port_range;
mod watch;

use std::io::IsTerminal;
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use ch3_threads::model::Model;
use clap::{Args, ValueEnum};
use common::support::cli::{duration, writable};
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

use common::support::child_server::ChildServer;
use common::support::size;
use kernel::Table;

/// The arguments of this command.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo ch4 connections                       the same 2000 requests both ways, five rounds
  cargo ch4 connections --closes server       who keeps the connections in TIME_WAIT?
  cargo ch4 connections --exhaust 100         what happens when the ports run out")]
pub struct ConnectionsArgs {
    /// Requests in a round, one after another
    #[arg(short = 'n', long, value_name = "N", default_value_t = 2000, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    pub requests: u32,
    /// Rounds of both; which is first alternates
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub rounds: u32,
    /// The size of an answer, without its head
    #[arg(long, value_name = "SIZE", default_value = "128", value_parser = size::bytes)]
    pub size: u64,
    /// Who closes a short-lived connection first, and so keeps it in TIME_WAIT
    #[arg(long, value_enum, default_value = "client")]
    pub closes: Closes,
    /// First show the kernel's table while each client makes 100 requests per second for so long
    /// [default: 3s on a terminal, else 0]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub watch: Option<Duration>,
    /// Instead: give the client so few ports, and use them up
    #[arg(long, value_name = "PORTS", value_parser = clap::value_parser!(u16).range(2..=10_000))]
    pub exhaust: Option<u16>,
    /// Run client and server on one processor: steadier, and faster where only one of them works at a time
    #[arg(long)]
    pub pin: bool,
    /// How the server runs its connections
    #[arg(short, long, value_enum, default_value = "epoll")]
    pub model: Model,
    /// The address that the server listens on, and the client comes from
    #[arg(short = 'l', long, default_value = "127.0.0.1")]
    pub listenaddr: IpAddr,
    /// Write what was measured, a JSON list with an object per round and client
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

/// Who sends the first FIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Closes {
    /// The request says `Connection: close`, and the client waits for the end
    Server,
    /// The client closes when it has its answer
    Client,
}

/// Measures both, or uses up the ports.
///
/// # Errors
/// The server does not start, a connection fails, or the kernel's tables cannot be read.
pub fn run(args: &ConnectionsArgs) -> anyhow::Result<ExitCode> {
    if args.size > 10_000_000 {
        bail!("an answer of more than 10 MB measures the transfer, not the connection");
    }
    match args.model {
        Model::OneClient => {
            bail!("one-client serves one connection and ends, and here two clients take turns")
        }
        Model::ProcessPipeline => bail!("the workers of process-pipeline have no files to serve"),
        _ => {}
    }
    writable(&args.json)?;
    let interrupted = common::support::interrupt::flag()?;
    if args.pin {
        pin().context("cannot stay on one processor")?; // before the server starts, which inherits it
    }
    let model = args.model.name();
    let options = ["--model", &model, "--files", "1", "--size", &args.size.to_string()].map(String::from);
    let server = server_without_a_past(args.listenaddr, &options)?;
    let client = client::Client::new(server.address, args.closes, args.size, interrupted);
    let json = match args.exhaust {
        Some(ports) => exhaust::run(args, &client, ports)?,
        None => {
            let shown = if std::io::stderr().is_terminal() { Duration::from_secs(3) } else { Duration::ZERO };
            watch::run(&client, args.watch.unwrap_or(shown))?;
            measure::run(args, &client, &server)?
        }
    };
    if let Some(path) = &args.json {
        std::fs::write(path, json).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A server on a port that no connection in the kernel's table has: of another program that had it in the last minute, some may be in
/// TIME_WAIT, and would be counted with ours.
fn server_without_a_past(listen: IpAddr, options: &[String]) -> anyhow::Result<ChildServer> {
    for _ in 0..20 {
        let server = ChildServer::start(listen, options)?;
        if Table::read(server.address)?.is_fresh() {
            return Ok(server);
        }
    }
    bail!("every port was in use a minute ago: wait until their connections are forgotten")
}

/// From now on this thread, and what it starts, runs on the first processor that it may run on (sched_setaffinity(2)).
fn pin() -> nix::Result<()> {
    let this_thread = Pid::from_raw(0);
    let allowed = sched_getaffinity(this_thread)?;
    let mut one = CpuSet::new();
    if let Some(first) = (0..CpuSet::count()).find(|&cpu| allowed.is_set(cpu) == Ok(true)) {
        one.set(first)?;
    }
    sched_setaffinity(this_thread, &one)
}
