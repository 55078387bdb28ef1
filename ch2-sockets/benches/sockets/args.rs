//! The arguments of the bench.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use common::cli::duration;

use super::child::Server;

/// Sessions over UDP against peers, on a clean and on a bad link, and the UDP board against a minimal echo
///
/// Peers: quinn (QUIC, which encrypts), TCP, iperf3 where it is installed. As root, and with /dev/net/tun, the bad link is
/// also a real network between two network namespaces, so that the kernel's TCP meets the same losses.
#[derive(Debug, Parser)]
#[command(
    override_usage = "cargo bench -p ch2-sockets -- [OPTIONS]",
    after_help = "Examples:
  cargo bench -p ch2-sockets                                 about six minutes, all parts and goals
  cargo bench -p ch2-sockets -- --quick                      the same in short: a look, no result
  cargo bench -p ch2-sockets -- --part bulk --only session   one contestant and what it is compared with

How to read it: ratios are the median over the rounds, with the lowest and the highest beside it; `!` marks a row that
other programs disturbed."
)]
pub struct Args {
    /// What is measured, with commas between them [default: all]
    #[arg(long, value_enum, value_delimiter = ',', value_name = "PART,...")]
    part: Vec<Part>,
    /// Contestants whose names begin so, with commas between them [default: all]; what they are compared with takes part anyway
    #[arg(long, value_delimiter = ',', value_name = "NAME,...")]
    pub only: Vec<String>,
    /// 2 rounds of 0.5s instead of 5 of 2s
    #[arg(long)]
    quick: bool,
    /// How often each is measured [default: 5, with --quick 2]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: Option<u32>,
    /// How long each is measured [default: 2s, with --quick 500ms; on the bad link twice as long]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    time: Option<Duration>,
    /// Leave it to the system who runs where. Otherwise servers have one processor and clients another
    #[arg(long)]
    pub unpinned: bool,
    /// Seed of the order and of the link [random, printed]
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
    pub hidden: Option<Server>,
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Big messages over a clean loopback
    Bulk,
    /// Big messages over a link that loses 5 % and 20 % and takes 20 ms each way
    Lossy,
    /// Small requests to the UDP board
    Requests,
}

impl Args {
    /// The parts that were asked for.
    pub fn parts(&self) -> &[Part] {
        if self.part.is_empty() { Part::value_variants() } else { &self.part }
    }

    /// How often each contestant is measured.
    pub fn rounds(&self) -> u32 {
        self.rounds.unwrap_or(if self.quick { 2 } else { 5 })
    }

    /// How long each contestant is measured in a round.
    pub fn time(&self) -> Duration {
        let time = self.time.unwrap_or(Duration::from_millis(if self.quick { 500 } else { 2000 }));
        time.clamp(Duration::from_millis(100), Duration::from_secs(600))
    }
}
