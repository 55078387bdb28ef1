//! The program of chapter 2: `cargo ch2 --help`.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use common::support::cli::{LogArgs, finish, parse};
use common::support::{inherited, interrupt};

use ch2_sockets::board::{client as board_client, server as board_server};
use ch2_sockets::kernel::socket;
use ch2_sockets::{datagram, files, headers, link, multicast, parts, show, stream, windows};

const EXAMPLES: &str = "\
Examples, to begin with:
  cargo ch2 socket udp                          what a socket is
  cargo ch2 board-server                        the message board, on UDP port 7777
  cargo ch2 board-client -m 'Hello world!'      in a second terminal
`cargo ch2 COMMAND --help` explains each; ch2-sockets/README.md is the chapter.";

/// Sockets: datagrams, streams, multicast, and the message board over each of them
#[derive(Parser)]
#[command(name = "cargo ch2", bin_name = "cargo ch2", version, after_help = EXAMPLES)]
struct Cli {
    #[command(flatten)]
    log: LogArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// What a socket is: create one, bind it, and see what the system shows
    Socket(socket::SocketArgs),
    /// One datagram: send it, receive it
    Datagram(datagram::DatagramArgs),
    /// A big message in many datagrams, with or without sequence markers
    Parts(parts::PartsArgs),
    /// One datagram to a whole group
    Multicast(multicast::MulticastArgs),
    /// TCP step by step: listen, connect, send, receive, and the states of the connection
    Stream(stream::StreamArgs),
    /// The headers of UDP and TCP, field by field, from a real capture
    Headers(headers::HeadersArgs),
    /// The message board as a server: over UDP with sessions, or over TCP
    BoardServer(board_server::BoardServerArgs),
    /// Leave a message on the board, and read what others left
    BoardClient(board_client::BoardClientArgs),
    /// One message through a bad link, with a window of one, of many, and of congestion control
    Windows(windows::WindowsArgs),
    /// The file dump: serve, upload, list, download
    Files(files::FilesArgs),
    /// A bad link between client and server: loss, delay, duplicates, cuts; seeded
    Link(Box<link::LinkArgs>),
    /// Broken connections, signals and the kernel's short cuts, shown one by one
    Show(show::ShowArgs),
}

fn main() -> ExitCode {
    inherited::reset();
    let cli: Cli = parse();
    cli.log.start();
    let done = interrupt::ends_at_once().map_err(Into::into).and_then(|()| match &cli.command {
        Command::Socket(args) => socket::run(args),
        Command::Datagram(args) => datagram::run(args),
        Command::Parts(args) => parts::run(args),
        Command::Multicast(args) => multicast::run(args),
        Command::Stream(args) => stream::run(args),
        Command::Headers(args) => headers::run(args),
        Command::BoardServer(args) => board_server::run(args),
        Command::BoardClient(args) => board_client::run(args),
        Command::Windows(args) => windows::run(args),
        Command::Files(args) => files::run(args),
        Command::Link(args) => link::run(args),
        Command::Show(args) => show::run(args),
    });
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
