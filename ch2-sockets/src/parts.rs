//! A big message in many datagrams, with or without sequence markers.

use clap::Args;

/// The arguments of this command.
#[derive(Debug, Args)]
pub struct PartsArgs {}

/// Runs the command.
///
/// # Errors
/// It is not there.
pub fn run(_args: &PartsArgs) -> anyhow::Result<std::process::ExitCode> {
    anyhow::bail!("not built")
}
