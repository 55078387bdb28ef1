//! The program of chapter 4: `cargo ch4 --help`.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use common::support::cli::{LogArgs, finish, parse};
use common::support::{inherited, interrupt};

use ch4_shared_state::download::{self, server as files_server};
use ch4_shared_state::guessword::{client as guessword_client, server as guessword_server};
use ch4_shared_state::notification::{client as board_client, server as board_server};
use ch4_shared_state::{agree, clocks, connections, simulate, verify, whiteboard};

const EXAMPLES: &str = "\
Examples, to begin with:
  cargo ch4 board-server          the notification board, on port 7777
  cargo ch4 board-client          in a second and a third terminal
  cargo ch4 guessword-server -p 7778
  cargo ch4 guessword-client -p 7778      a player, in a terminal each
  cargo ch4 whiteboard -p 7779    draw together, in the browser
  cargo ch4 clocks                how well clocks can be synchronised, and how not
  cargo ch4 agree                 who may draw next, without a server
  cargo ch4 download              why four downloads at once take as long as one
A server without -p listens on port 7777, and so does the next: give all but one of them another.
`cargo ch4 COMMAND --help` explains each; ch4-shared-state/README.md is the chapter.";

/// Shared state: notifications, a game, a shared drawing, and how to tell that all of it is right
#[derive(Parser)]
#[command(name = "cargo ch4", bin_name = "cargo ch4", version, after_help = EXAMPLES)]
struct Cli {
    #[command(flatten)]
    log: LogArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Download files one after another, in threads, or asynchronously
    Download(download::DownloadArgs),
    /// A small HTTP server of files, slow on purpose, to download from
    FilesServer(files_server::FilesServerArgs),
    /// Short-lived against long-lived connections: what the kernel shows and what it costs
    Connections(connections::ConnectionsArgs),
    /// The notification board as a server: every client hears of every message
    BoardServer(board_server::BoardServerArgs),
    /// A client of the notification board: interactive, or for scripts
    BoardClient(board_client::BoardClientArgs),
    /// The guess-word game as a server
    GuesswordServer(guessword_server::GuesswordServerArgs),
    /// A player of the guess-word game
    GuesswordClient(guessword_client::GuesswordClientArgs),
    /// Check that a server's answers to concurrent clients could have come one after another
    Verify(verify::VerifyArgs),
    /// Draw together in the browser: collisions decided by the server, or by the drawers
    Whiteboard(whiteboard::WhiteboardArgs),
    /// Synchronise clocks over a bad network: Cristian, NTP and Berkeley, and how wrong each is
    Clocks(clocks::ClocksArgs),
    /// Agree on who may draw next, without a server: Ricart and Agrawala over a bad network
    Agree(agree::AgreeArgs),
    /// Thousands of clients of the board, or players of the game, at once: is it right, and how fast
    /// is it?
    Simulate(simulate::SimulateArgs),
}

fn main() -> ExitCode {
    inherited::reset();
    let cli: Cli = parse();
    cli.log.start();
    let done = match &cli.command {
        Command::Download(args) => download::run(args),
        Command::FilesServer(args) => files_server::run(args),
        Command::Connections(args) => connections::run(args),
        Command::BoardServer(args) => board_server::run(args),
        Command::BoardClient(args) => board_client::run(args),
        Command::GuesswordServer(args) => guessword_server::run(args),
        Command::GuesswordClient(args) => guessword_client::run(args),
        Command::Verify(args) => verify::run(args),
        Command::Whiteboard(args) => whiteboard::run(args),
        Command::Clocks(args) => clocks::run(args),
        Command::Agree(args) => agree::run(args),
        Command::Simulate(args) => simulate::run(args),
    };
    // What a run has measured or fetched before Ctrl-C is said, and the status says that it is not all.
    let is_cut_short = interrupt::has_come() && matches!(done, Ok(ExitCode::SUCCESS));
    finish(if is_cut_short { Ok(ExitCode::from(interrupt::STATUS)) } else { done })
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
