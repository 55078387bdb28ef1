//! Download files one after another, in threads, or asynchronously.

use clap::Args;

/// The arguments of this command.
#[derive(Debug, Args)]
pub struct DownloadArgs {}

/// Runs the command.
///
/// # Errors
/// It is not there.
pub fn run(_args: &DownloadArgs) -> anyhow::Result<std::process::ExitCode> {
    anyhow::bail!("not built")
}
