//! Short-lived against long-lived connections: what the kernel shows and what it costs.

use clap::Args;

/// The arguments of this command.
#[derive(Debug, Args)]
pub struct ConnectionsArgs {}

/// Runs the command.
///
/// # Errors
/// It is not there.
pub fn run(_args: &ConnectionsArgs) -> anyhow::Result<std::process::ExitCode> {
    anyhow::bail!("not built")
}
