//! The arguments of `group`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use common::netem::{Profile, parse};
use common::support::cli::within;

use crate::group::partition::Policy;
use crate::group::simulation::lossy;
use crate::group::stack::Order;

const EXAMPLES: &str = "\
Examples:
  cargo ch6 group simulate                         the same group with each order: what is kept
  cargo ch6 group simulate --report group.html     the same, as space-time diagrams
  cargo ch6 group simulate --order causal --seed 7
  cargo ch6 group simulate --crash 1@3s --crash 2@3.2s
  cargo ch6 group simulate --cut 1,2/3,4,5@2.5s-4s
  cargo ch6 group member 1                         a real member; start others with 2, 3 …";

/// Group communication: membership, views, and messages in fifo, causal or total order
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct GroupArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: GroupCommand,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum GroupCommand {
    /// A group in virtual time, over a lossy network: what is delivered, and which promises are kept
    Simulate(SimulateArgs),
    /// A member over IP multicast: each line that is typed is sent to the group
    Member(MemberArgs),
}

const SIMULATE_EXAMPLES: &str = "\
Examples:
  cargo ch6 group simulate                      five orders side by side
  cargo ch6 group simulate --order total-agreed --members 3 --loss 40%
  cargo ch6 group simulate --crash 1@3s         the first member dies: a new view
  cargo ch6 group simulate --cut 1,2/3,4,5@2.5s-4s --report cut.html

The same seed is the same run. Exit status: 0 every promise is kept, 1 one is not, or an error.";

/// The arguments of `group simulate`.
#[derive(Debug, Args)]
#[command(after_help = SIMULATE_EXAMPLES)]
pub struct SimulateArgs {
    /// In which order messages are delivered [default: all orders, side by side]
    #[arg(long, value_enum)]
    pub order: Option<Order>,
    /// How many members there are
    #[arg(long, value_name = "N", default_value = "5", value_parser = within(1..=9u32))]
    pub members: u32,
    /// How many messages are sent, by members that the seed chooses
    #[arg(long, value_name = "N", default_value = "12", value_parser = within(0..=500u32))]
    pub casts: u32,
    /// How many datagrams are lost; half as many come twice or are overtaken
    #[arg(long, value_name = "CHANCE", default_value = "20%", value_parser = parse::probability)]
    pub loss: f64,
    /// A member dies at this time; may be given more than once
    #[arg(long, value_name = "MEMBER@TIME")]
    pub crash: Vec<String>,
    /// The network is cut into sides for this time: members of a side, and '/' between sides
    #[arg(long, value_name = "SIDES@FROM-TO")]
    pub cut: Option<String>,
    /// What the smaller side of a cut network does
    #[arg(long, value_enum, default_value = "wait")]
    pub policy: Policy,
    /// What decides who sends when, and the faults; without one, a new one is drawn and said
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
    /// Draw the run into this file: space-time diagrams, HTML
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
}

impl SimulateArgs {
    pub(super) fn profile(&self) -> Profile {
        lossy(self.loss)
    }
}

const MEMBER_EXAMPLES: &str = "\
Examples, each in a terminal of its own:
  cargo ch6 group member 1 --interface 127.0.0.1      without any network
  cargo ch6 group member 2 --interface 127.0.0.1
  cargo ch6 group member 3 --interface 127.0.0.1 --loss 20%

Type lines; every member prints all of them in the same order. Ctrl-C, or Ctrl-\\, ends one:
the others go on with a new view. Members of one group need the same --order.";

/// The arguments of `group member`.
#[derive(Debug, Args)]
#[command(after_help = MEMBER_EXAMPLES)]
pub struct MemberArgs {
    /// The number of this member: another one for each
    #[arg(value_name = "NUMBER", value_parser = within(1..=99u32))]
    pub number: u32,
    /// In which order messages are delivered: the same for all members
    #[arg(long, value_enum, default_value = "total-agreed")]
    pub order: Order,
    /// What the smaller side of a cut network does
    #[arg(long, value_enum, default_value = "wait")]
    pub policy: Policy,
    #[allow(missing_docs, reason = "flattened: a comment here would replace the command's own")]
    #[command(flatten)]
    pub group: common::net::multicast::GroupArgs,
    /// Suspect a member that was not heard of for so long, and go on without it
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = common::support::cli::duration_within(Duration::from_millis(200)..=Duration::from_secs(60)))]
    pub suspect: Duration,
    /// Lose so many of the datagrams that come, on purpose
    #[arg(long, value_name = "CHANCE", default_value = "0%", value_parser = parse::probability)]
    pub loss: f64,
    /// End after so long [default: at Ctrl-C, or when the input has ended and all is delivered]
    #[arg(long, value_name = "TIME", value_parser = common::support::cli::duration_within(Duration::from_millis(1)..=Duration::from_secs(86400)))]
    pub time: Option<Duration>,
}
