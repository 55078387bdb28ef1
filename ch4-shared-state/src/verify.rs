//! Check that a server's answers to concurrent clients could have come one after another.

use clap::Args;

/// The arguments of this command.
#[derive(Debug, Args)]
pub struct VerifyArgs {}

/// Runs the command.
///
/// # Errors
/// It is not there.
pub fn run(_args: &VerifyArgs) -> anyhow::Result<std::process::ExitCode> {
    anyhow::bail!("not built")
}
