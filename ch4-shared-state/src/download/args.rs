//! The arguments of `cargo ch4 download`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use common::protocol::http::Url;
use common::support::cli::duration;
use common::support::size;

use super::server::OfferArgs;

/// The arguments of this command.
#[derive(Debug, Args)]
#[command(
    after_help = "Example: without a URL it starts a server of its own and downloads from it in all three modes:
  cargo ch4 download
  cargo ch4 download --files 16 --latency 300ms --rate 1MB/s --report /tmp/downloads.html
From a server in another terminal (cargo ch4 files-server -p 8080 --rate 1MB/s):
  cargo ch4 download --mode threads --output /tmp http://127.0.0.1:8080/file-{1,2,3,4}.bin"
)]
pub struct DownloadArgs {
    /// What to download, http:// only; without any, files of a server of its own in all modes
    #[arg(value_name = "URL")]
    pub urls: Vec<Url>,
    /// How the waiting is done [default: threads]
    #[arg(long, short_alias = 'm', value_enum)]
    pub mode: Option<Mode>,
    /// Download from a server of its own, in all modes or in the one given: what no URL means too
    #[arg(long, conflicts_with = "urls")]
    pub demo: bool,
    /// The directory for the files; a file of the same name is replaced when the new one is complete
    #[arg(short, long, value_name = "DIR", default_value = ".")]
    pub output: PathBuf,
    /// Most downloads at once, in threads or asynchronously
    #[arg(long, short_alias = 'n', value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub at_once: u16,
    /// The largest file that is taken
    #[arg(long, value_name = "SIZE", default_value = "1GB", value_parser = size::up_to_1_tb)]
    pub limit: u64,
    /// A server that sends nothing for so long is given up
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    pub patience: Duration,
    #[allow(missing_docs, reason = "flattened: a comment here would replace the command's own")]
    #[command(flatten, next_help_heading = "The server of its own")]
    pub offer: OfferArgs,
    /// Write what was measured, a JSON list with an object per mode
    #[arg(long, value_name = "FILE", help_heading = None::<&str>)]
    pub json: Option<PathBuf>,
    /// Write a page with a picture of which file was downloading when
    #[arg(long, value_name = "FILE", help_heading = None::<&str>)]
    pub report: Option<PathBuf>,
}

/// Who waits for the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// One thread, one file after another (figure 4.1)
    Sequential,
    /// A thread for each file, up to --at-once of them (figure 4.2)
    Threads,
    /// One thread, a task for each file
    Async,
}

impl Mode {
    /// All of them, the one to compare with first.
    pub const ALL: [Mode; 3] = [Mode::Sequential, Mode::Threads, Mode::Async];

    /// The name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Mode::Sequential => "sequential",
            Mode::Threads => "threads",
            Mode::Async => "async",
        }
    }
}
