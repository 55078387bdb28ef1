//! The guess-word game as a server.

use clap::Args;

/// The arguments of this command.
#[derive(Debug, Args)]
pub struct GuesswordServerArgs {}

/// Runs the command.
///
/// # Errors
/// It is not there.
pub fn run(_args: &GuesswordServerArgs) -> anyhow::Result<std::process::ExitCode> {
    anyhow::bail!("not built")
}
