//! The arguments of the bench.

use std::path::PathBuf;
use std::time::Duration;

use ch3_threads::model::Model;
use clap::Parser;
use common::cli::duration;

/// The notification board against redis' publish/subscribe, side by side in one run
#[derive(Debug, Parser)]
#[command(
    override_usage = "cargo bench -p ch4-shared-state --bench notify -- [OPTIONS]",
    after_help = "Examples:
  cargo bench -p ch4-shared-state --bench notify                       about two minutes
  cargo bench -p ch4-shared-state --bench notify -- --quick            a look, no result
  cargo bench -p ch4-shared-state --bench notify -- --models epoll,tokio,io-uring"
)]
pub struct Args {
    /// The models of the board, with commas between them
    #[arg(long, value_enum, value_delimiter = ',', default_value = "epoll", value_name = "MODEL,...")]
    pub models: Vec<Model>,
    /// 3 rounds of 0.5s instead of 5 of 2s
    #[arg(long)]
    quick: bool,
    /// How often each is measured [default: 5, with --quick 3]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: Option<u32>,
    /// How long each is measured [default: 2s, with --quick 500ms]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    time: Option<Duration>,
    /// Messages on their way in the closed loop
    #[arg(long, default_value_t = 1000, value_name = "N")]
    pub window: u64,
    /// Subscribers of which memory is measured
    #[arg(long, default_value_t = 10_000, value_name = "N")]
    pub crowd: usize,
    /// Leave it to the system who runs where. Otherwise servers have one processor and the clients another
    #[arg(long)]
    pub unpinned: bool,
    /// Seed of the order [random, printed]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Write the tables as Markdown, too
    #[arg(long, value_name = "FILE")]
    pub markdown: Option<PathBuf>,
    /// Write every sample as JSON, too
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Given by cargo bench, and by nobody else
    #[arg(long, hide = true)]
    pub bench: bool,
}

impl Args {
    /// How often each is measured.
    pub fn rounds(&self) -> u32 {
        self.rounds.unwrap_or(if self.quick { 3 } else { 5 })
    }

    /// How long each is measured in a round.
    pub fn time(&self) -> Duration {
        self.time.unwrap_or(Duration::from_millis(if self.quick { 500 } else { 2000 }))
    }
}
