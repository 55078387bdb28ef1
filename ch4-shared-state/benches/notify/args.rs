//! The arguments of the bench.

use std::time::Duration;

use ch3_threads::model::Model;
use clap::Parser;
use common::bench::arguments::{Arguments, Pinning, Schedule};
use common::support::cli::within;

/// The notification board against redis' publish/subscribe, side by side in one run
#[derive(Debug, Parser)]
#[command(
    override_usage = "cargo bench -p ch4-shared-state --bench notify -- [OPTIONS]",
    after_help = "Examples:
  cargo bench -p ch4-shared-state --bench notify                       about three minutes
  cargo bench -p ch4-shared-state --bench notify -- --quick            a look, no result
  cargo bench -p ch4-shared-state --bench notify -- --models epoll,tokio,io-uring"
)]
pub struct Args {
    /// The models of the board, with commas between them
    #[arg(long, value_enum, value_delimiter = ',', default_value = "epoll", value_name = "MODEL,...")]
    pub models: Vec<Model>,
    /// Messages on their way in the closed loop
    #[arg(long, default_value_t = 4000, value_name = "N", value_parser = within(1..=1_000_000_000u64))]
    pub window: u64,
    /// Subscribers of which memory is measured
    #[arg(long, default_value_t = 10_000, value_name = "N", value_parser = within(1..=1_000_000usize))]
    pub crowd: usize,
    #[command(flatten)]
    pub measure: Arguments<Times>,
    #[command(flatten)]
    pub pinning: Pinning,
}

/// How often and how long.
#[derive(Debug)]
pub struct Times;

impl Schedule for Times {
    const FULL: (u32, Duration) = (5, Duration::from_secs(2));
    const QUICK: (u32, Duration) = (3, Duration::from_millis(500));
}
