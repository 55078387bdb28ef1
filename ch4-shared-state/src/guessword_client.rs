//! A player of the guess-word game.

use clap::Args;

/// The arguments of this command.
#[derive(Debug, Args)]
pub struct GuesswordClientArgs {}

/// Runs the command.
///
/// # Errors
/// It is not there.
pub fn run(_args: &GuesswordClientArgs) -> anyhow::Result<std::process::ExitCode> {
    anyhow::bail!("not built")
}
