//! The sender of one datagram. Without `--bind` the system binds the socket at the first `sendto`, to 0.0.0.0 and a
//! free port: that is how the receiver knows where an answer would go.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use common::support::cli;
use common::support::count::count;
use nix::errno::Errno;

use crate::kernel::endpoint;
use crate::kernel::unix::{Endpoint, UnixName};
use crate::kernel::{self, Protocol};

const EXAMPLES: &str = "\
Examples:
  cargo ch2 datagram send                          to 127.0.0.1:7778, bound by the system
  cargo ch2 datagram send --bind 127.0.0.1:7777 -m 'Hello world!'
  cargo ch2 datagram send -H ::1
  cargo ch2 datagram send -H 127.255.255.255               EACCES
  cargo ch2 datagram send -H 127.255.255.255 --broadcast   to all on this machine's 0.0.0.0
  cargo ch2 datagram send --unix /tmp/s                    by name; no port, no network";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct DatagramSendArgs {
    /// The receiver's host
    #[arg(short = 'H', long, default_value = "127.0.0.1")]
    host: String,
    /// The receiver's port
    #[arg(short, long, default_value_t = 7778)]
    port: u16,
    /// Send to a Unix domain socket instead: a path, or @NAME for one without a file
    #[arg(long, value_name = "PATH|@NAME", conflicts_with_all = ["host", "port", "broadcast"])]
    pub(super) unix: Option<UnixName>,
    /// Allow the host to be a broadcast address (SO_BROADCAST)
    #[arg(long)]
    broadcast: bool,
    /// What to send; may be empty: an empty datagram is a datagram
    #[arg(short, long, default_value = "Hello world!")]
    pub(super) message: String,
    /// Bind the socket here first [default: the system binds it at the first send]
    #[arg(long, value_name = "ADDR:PORT|PATH|@NAME")]
    pub(super) bind: Option<Endpoint>,
}

pub(super) fn run(args: &DatagramSendArgs) -> anyhow::Result<ExitCode> {
    let mut out = cli::stdout().lock();
    let destination = endpoint::resolve(&args.host, args.port)?;
    let socket = endpoint::socket(destination, Protocol::Udp)?;
    socket.set_broadcast(args.broadcast)?;
    match &args.bind {
        Some(Endpoint::Unix(_)) => return Ok(cli::wrong("a path or @NAME to bind goes with --unix")),
        Some(Endpoint::Internet(address)) => {
            endpoint::bind(&socket, *address, Protocol::Udp)?;
            writeln!(out, "Socket is bound to {}", endpoint::local(&socket)?)?;
        }
        None => writeln!(out, "Socket is not bound")?,
    }
    let sent = socket
        .send_to(args.message.as_bytes(), &destination.into())
        .map_err(|error| refusal(&error, destination, args))?;
    writeln!(out, "Sent message to {destination}")?;
    writeln!(out, "Payload length {}: [{}]", count(sent, "byte"), args.message)?;
    if args.bind.is_none() {
        writeln!(out, "Socket was automatically bound to {}", endpoint::local(&socket)?)?;
    }
    let row = kernel::row_of(&socket, Protocol::Udp).context("the kernel's table")?;
    write!(out, "{}", kernel::table::text(&[("socket", row.as_ref())]))?;
    Ok(ExitCode::SUCCESS)
}

fn refusal(error: &io::Error, destination: SocketAddr, args: &DatagramSendArgs) -> anyhow::Error {
    match Errno::from_raw(error.raw_os_error().unwrap_or(0)) {
        Errno::EMSGSIZE => anyhow::anyhow!(
            "{} do not fit into one datagram (EMSGSIZE): at most 65507 over IPv4; see `cargo ch2 parts`",
            count(args.message.len(), "byte")
        ),
        Errno::EACCES if !args.broadcast => anyhow::anyhow!(
            "cannot send to {destination}: permission denied (EACCES): it is a broadcast address, \
             and the socket has no SO_BROADCAST; --broadcast sets it"
        ),
        _ => anyhow::anyhow!("cannot send to {destination}: {error}"),
    }
}
