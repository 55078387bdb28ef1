//! One datagram: send it, receive it.

use clap::Args;

/// The arguments of this command.
#[derive(Debug, Args)]
pub struct DatagramArgs {}

/// Runs the command.
///
/// # Errors
/// It is not there.
pub fn run(_args: &DatagramArgs) -> anyhow::Result<std::process::ExitCode> {
    anyhow::bail!("not built")
}
