//! TCP step by step: listen, connect, send, receive, and the states of the connection.

use clap::Args;

/// The arguments of this command.
#[derive(Debug, Args)]
pub struct StreamArgs {}

/// Runs the command.
///
/// # Errors
/// It is not there.
pub fn run(_args: &StreamArgs) -> anyhow::Result<std::process::ExitCode> {
    anyhow::bail!("not built")
}
