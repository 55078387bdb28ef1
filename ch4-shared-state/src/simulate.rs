//! Thousands of subscribers, publishers and players at once.

use clap::Args;

/// The arguments of this command.
#[derive(Debug, Args)]
pub struct SimulateArgs {}

/// Runs the command.
///
/// # Errors
/// It is not there.
pub fn run(_args: &SimulateArgs) -> anyhow::Result<std::process::ExitCode> {
    anyhow::bail!("not built")
}
