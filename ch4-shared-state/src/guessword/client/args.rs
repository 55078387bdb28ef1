//! The arguments of `guessword-client`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use common::support::cli::within;
use common::support::connect::{ConnectArgs, timeout};
use common::support::reconnect::ReconnectArgs;

const EXAMPLES: &str = "\
Examples:
  cargo ch4 guessword-client --name Alice
  cargo ch4 guessword-client --name Bob --propose hello --guess aeiouhl --until-round 1
  cargo ch4 guessword-client --name Eve --until-round 1 --no-reconnect
  printf 'word hello\\nh\\nscores\\n' | cargo ch4 guessword-client --name Carol --script -

A letter that is in the word and that nobody has tried is a point for whoever is first; the
last letter wins the round. The server takes a new word then, from anybody.
At the terminal: a letter guesses it, `word hello` proposes a word, `scores`, `help`, `quit`.
From a script each answer and each notification is a line on standard output.

When the connection breaks the player connects and joins again under the same name, with no points.
While the server still keeps the name for the broken connection, this is tried again. What is typed
meanwhile is sent then. Whether a letter or word that was not answered counts is not known: the
player says so, and does not send it again.

Exit status: 0 done, 1 an error, 3 the name is in use or none, 4 the server is gone, 130
interrupted by Ctrl-C.";

/// The arguments of this command.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct GuesswordClientArgs {
    /// Where the server is
    #[command(flatten)]
    pub server: ConnectArgs,
    /// When the connection breaks
    #[command(flatten)]
    pub reconnect: ReconnectArgs,
    /// The name to play under; at the terminal it is asked for
    #[arg(short, long)]
    pub name: Option<String>,
    /// Guess these letters, one after the other, in every round
    #[arg(long, value_name = "LETTERS", requires = "name")]
    pub guess: Option<String>,
    /// Propose this word whenever there is none
    #[arg(long, value_name = "WORD", requires = "name")]
    pub propose: Option<String>,
    /// Play, or only listen, until so many rounds were won, by anybody
    #[arg(long, value_name = "N", requires = "name", value_parser = within(1..=1_000_000_000_000u64))]
    pub until_round: Option<u64>,
    /// Read what to do from this file, a line each; `-` is standard input. Also `wait`: for the next notification
    #[arg(long, value_name = "FILE", requires = "name", conflicts_with_all = ["guess", "propose", "until_round"])]
    pub script: Option<PathBuf>,
    /// Give up on connecting after so long, and from a script when the server says nothing for so long [default: never]
    #[arg(long, value_name = "TIME", value_parser = timeout)]
    pub timeout: Option<Duration>,
}
