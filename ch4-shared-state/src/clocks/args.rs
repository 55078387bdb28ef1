//! The arguments of `clocks`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use common::netem::{Profile, parse};
use common::support::cli::{duration_within, within};

const EXAMPLES: &str = "\
Examples:
  cargo ch4 clocks                                  four clocks, a bad network, three algorithms
  cargo ch4 clocks --delay-down 0ms                 both ways alike: better, with the same bounds
  cargo ch4 clocks --samples 1 --jitter 100ms       without a choice of exchanges
  cargo ch4 clocks --loss 0% --least 15ms           the least time of a way is known: better bounds
  cargo ch4 clocks --seed 7 --report clocks.html    the same clocks and faults again, as a picture

The clocks are made up: functions of this machine's clock, each with an offset and a drift by the
seed. So it is known how wrong each algorithm is: `true error`, beside the bound that the algorithm
claims. The datagrams are real, over UDP sockets through the lossy link, and so are the times that
they take: two runs with one seed differ by the machine's own delays. With --virtual nothing is
real, and two runs are the same.";

/// Milliseconds to seconds: what a network may do.
const TIMES: std::ops::RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(10);

/// The arguments of this command.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ClocksArgs {
    /// Clocks that are wrong
    #[arg(long, value_name = "N", default_value = "4", value_parser = within(1..=16usize))]
    pub nodes: usize,
    /// By how much a clock is wrong at most, at the beginning
    #[arg(long, value_name = "TIME", default_value = "500ms", value_parser = duration_within(TIMES))]
    pub offset: Duration,
    /// By how much it goes wrong at most: microseconds in a second
    #[arg(long, value_name = "PPM", default_value = "50", value_parser = within(0..=1000i64))]
    pub drift: i64,
    /// How many exchanges NTP and Berkeley choose from. Cristian's has the first
    #[arg(long, value_name = "N", default_value = "8", value_parser = within(1..=100usize))]
    pub samples: usize,
    /// How long the one that is asked works on an answer
    #[arg(long, value_name = "TIME", default_value = "5ms", value_parser = duration_within(TIMES))]
    pub busy: Duration,
    /// What each way is known to take at least: for Cristian's bound
    #[arg(long, value_name = "TIME", default_value = "0ms", value_parser = duration_within(TIMES))]
    pub least: Duration,
    /// Ask again after so long without an answer
    #[arg(long, value_name = "TIME", default_value = "200ms", value_parser = duration_within(Duration::from_millis(1)..=Duration::from_secs(10)))]
    pub timeout: Duration,
    /// How long everything is on its way
    #[arg(long, value_name = "TIME", default_value = "20ms", value_parser = duration_within(TIMES), help_heading = "The link")]
    pub delay: Duration,
    /// How much longer answers are on their way
    #[arg(long, value_name = "TIME", default_value = "20ms", value_parser = duration_within(TIMES), help_heading = "The link")]
    pub delay_down: Duration,
    /// How much longer it may take
    #[arg(long, value_name = "TIME", default_value = "15ms", value_parser = duration_within(TIMES), help_heading = "The link")]
    pub jitter: Duration,
    /// How many datagrams are lost
    #[arg(long, value_name = "CHANCE", default_value = "10%", value_parser = parse::probability, help_heading = "The link")]
    pub loss: f64,
    /// No sockets and no real time: the same seed has the same result to the nanosecond
    #[arg(long = "virtual")]
    pub virtual_time: bool,
    /// What decides the clocks and the faults; without one, a new one is drawn and said
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
    /// Write the figures to this file
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Draw them into this file: HTML
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
}

impl ClocksArgs {
    pub(super) fn profile(&self) -> Profile {
        let (delay, delay_down, jitter, loss) = (self.delay, self.delay_down, self.jitter, self.loss);
        Profile { delay, delay_down, jitter, loss, ..Profile::default() }
    }

    /// Nanoseconds in a second.
    pub(super) fn drift_nanos(&self) -> i64 {
        self.drift * 1000
    }
}
