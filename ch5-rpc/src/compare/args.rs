//! The arguments of `compare`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use common::bench::arguments::{Arguments, Schedule};
use common::bench::machine::Pins;
use common::support::cli::within;

use super::contestant::Contestant;
use super::load::{Asked, Load};

/// Calls a second of the open loop: far below what each server can do, below what most can, and above what some can.
const RATES: [u32; 3] = [1000, 4000, 16_000];

/// How often and how long.
#[derive(Debug)]
pub(super) struct Times;

impl Schedule for Times {
    const FULL: (u32, Duration) = (5, Duration::from_secs(2));
    const QUICK: (u32, Duration) = (1, Duration::from_millis(60));
}

/// Which processors servers and clients have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Pin {
    /// Any
    Free,
    /// Servers one, and clients another
    Apart,
    /// All the same one
    Together,
}

impl Pin {
    pub(super) fn pins(self) -> anyhow::Result<Pins> {
        match self {
            Pin::Free => Ok(Pins::none()),
            Pin::Apart => Pins::apart(),
            Pin::Together => Pins::together(),
        }
    }
}

/// The arguments of `compare`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo ch5 compare --quick                   all, in less than 30 seconds: a look, not a result
  cargo ch5 compare                           all, 5 rounds of 2 seconds
  cargo ch5 compare --only framed,tarpc-bare,tarpc --load publish
  cargo ch5 compare --load open --rate 500,5000,50000 --report rates.html
  cargo ch5 compare --only tarpc,xml-rpc --load chatty,at-once --report cost.html --json cost.json
Servers of Python take part where python3 is installed.")]
pub struct CompareArgs {
    /// Who takes part, with commas between them [default: all]
    #[arg(long, value_enum, value_delimiter = ',', value_name = "NAME,...")]
    pub(super) only: Vec<Contestant>,
    /// What is asked, with commas between them [default: all]
    #[arg(long, value_enum, value_delimiter = ',', value_name = "LOAD,...")]
    pub(super) load: Vec<Load>,
    /// Calls a second of the open loop, with commas between them
    #[arg(long, value_delimiter = ',', value_name = "RATE,...", default_values_t = RATES,
        value_parser = within(10..=1_000_000u32))]
    pub(super) rate: Vec<u32>,
    /// Which processors servers and clients have: three different experiments
    #[arg(long, value_enum, default_value = "free")]
    pub(super) pin: Pin,
    #[allow(missing_docs, reason = "flattened: a comment here would replace the command's own")]
    #[command(flatten)]
    pub(super) measure: Arguments<Times>,
    /// Write the tables as a page (HTML), too
    #[arg(long, value_name = "FILE")]
    pub(super) report: Option<PathBuf>,
}

impl CompareArgs {
    /// Each once, in the order of the tables.
    pub(super) fn loads(&self) -> Vec<Asked> {
        let is_asked = |load: &&Load| self.load.is_empty() || self.load.contains(load);
        let mut rates: Vec<Option<u32>> = self.rate.iter().copied().map(Some).collect();
        rates.sort_unstable();
        let of = |&load: &Load| {
            let rates = if load == Load::Open { rates.clone() } else { vec![None] };
            rates.into_iter().map(move |rate| Asked { load, rate })
        };
        Load::value_variants().iter().filter(is_asked).flat_map(of).collect()
    }
}
