//! The arguments of `compare`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use common::bench::arguments::{Arguments, Pinning, Schedule};

use super::class::Class;
use super::contestant::Contestant;

/// How often and how long.
#[derive(Debug)]
pub(super) struct Times;

impl Schedule for Times {
    const FULL: (u32, Duration) = (5, Duration::from_secs(2));
    const QUICK: (u32, Duration) = (1, Duration::from_millis(200));
}

/// The arguments of `compare`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo ch6 compare --quick           a look, in less than a minute: all but idle and backlog
  cargo ch6 compare                   all, 5 rounds of 2 seconds
  cargo ch6 compare --class fan-out --only ours,nats,rabbitmq-classic
  cargo ch6 compare --class durable,one --report durable.html --json durable.json
RabbitMQ, NATS and redis take part where they are installed. Each is started here, and stopped.")]
pub struct CompareArgs {
    /// Who takes part, with commas between them [default: all]
    #[arg(long, value_enum, value_delimiter = ',', value_name = "NAME,...")]
    only: Vec<Contestant>,
    /// What is asked, with commas between them [default: all, with --quick all but idle and backlog]
    #[arg(long, value_enum, value_delimiter = ',', value_name = "CLASS,...")]
    class: Vec<Class>,
    /// A broker that speaks AMQP and runs already takes the place of ours
    #[arg(long, value_name = "ADDRESS")]
    pub(super) broker: Option<SocketAddr>,
    /// Idle connections of that class [default: 10000, with --quick 500]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=15_000))]
    idle: Option<u32>,
    /// Messages that wait in that class [default: 1000000, with --quick 20000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000_000))]
    messages: Option<u32>,
    #[allow(missing_docs, reason = "flattened: a comment here would replace the command's own")]
    #[command(flatten)]
    pub(super) pinning: Pinning,
    #[allow(missing_docs, reason = "flattened: a comment here would replace the command's own")]
    #[command(flatten)]
    pub(super) measure: Arguments<Times>,
    /// Write the tables as a page (HTML), too
    #[arg(long, value_name = "FILE")]
    pub(super) report: Option<PathBuf>,
}

impl CompareArgs {
    /// Each once, in the order of the tables.
    pub(super) fn classes(&self) -> Vec<Class> {
        let is_default = |class: &Class| self.class.is_empty() && !(self.is_quick() && class.is_memory());
        let is_asked = |class: &&Class| is_default(class) || self.class.contains(class);
        Class::value_variants().iter().filter(is_asked).copied().collect()
    }

    /// Who is asked in this class.
    pub(super) fn contestants(&self, class: Class) -> Vec<Contestant> {
        let is_asked = |one: &&Contestant| self.only.is_empty() || self.only.contains(one);
        Contestant::value_variants()
            .iter()
            .filter(is_asked)
            .copied()
            .filter(|one| one.takes_part(class))
            .collect()
    }

    pub(super) fn idle(&self) -> u32 {
        self.idle.unwrap_or(if self.is_quick() { 500 } else { 10_000 })
    }

    pub(super) fn messages(&self) -> u64 {
        u64::from(self.messages.unwrap_or(if self.is_quick() { 20_000 } else { 1_000_000 }))
    }

    fn is_quick(&self) -> bool {
        self.measure.is_quick()
    }
}
