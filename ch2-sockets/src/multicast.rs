//! One datagram to a whole group (lecture notes, "UDP Multicasting").
//!
//! ```text
//!                                     ┌──► receiver   joined 239.1.1.1 on its interface
//!   sender ── one datagram to ────────┼──► receiver   on the sender's own machine too, while IP_MULTICAST_LOOP is on
//!             239.1.1.1:53124, TTL 4  └──► receiver   at most 3 routers away: each takes 1 from the TTL
//! ```
//!
//! The sender does not join and does not know who listens. Which interface a datagram leaves by, and on which one the
//! group is joined, is a choice of its own on both sides: with `--interface 127.0.0.1` no network is needed at all.
//! (That is IPv4; for IPv6 Linux has no multicast route on loopback unless one is added.)

pub mod numbering;
mod ranges;
mod receive;
mod send;

use std::process::ExitCode;

use clap::{Args, Subcommand};

/// The arguments of `multicast`.
#[derive(Debug, Args)]
pub struct MulticastArgs {
    #[command(subcommand)]
    command: MulticastCommand,
}

#[derive(Debug, Subcommand)]
enum MulticastCommand {
    /// Send to the group, again and again
    Send(send::MulticastSendArgs),
    /// Join the group and receive; as many of these on one machine as you like
    Receive(receive::MulticastReceiveArgs),
    /// Which address is for what, and which are yours
    Ranges(ranges::MulticastRangesArgs),
}

/// Sends, receives, or explains addresses.
///
/// # Errors
/// What the sockets say, in a sentence; nothing received in time.
pub fn run(args: &MulticastArgs) -> anyhow::Result<ExitCode> {
    match &args.command {
        MulticastCommand::Send(args) => send::run(args),
        MulticastCommand::Receive(args) => receive::run(args),
        MulticastCommand::Ranges(args) => ranges::run(args),
    }
}
