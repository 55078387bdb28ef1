//! TCP step by step (lecture notes, "TCP Socket" to "TCP socket shutdown routines").
//!
//! ```text
//!   client                                      server
//!   socket                                      socket, bind, listen          LISTEN
//!   connect   SYN-SENT     ── SYN ──►                                         SYN-RECEIVED
//!             ESTABLISHED  ◄─ SYN, ACK ──
//!                          ── ACK ──►           waits in the backlog          ESTABLISHED
//!                                               accept: a descriptor for it
//!   send      ══════════════ bytes, no messages ══════════════► recv
//!   shutdown  FIN-WAIT-1   ── FIN ──►           recv = 0: the end             CLOSE-WAIT
//!             FIN-WAIT-2   ◄─ ACK ──
//!             TIME-WAIT    ◄─ FIN ──            close                         LAST-ACK
//!                          ── ACK ──►                                         CLOSED
//! ```
//!
//! The kernel does all of it; the calls only start it. `stream states` prints its table after every call.

mod connect;
mod listen;
mod receive;
mod send;
mod states;
mod watch;

use std::process::ExitCode;

use clap::{Args, Subcommand};

/// The arguments of `stream`.
#[derive(Debug, Args)]
pub struct StreamArgs {
    #[command(subcommand)]
    command: StreamCommand,
}

#[derive(Debug, Subcommand)]
enum StreamCommand {
    /// Listen with a backlog; accept at once, later or never, and see who waits
    Listen(listen::ListenArgs),
    /// Connect, and watch the states until both ends have closed
    Connect(connect::ConnectArgs),
    /// Send a big message, close that direction, and read the answer
    Send(send::StreamSendArgs),
    /// Receive a big message: how many reads it takes, and where it ends
    Receive(receive::StreamReceiveArgs),
    /// Both ends in one process: every state, and the call that leads to it
    States(states::StatesArgs),
}

/// Runs the part asked for.
///
/// # Errors
/// What the sockets say, in a sentence.
pub fn run(args: &StreamArgs) -> anyhow::Result<ExitCode> {
    match &args.command {
        StreamCommand::Listen(args) => listen::run(args),
        StreamCommand::Connect(args) => connect::run(args),
        StreamCommand::Send(args) => send::run(args),
        StreamCommand::Receive(args) => receive::run(args),
        StreamCommand::States(args) => states::run(args),
    }
}
