//! The sender of one datagram. Without `--bind` the system binds the socket at the first `sendto`, to 0.0.0.0 and a
//! free port: that is how the receiver knows where an answer would go.

use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use nix::errno::Errno;

use crate::kernel::endpoint;
use crate::kernel::{self, Protocol};

const EXAMPLES: &str = "\
Examples:
  cargo ch2 datagram send                          to 127.0.0.1:7778, bound by the system
  cargo ch2 datagram send --bind 127.0.0.1:7777 -m 'Hello world!'
  cargo ch2 datagram send -H ::1";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct DatagramSendArgs {
    /// The receiver's host
    #[arg(short = 'H', long, default_value = "127.0.0.1")]
    host: String,
    /// The receiver's port
    #[arg(short, long, default_value_t = 7778)]
    port: u16,
    /// What to send; may be empty: an empty datagram is a datagram
    #[arg(short, long, default_value = "Hello world!")]
    message: String,
    /// Bind the socket here first [default: the system binds it at the first send]
    #[arg(long, value_name = "ADDR:PORT")]
    bind: Option<SocketAddr>,
}

pub(super) fn run(args: &DatagramSendArgs) -> anyhow::Result<ExitCode> {
    let mut out = common::support::cli::stdout().lock();
    let destination = endpoint::resolve(&args.host, args.port)?;
    let socket = endpoint::socket(destination, Protocol::Udp)?;
    match args.bind {
        Some(address) => {
            endpoint::bind(&socket, address, Protocol::Udp)?;
            writeln!(out, "Socket is bound to {}", endpoint::local(&socket)?)?;
        }
        None => writeln!(out, "Socket is not bound")?,
    }
    let sent = socket.send_to(args.message.as_bytes(), &destination.into()).map_err(|error| {
        if error.raw_os_error() == Some(Errno::EMSGSIZE as i32) {
            anyhow::anyhow!(
                "{} bytes do not fit into one datagram (EMSGSIZE): at most 65507 over IPv4; see `cargo ch2 parts`",
                args.message.len()
            )
        } else {
            anyhow::Error::new(error).context(format!("cannot send to {destination}"))
        }
    })?;
    writeln!(out, "Sent message to {destination}")?;
    writeln!(out, "Payload length {sent} bytes: [{}]", args.message)?;
    if args.bind.is_none() {
        writeln!(out, "Socket was automatically bound to {}", endpoint::local(&socket)?)?;
    }
    let row = kernel::row_of(&socket, Protocol::Udp).context("the kernel's table")?;
    write!(out, "{}", kernel::table::text(&[("socket", row.as_ref())]))?;
    Ok(ExitCode::SUCCESS)
}
