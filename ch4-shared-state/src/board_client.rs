//! A client of the notification board: interactive, or for scripts.

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
