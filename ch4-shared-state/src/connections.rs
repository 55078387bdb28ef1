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

mod args;
mod client;
mod exhaust;
mod kernel;
mod measure;
mod port_range;
mod watch;

use std::io::IsTerminal;
use std::net::IpAddr;
use std::process::ExitCode;
use std::time::Duration;

use crate::download::server::start_child;
use anyhow::{Context, bail};
use ch3_threads::model::Model;
use common::bench::machine::Pins;
use common::support::child_server::ChildServer;
use common::support::cli::writable;

pub use args::{Closes, ConnectionsArgs};
use kernel::TcpTable;

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
        // Before the server starts, which inherits it.
        Pins::together()
            .and_then(|pins| Ok(pins.go_to_servers()?))
            .context("cannot stay on one processor")?;
    }
    let model = args.model.name();
    let options = ["--model", &model, "--files", "1", "--size", &args.size.to_string()].map(String::from);
    let server = server_without_a_past(args.listenaddr, &options)?;
    let client = client::HttpClient::new(server.address, args.closes, args.size, interrupted);
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
        let server = start_child(listen, options)?;
        if TcpTable::read(server.address)?.is_fresh() {
            return Ok(server);
        }
    }
    bail!("every port was in use a minute ago: wait until their connections are forgotten")
}
