//! What a socket is: create one, bind it, and see what the system shows.

use clap::Args;

/// The arguments of this command.
#[derive(Debug, Args)]
pub struct SocketArgs {}

/// Runs the command.
///
/// # Errors
/// It is not there.
pub fn run(_args: &SocketArgs) -> anyhow::Result<std::process::ExitCode> {
    anyhow::bail!("not built")
}
