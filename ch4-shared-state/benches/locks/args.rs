//! The arguments of the bench.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use common::cli::duration;
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
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub batch: usize,
    /// 3 rounds of 50ms instead of 7 of 300ms
    #[arg(long)]
    quick: bool,
    /// How often each is measured
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: Option<u32>,
    /// How long each is measured
    #[arg(long, value_name = "TIME", value_parser = duration)]
    time: Option<Duration>,
    /// Seed of the order and of the calls [random, printed]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Write the tables as Markdown, too
    #[arg(long, value_name = "FILE")]
    pub markdown: Option<PathBuf>,
    /// Write all rows as JSON, too
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Given by cargo bench, and by nobody else
    #[arg(long, hide = true)]
    pub bench: bool,
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

impl Args {
    /// How often each is measured.
    pub fn rounds(&self) -> u32 {
        self.rounds.unwrap_or(if self.quick { 3 } else { 7 })
    }

    /// How long each is measured in a round.
    pub fn time(&self) -> Duration {
        let time = self.time.unwrap_or(Duration::from_millis(if self.quick { 50 } else { 300 }));
        time.clamp(Duration::from_millis(10), Duration::from_secs(60))
    }
}
