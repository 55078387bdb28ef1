//! Broken connections, signals and the kernel's short cuts, shown one by one.

use clap::Args;

/// The arguments of this command.
#[derive(Debug, Args)]
pub struct ShowArgs {}

/// Runs the command.
///
/// # Errors
/// It is not there.
pub fn run(_args: &ShowArgs) -> anyhow::Result<std::process::ExitCode> {
    anyhow::bail!("not built")
}
