//! The arguments of the bench.

use std::time::Duration;

use clap::{Parser, ValueEnum};
use common::bench::arguments::{Arguments, Pinning, Schedule};

use super::servers::BenchServer;

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
    part: Vec<BenchPart>,
    /// Contestants whose names begin so, with commas between them [default: all]; what they are compared with takes part anyway
    #[arg(long, value_delimiter = ',', value_name = "NAME,...")]
    pub only: Vec<String>,
    #[command(flatten)]
    pub measure: Arguments<Times>,
    #[command(flatten)]
    pub pinning: Pinning,
    #[allow(missing_docs, reason = "hidden, and a comment here would replace the command's own")]
    #[command(subcommand)]
    pub hidden: Option<BenchServer>,
}

/// How often and how long; on the bad link twice as long.
#[derive(Debug)]
pub struct Times;

impl Schedule for Times {
    const FULL: (u32, Duration) = (5, Duration::from_secs(2));
    const QUICK: (u32, Duration) = (2, Duration::from_millis(500));
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BenchPart {
    /// Big messages over a clean loopback
    Bulk,
    /// Big messages over a link that loses 5 % and 20 % and takes 20 ms each way
    Lossy,
    /// Small requests to the UDP board
    Requests,
}

impl Args {
    /// The parts that were asked for.
    pub fn parts(&self) -> &[BenchPart] {
        if self.part.is_empty() { BenchPart::value_variants() } else { &self.part }
    }
}
