//! The arguments of the bench.

use std::time::Duration;

use clap::{Parser, ValueEnum};
use common::bench::arguments::{Arguments, Schedule};
use common::support::cli::within;
use serde::Serialize;

/// Five ways to share a board between threads, under mixes of reads and writes
#[derive(Debug, Parser)]
#[command(
    override_usage = "cargo bench -p ch4-shared-state --bench locks -- [OPTIONS]",
    after_help = "Examples:
  cargo bench -p ch4-shared-state --bench locks                              about four minutes
  cargo bench -p ch4-shared-state --bench locks -- --quick                   the same in short: a look, no result
  cargo bench -p ch4-shared-state --bench locks -- --reads 99 --threads 2    one mix, two threads
  cargo bench -p ch4-shared-state --bench locks -- --read search             long reads only
  cargo bench -p ch4-shared-state --bench locks -- --markdown ../locks.md    (paths are seen from ch4-shared-state/)

How to read it: calls/s are medians over the rounds; `× mutex` is the median of the ratio to the mutex in the same round,
with the lowest and the highest beside it. `!` marks what other programs disturbed."
)]
pub struct Args {
    /// What a read is
    #[arg(long, value_enum, value_delimiter = ',', value_name = "READ,...", default_value = "last,search")]
    pub read: Vec<Read>,
    /// Reads among a hundred calls
    #[arg(long, value_delimiter = ',', value_name = "N,...", default_value = "100,95,50", value_parser = clap::value_parser!(u32).range(0..=100))]
    pub reads: Vec<u32>,
    /// How many threads
    #[arg(long, value_delimiter = ',', value_name = "N,...", default_value = "1,2,8", value_parser = clap::value_parser!(u32).range(1..=256))]
    pub threads: Vec<u32>,
    /// How many messages a read of the last takes
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = within(1..=1_000_000usize))]
    pub batch: usize,
    #[command(flatten)]
    pub measure: Arguments<Times>,
}

/// How often and how long.
#[derive(Debug)]
pub struct Times;

impl Schedule for Times {
    const FULL: (u32, Duration) = (7, Duration::from_millis(300));
    const QUICK: (u32, Duration) = (3, Duration::from_millis(50));
}

/// What a read does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Read {
    /// Takes the newest messages: short, and it counts a reference to each
    Last,
    /// Looks for a word in all messages: long, and it changes nothing
    Search,
}
