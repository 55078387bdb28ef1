//! Leave a message on the board, and read what others left.

use clap::Args;

/// The arguments of this command.
#[derive(Debug, Args)]
pub struct BoardClientArgs {}

/// Runs the command.
///
/// # Errors
/// It is not there.
pub fn run(_args: &BoardClientArgs) -> anyhow::Result<std::process::ExitCode> {
    anyhow::bail!("not built")
}
