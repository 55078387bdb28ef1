//! The arguments of `agree`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use common::netem::{Profile, parse};
use common::support::cli::{duration_within, within};

use super::node::{Node, Plan};

const EXAMPLES: &str = "\
Examples:
  cargo ch4 agree                              four nodes, one pen, a link that loses a tenth
  cargo ch4 agree --report agree.html          the same as a space-time diagram
  cargo ch4 agree --dies 2                     one dies with the pen: the others wait for ever
  cargo ch4 agree --dies 2 --detector 400ms    they take it for dead, and go on
  cargo ch4 agree --detector 20ms --delay 60ms --seed 1    a wrong detector: two have the pen

Exit status: 0 all live nodes have drawn, 1 two had the pen at once, or an error, 3 some wait for
ever (when --time is over), 130 Ctrl-C.";

const TIMES: std::ops::RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(10);

/// The arguments of this command.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct AgreeArgs {
    /// Who wants to draw
    #[arg(long, value_name = "N", default_value = "4", value_parser = within(2..=6usize))]
    pub nodes: usize,
    /// How often each draws
    #[arg(long, value_name = "N", default_value = "3", value_parser = within(1..=100u32))]
    pub rounds: u32,
    /// How long each has the pen
    #[arg(long, value_name = "TIME", default_value = "10ms", value_parser = duration_within(TIMES))]
    pub hold: Duration,
    /// How long each thinks at most before it wants the pen again
    #[arg(long, value_name = "TIME", default_value = "100ms", value_parser = duration_within(TIMES))]
    pub think: Duration,
    /// This node dies when it has the pen for the first time; they are numbered from 0
    #[arg(long, value_name = "NODE", value_parser = within(0..=5usize))]
    pub dies: Option<usize>,
    /// Take a node for dead that has been silent for so long, and go on without it
    #[arg(long, value_name = "TIME", value_parser = duration_within(Duration::from_millis(1)..=Duration::from_secs(10)))]
    pub detector: Option<Duration>,
    /// Send again what is not acknowledged after so long
    #[arg(long, value_name = "TIME", default_value = "50ms", value_parser = duration_within(Duration::from_millis(1)..=Duration::from_secs(10)))]
    pub timeout: Duration,
    /// End after so long, also when some still wait
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration_within(Duration::from_millis(1)..=Duration::from_secs(600)))]
    pub time: Duration,
    /// How long everything is on its way
    #[arg(long, value_name = "TIME", default_value = "5ms", value_parser = duration_within(TIMES), help_heading = "The link")]
    pub delay: Duration,
    /// How much longer it may take
    #[arg(long, value_name = "TIME", default_value = "5ms", value_parser = duration_within(TIMES), help_heading = "The link")]
    pub jitter: Duration,
    /// How many datagrams are lost
    #[arg(long, value_name = "CHANCE", default_value = "10%", value_parser = parse::probability, help_heading = "The link")]
    pub loss: f64,
    /// No sockets and no real time: the same seed is the same run
    #[arg(long = "virtual")]
    pub virtual_time: bool,
    /// What decides who wants the pen when, and the faults; without one, a new one is drawn and said
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
    /// Draw the run into this file: a space-time diagram, HTML
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
}

impl AgreeArgs {
    pub(super) fn profile(&self) -> Profile {
        Profile { loss: self.loss, delay: self.delay, jitter: self.jitter, ..Profile::default() }
    }

    pub(super) fn make_nodes(&self, seed: u64) -> Vec<Node> {
        let node = |id| {
            let plan = Plan {
                rounds: self.rounds,
                hold: self.hold,
                think: self.think,
                dies: self.dies == Some(id),
                detector: self.detector,
                timeout: self.timeout,
            };
            Node::new(id, self.nodes, plan, seed)
        };
        (0..self.nodes).map(node).collect()
    }
}
