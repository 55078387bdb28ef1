//! The arguments of the bench.

use std::time::Duration;

use clap::{Parser, Subcommand};
use common::bench::arguments::{Arguments, Pinning, Schedule};

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
    /// Measure every model as long as those that goals name: about half an hour
    #[arg(long)]
    pub full: bool,
    #[command(flatten)]
    pub measure: Arguments<Times>,
    #[command(flatten)]
    pub pinning: Pinning,
    #[allow(missing_docs, reason = "hidden, and a comment here would replace the command's own")]
    #[command(subcommand)]
    pub hidden: Option<Hidden>,
}

/// How often and how long.
#[derive(Debug)]
pub struct Times;

impl Schedule for Times {
    const FULL: (u32, Duration) = (5, Duration::from_secs(2));
    const QUICK: (u32, Duration) = (3, Duration::from_millis(400));
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
}
