//! The program of chapter 6: `cargo ch6 --help`.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use common::support::cli::{LogArgs, finish, parse};
use common::support::inherited;

use ch6_indirect::board::{client as board_client, server as board_server};
use ch6_indirect::group::program as group;
use ch6_indirect::server::{arguments, user};
use ch6_indirect::{bridge, compare, coupling, events, inspect, tour};

const EXAMPLES: &str = "\
Examples, to begin with:
  cargo ch6 broker                a message broker on port 5672, for any client of AMQP 0-9-1
  cargo ch6 broker --data DIR     the same, and what is durable survives a crash
  cargo ch6 tour                  the patterns of messaging, with a broker of its own
  cargo ch6 board-server          the message board over the broker
  cargo ch6 board-client -m 'Hello world!'      in another terminal
  cargo ch6 group simulate        a group of five: which order keeps which promise
  cargo ch6 group member 1        a member over IP multicast
  cargo ch6 inspect               a look at it, in a second terminal; the same and more is in the
                                  browser, at http://127.0.0.1:15672/
  cargo ch6 compare --quick       brokers side by side: RabbitMQ, NATS, redis and ours
`cargo ch6 COMMAND --help` explains each; ch6-indirect/README.md is the chapter.";

/// Indirect communication: a message broker, and groups
#[derive(Parser)]
#[command(name = "cargo ch6", bin_name = "cargo ch6", version, after_help = EXAMPLES)]
struct Cli {
    #[command(flatten)]
    log: LogArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// A message broker that speaks AMQP 0-9-1
    Broker(Box<arguments::BrokerArgs>),
    Inspect(inspect::InspectArgs),
    /// Users of a broker, with hashed passwords
    User(user::UserArgs),
    /// The message board over a broker: a server
    BoardServer(board_server::BoardServerArgs),
    /// The message board over a broker: a client
    BoardClient(board_client::BoardClientArgs),
    /// Publish an event under a subject
    Publish(events::PublishArgs),
    /// Print the events of some subjects
    Subscribe(events::SubscribeArgs),
    /// The patterns of messaging, run for real, with a picture of what went where
    Tour(tour::TourArgs),
    /// Join two brokers: what is published at one comes to the other
    Bridge(bridge::BridgeArgs),
    /// Space and time: the four corners, each with the failure that it has
    Coupling(coupling::CouplingArgs),
    Group(group::GroupArgs),
    /// Brokers side by side, under one load: RabbitMQ, NATS, redis and ours
    Compare(compare::CompareArgs),
    /// The least server for the comparison
    #[command(hide = true)]
    LeastServer(compare::LeastServerArgs),
}

fn main() -> ExitCode {
    inherited::reset();
    let cli: Cli = parse();
    cli.log.start();
    let done = match &cli.command {
        Command::Broker(args) => arguments::run(args),
        Command::Inspect(args) => inspect::run(args),
        Command::User(args) => user::run(args),
        Command::BoardServer(args) => board_server::run(args),
        Command::BoardClient(args) => board_client::run(args),
        Command::Publish(args) => events::publish(args),
        Command::Subscribe(args) => events::subscribe(args),
        Command::Tour(args) => tour::run(args),
        Command::Bridge(args) => bridge::run(args),
        Command::Coupling(args) => coupling::run(args),
        Command::Group(args) => group::run(args),
        Command::Compare(args) => compare::run(args),
        Command::LeastServer(args) => compare::run_least(args),
    };
    finish(done)
}

#[cfg(test)]
mod tests {
    use super::Cli;

    #[test]
    fn every_letter_has_its_one_meaning() {
        let command = <Cli as clap::CommandFactory>::command();
        let table = include_str!("../../CONTRIBUTING.md");
        assert_eq!(common::support::cli::letters_not_in(table, command), [""; 0]);
    }

    #[test]
    fn every_help_has_an_example_and_no_line_that_is_too_long() {
        let command = <Cli as clap::CommandFactory>::command();
        assert_eq!(common::support::cli::hard_to_read(command), [""; 0]);
    }

    #[test]
    fn every_number_has_a_range() {
        let command = <Cli as clap::CommandFactory>::command();
        assert_eq!(common::support::cli::without_range(command), [""; 0]);
    }
}
