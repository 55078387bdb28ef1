//! A bad link between client and server: loss, delay, duplicates, cuts; seeded.

use clap::Args;

/// The arguments of this command.
#[derive(Debug, Args)]
pub struct LinkArgs {}

/// Runs the command.
///
/// # Errors
/// It is not there.
pub fn run(_args: &LinkArgs) -> anyhow::Result<std::process::ExitCode> {
    anyhow::bail!("not built")
}
