//! A big message in many datagrams (lecture notes, "Dealing with Big Amount of Data", "Ensuring Packet Arrival Order").
//!
//! ```text
//!   as in the notes     | data | data | data | data + '\n' |      one sender, nothing lost, nothing overtakes: fine
//!   two senders         | AAAA | BBBB | AAAA | BBBB …  '\n'|      the receiver appends what comes: a mixture
//!   --sequence          |#0 AAAA|#0 BBBB|#1 AAAA| …               kept apart, put in order, gaps known
//! ```
//!
//! Sequence markers restore order; they do not bring back what was lost. Who needs that asks again: see the sessions of
//! `board-client`. `cargo ch2 link` between the two shows each of it.

mod receive;
mod send;
pub mod sequence;

use std::process::ExitCode;

use clap::{Args, Subcommand};

/// The arguments of `parts`.
#[derive(Debug, Args)]
pub struct PartsArgs {
    #[command(subcommand)]
    command: PartsCommand,
}

#[derive(Debug, Subcommand)]
enum PartsCommand {
    /// Send a big message in parts, or several from several senders at once
    Send(send::PartsSendArgs),
    /// Receive parts until the message is whole
    Receive(receive::PartsReceiveArgs),
}

/// Sends or receives.
///
/// # Errors
/// What the sockets say, in a sentence; a message that was not whole in time.
pub fn run(args: &PartsArgs) -> anyhow::Result<ExitCode> {
    match &args.command {
        PartsCommand::Send(args) => send::run(args),
        PartsCommand::Receive(args) => receive::run(args),
    }
}
