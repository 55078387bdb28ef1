//! Draw together in the browser: collisions decided by the server, or by the drawers.

use clap::Args;

/// The arguments of this command.
#[derive(Debug, Args)]
pub struct WhiteboardArgs {}

/// Runs the command.
///
/// # Errors
/// It is not there.
pub fn run(_args: &WhiteboardArgs) -> anyhow::Result<std::process::ExitCode> {
    anyhow::bail!("not built")
}
