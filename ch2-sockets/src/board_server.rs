//! The message board as a server: over UDP with sessions, or over TCP.

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
