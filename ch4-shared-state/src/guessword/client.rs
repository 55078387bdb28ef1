//! `guessword-client`: a player of the guess-word game, at a terminal or from a script. Notes, chapter 4: *shared state*.
//!
//! | file | what it is |
//! |---|---|
//! | `connection` | the long-lived connection: requests out, responses in |
//! | `view` | what the player knows of the game, and its picture |
//! | `command` | what a player types, at the terminal and in a script |
//! | `interactive` | a thread that listens while another reads the keyboard |
//! | `script` | one thread that asks and waits |

mod command;
pub(crate) mod connection;
mod interactive;
mod script;
mod view;

use std::io::{IsTerminal, stdin};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;

use crate::guessword::game::word::Word;
use common::support::connect::{ConnectArgs, patience};
use connection::{Connection, Gone};

/// The server has not taken the name.
const NAME_REFUSED: u8 = 3;
/// The server has ended the connection, or it has broken.
const SERVER_GONE: u8 = 4;

const EXAMPLES: &str = "\
Examples:
  cargo ch4 guessword-client --name Alice
  cargo ch4 guessword-client --name Bob --propose hello --guess aeiouhl --until-round 1
  printf 'word hello\\nh\\nscores\\n' | cargo ch4 guessword-client --name Carol --script -

A letter that is in the word and that nobody has tried is a point for whoever is first; the
last letter wins the round. The server takes a new word then, from anybody.
At the terminal: a letter guesses it, `word hello` proposes a word, `scores`, `help`, `quit`.
From a script each answer and each notification is a line on standard output.

Exit status: 0 done, 1 an error, 3 the name is in use or none, 4 the server is gone.";

/// The arguments of this command.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct GuesswordClientArgs {
    /// Where the server is
    #[command(flatten)]
    pub server: ConnectArgs,
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
    #[arg(long, value_name = "N", requires = "name")]
    pub until_round: Option<u64>,
    /// Read what to do from this file, a line each; `-` is standard input. Also `wait`: for the next notification
    #[arg(long, value_name = "FILE", requires = "name", conflicts_with_all = ["guess", "propose", "until_round"])]
    pub script: Option<PathBuf>,
    /// Give up on connecting after so long, and from a script when the server says nothing for so long [default: never]
    #[arg(long, value_name = "TIME", value_parser = patience)]
    pub timeout: Option<Duration>,
}

/// Plays.
///
/// # Errors
/// No server there, a word that is none, a script that cannot be read, or what the server has not said within `--timeout`.
pub fn run(args: &GuesswordClientArgs) -> anyhow::Result<ExitCode> {
    if let Some(word) = &args.propose {
        Word::parse(word).with_context(|| format!("`{word}`"))?;
    }
    let flags = args.guess.is_some() || args.propose.is_some() || args.until_round.is_some();
    let piped = !stdin().is_terminal();
    let connection =
        Connection::over(args.server.connect(args.timeout, "guess-word server", "guessword-server")?);
    let played = match (&args.name, &args.script) {
        (Some(name), Some(file)) => script::follow(connection, name, file, args.timeout),
        (Some(name), None) if flags => script::play(connection, name, args),
        (Some(name), None) if piped => script::follow(connection, name, "-".as_ref(), args.timeout),
        (None, _) if piped => bail!("a player who is no terminal needs a name: --name NAME"),
        (name, _) => interactive::play(connection, name.as_deref()),
    };
    match played {
        Err(error) if error.is::<Gone>() => {
            eprintln!("error: {error:#}");
            Ok(ExitCode::from(SERVER_GONE))
        }
        Err(error) if error.is::<NameRefused>() => {
            eprintln!("error: {error}");
            Ok(ExitCode::from(NAME_REFUSED))
        }
        played => played.map(|()| ExitCode::SUCCESS),
    }
}

/// The server says `d:0`, and not why.
#[derive(Debug, thiserror::Error)]
#[error(
    "the server refuses the name `{0}`: it is in use, or it is none (1 to 32 bytes, no space, nothing that is not seen)"
)]
struct NameRefused(String);
