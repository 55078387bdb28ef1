//! One datagram to a whole group.

use clap::Args;

/// The arguments of this command.
#[derive(Debug, Args)]
pub struct MulticastArgs {}

/// Runs the command.
///
/// # Errors
/// It is not there.
pub fn run(_args: &MulticastArgs) -> anyhow::Result<std::process::ExitCode> {
    anyhow::bail!("not built")
}
