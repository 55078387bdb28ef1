//! Broken connections, signals and the kernel's short cuts, shown one by one: one complete file each.
//!
//! ```text
//! rst.rs        how a connection ends, and what the other side sees     notes, "Handling broken pipe exceptions";
//!                                                                        csdesign, "RST packet generation"
//! shutdown.rs   SHUT_RD, SHUT_WR, SHUT_RDWR, close, and a second        notes, "TCP socket shutdown routines"
//!               descriptor
//! reuse.rs      a port that is taken: TIME-WAIT, SO_REUSEADDR            notes, "Binding socket"
//! close.rs      what happens without close                             notes, "it is critical to enforce close()"
//! sigpipe.rs    the signal that comes with EPIPE                         csdesign, "The nature of SIGPIPE"
//! self_pipe.rs  a signal between the check and select                    csdesign, "Self-pipe trick"
//! sendfile.rs   a file to a socket without a copy in between, measured   csdesign, "Sendfile optimization"
//! cork.rs       header and body: how many segments, and the 40 ms        csdesign, roadmap, TCP_CORK
//!
//! loopback.rs   two ends of one connection, in one process               what they are made of
//! ```

mod close;
mod cork;
mod loopback;
mod reuse;
mod rst;
mod self_pipe;
mod sendfile;
mod shutdown;
mod sigpipe;

use std::process::ExitCode;

use clap::{Args, Subcommand};

const EXAMPLES: &str = "\
Examples, to begin with:
  cargo ch2 show rst
  cargo ch2 show cork --help       what to look at, and the question it answers";

/// The arguments of this command.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ShowArgs {
    #[command(subcommand)]
    demonstration: Demonstration,
}

#[derive(Debug, Subcommand)]
enum Demonstration {
    Rst(rst::RstArgs),
    Shutdown(shutdown::ShutdownArgs),
    Reuse(reuse::ReuseArgs),
    Close(close::CloseArgs),
    Sigpipe(sigpipe::SigpipeArgs),
    SelfPipe(self_pipe::SelfPipeArgs),
    Sendfile(sendfile::SendfileArgs),
    Cork(cork::CorkArgs),
}

/// Runs one demonstration.
///
/// # Errors
/// What the system refused.
pub fn run(args: &ShowArgs) -> anyhow::Result<ExitCode> {
    match &args.demonstration {
        Demonstration::Rst(args) => rst::run(args)?,
        Demonstration::Shutdown(args) => shutdown::run(args)?,
        Demonstration::Reuse(args) => reuse::run(args)?,
        Demonstration::Close(args) => close::run(args)?,
        Demonstration::Sigpipe(args) => sigpipe::run(args)?,
        Demonstration::SelfPipe(args) => self_pipe::run(args)?,
        Demonstration::Sendfile(args) => sendfile::run(args)?,
        Demonstration::Cork(args) => cork::run(args)?,
    }
    Ok(ExitCode::SUCCESS)
}
