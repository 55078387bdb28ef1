//! The arguments of the bench.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand};
use common::cli::duration;

use super::contestants::Who;
use super::limit::Kind;
use super::loads::Part;

/// Every model of chapter 3 against the limit and against peers, side by side in one run
///
/// The limit is a loop that does the least a server can do; each figure is compared with the limit's of the same round.
/// Peers (redis, nginx, Python's socketserver; as generators wrk and redis-benchmark) take part where they are installed.
#[derive(Debug, Parser)]
#[command(
    override_usage = "cargo bench -p ch3-threads -- [OPTIONS]",
    after_help = "Examples:
  cargo bench -p ch3-threads                                         about ten minutes, all loads and goals
  cargo bench -p ch3-threads -- --quick                              the same in short: a look, no result
  cargo bench -p ch3-threads -- --only epoll,redis --load echo-50    two against the limit, under one load
  cargo bench -p ch3-threads -- --markdown ../bench.md               tables for a README (paths are seen from ch3-threads/)

How to read it: `× limit` is the median, over the rounds, of the ratio to the limit in the same round, with the lowest
and the highest beside it. `!` marks a row that other programs disturbed, `g` one that the generator held back.
Models that no goal names are measured in short rounds unless --full is given. Contestants: limit, every model by its
name, redis, nginx, python-threading, python-forking."
)]
pub struct Args {
    /// Who takes part besides the limit, with commas between them [default: all]
    #[arg(long, value_delimiter = ',', value_name = "WHO,...")]
    pub only: Vec<Who>,
    /// The loads, with commas between them [default: all]
    #[arg(long, value_enum, value_delimiter = ',', value_name = "LOAD,...")]
    load: Vec<Part>,
    /// 3 rounds of 0.4s instead of 5 of 2s
    #[arg(long)]
    quick: bool,
    /// Measure every model as long as those that goals name: about half an hour
    #[arg(long)]
    pub full: bool,
    /// How often each is measured [default: 5, with --quick 3]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: Option<u32>,
    /// How long each is measured [default: 2s, with --quick 400ms]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    time: Option<Duration>,
    /// Leave it to the system who runs where. Otherwise servers have one processor and the generator another
    #[arg(long)]
    pub unpinned: bool,
    /// Seed of the order and of the simulator [random, printed]
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
    #[allow(missing_docs, reason = "hidden, and a comment here would replace the command's own")]
    #[command(subcommand)]
    pub hidden: Option<Hidden>,
}

/// What the bench runs itself as.
#[derive(Debug, Subcommand)]
pub enum Hidden {
    /// A minimal server, as a process of its own
    #[command(hide = true)]
    LimitServer {
        /// What it does
        #[arg(value_enum)]
        kind: Kind,
    },
}

impl Args {
    /// The loads that were asked for.
    pub fn parts(&self) -> &[Part] {
        if self.load.is_empty() { &Part::ALL } else { &self.load }
    }

    /// How often each contestant is measured.
    pub fn rounds(&self) -> u32 {
        self.rounds.unwrap_or(if self.quick { 3 } else { 5 })
    }

    /// How long each contestant is measured in a round.
    pub fn time(&self) -> Duration {
        let time = self.time.unwrap_or(Duration::from_millis(if self.quick { 400 } else { 2000 }));
        time.clamp(Duration::from_millis(50), Duration::from_secs(600))
    }
}
