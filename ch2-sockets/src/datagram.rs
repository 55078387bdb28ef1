//! One datagram: send it, receive it (lecture notes, "Sending a message inside UDP packet", "Receiving message").
//!
//! ```text
//!   sender                                       receiver, bound to 127.0.0.1:7778
//!     sendto("Hello world!") ── one datagram ──►   recvfrom(1024): all of it, or its first 1024 bytes
//! ```
//!
//! A datagram comes whole, cut, or not at all; nobody tells the sender which. One sent to a broadcast address comes to each receiver
//! on that port, of every machine of the network: `--broadcast`, because a slip of the finger must not do that.

mod receive;
mod send;
mod unix;

use std::process::ExitCode;

use clap::{Args, Subcommand};

pub use receive::{Datagram, receive};

/// The arguments of `datagram`.
#[derive(Debug, Args)]
pub struct DatagramArgs {
    #[command(subcommand)]
    command: DatagramCommand,
}

#[derive(Debug, Subcommand)]
enum DatagramCommand {
    /// Send one datagram, from a socket that is bound by us or by the system
    Send(send::DatagramSendArgs),
    /// Receive datagrams, and say what was cut off
    Receive(receive::DatagramReceiveArgs),
}

/// Sends or receives.
///
/// # Errors
/// What the sockets say, in a sentence; nothing received in time.
pub fn run(args: &DatagramArgs) -> anyhow::Result<ExitCode> {
    match &args.command {
        DatagramCommand::Send(args) => match &args.unix {
            Some(name) => unix::send(args, name),
            None => send::run(args),
        },
        DatagramCommand::Receive(args) => match &args.unix {
            Some(name) => unix::receive(args, name),
            None => receive::run(args),
        },
    }
}
