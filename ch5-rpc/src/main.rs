//! The program of chapter 5: `cargo ch5 --help`.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use common::support::cli::{LogArgs, finish, parse};
use common::support::inherited;

use ch5_rpc::chat::{client as chat_client, server as chat_server};
use ch5_rpc::rpc::{client as board_client, server as board_server};
use ch5_rpc::{anatomy, compare, container, names, semantics, stub, xmlrpc_server};

const EXAMPLES: &str = "\
Examples, to begin with:
  cargo ch5 board-server          the message board as remote procedures, on port 7777
  cargo ch5 board-client -m 'Hello world!'      in a second terminal
  cargo ch5 xmlrpc-server -p 7778               the same board over XML-RPC and JSON-RPC
  cargo ch5 describe http://127.0.0.1:7778/RPC2
  cargo ch5 call http://127.0.0.1:7778/RPC2 publish hello
  cargo ch5 chat-server -p 7779   a chat of remote objects; it prints its URI
  cargo ch5 chat-client -u URI -n Ann
  cargo ch5 semantics             how often a call is run when the network is bad
  cargo ch5 anatomy               one call, step by step and byte by byte
  cargo ch5 compare --quick       what a call costs over each wire
`cargo ch5 COMMAND --help` explains each; ch5-rpc/README.md is the chapter.";

/// Remote procedure calls and remote objects
#[derive(Parser)]
#[command(name = "cargo ch5", bin_name = "cargo ch5", version, after_help = EXAMPLES)]
struct Cli {
    #[command(flatten)]
    log: LogArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// The message board as remote procedures: the server
    BoardServer(board_server::BoardServerArgs),
    /// The message board as remote procedures: a client
    BoardClient(board_client::BoardClientArgs),
    Anatomy(anatomy::AnatomyArgs),
    /// The message board over XML-RPC, and over JSON-RPC beside it
    XmlrpcServer(xmlrpc_server::XmlrpcServerArgs),
    /// Call a method of a server of XML-RPC or JSON-RPC, and print its result as JSON
    Call(stub::CallArgs),
    /// Ask a server of XML-RPC or JSON-RPC which methods it has
    Describe(stub::DescribeArgs),
    /// How often a call is run when the network is bad or the server ends: maybe, at least once, at
    /// most once, conditional
    Semantics(semantics::SemanticsArgs),
    /// The name server, and its clients: list, lookup, register, remove, watch
    Names(names::NamesArgs),
    /// A chat of remote objects as a server, for the notes' Pyro client, too
    ChatServer(chat_server::ChatServerArgs),
    /// A user of a chat: interactive, or for scripts
    ChatClient(chat_client::ChatClientArgs),
    Container(container::ContainerArgs),
    /// What a remote call costs: the same operations over many wires, side by side
    Compare(compare::CompareArgs),
    /// A minimal server for the comparison
    #[command(hide = true)]
    CompareServer(compare::CompareServerArgs),
}

fn main() -> ExitCode {
    inherited::reset();
    let cli: Cli = parse();
    cli.log.start();
    let done = match &cli.command {
        Command::BoardServer(args) => board_server::run(args),
        Command::BoardClient(args) => board_client::run(args),
        Command::Anatomy(args) => anatomy::run(args),
        Command::XmlrpcServer(args) => xmlrpc_server::run(args),
        Command::Call(args) => stub::call(args),
        Command::Describe(args) => stub::describe(args),
        Command::Semantics(args) => semantics::run(args),
        Command::Names(args) => names::run(args),
        Command::ChatServer(args) => chat_server::run(args),
        Command::ChatClient(args) => chat_client::run(args),
        Command::Container(args) => container::run(args),
        Command::Compare(args) => compare::run(args),
        Command::CompareServer(args) => compare::run_server(args),
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
