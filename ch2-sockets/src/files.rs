//! The file dump: serve, upload, list, download.

use clap::Args;

/// The arguments of this command.
#[derive(Debug, Args)]
pub struct FilesArgs {}

/// Runs the command.
///
/// # Errors
/// It is not there.
pub fn run(_args: &FilesArgs) -> anyhow::Result<std::process::ExitCode> {
    anyhow::bail!("not built")
}
