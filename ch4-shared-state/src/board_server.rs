//! The notification board as a server: every client hears of every message.

use clap::Args;

/// The arguments of this command.
#[derive(Debug, Args)]
pub struct BoardServerArgs {}

/// Runs the command.
///
/// # Errors
/// It is not there.
pub fn run(_args: &BoardServerArgs) -> anyhow::Result<std::process::ExitCode> {
    anyhow::bail!("not built")
}
