//! `guessword-client`: a player of the guess-word game, at a terminal or from a script. Notes, chapter 4: *shared state*.
//!
//! | file | what it is |
//! |---|---|
//! | `args` | the arguments |
//! | `connection` | the long-lived connection: requests out, responses in |
//! | `view` | what the player knows of the game, and its picture |
//! | `command` | what a player types, at the terminal and in a script |
//! | `rejoin` | back into the game, when the connection has broken |
//! | `interactive` | a thread that listens while another reads the keyboard |
//! | `script` | one thread that asks and waits |

mod args;
mod command;
pub(crate) mod connection;
mod interactive;
mod rejoin;
mod script;
mod view;

use std::io::{IsTerminal, stdin};
use std::process::ExitCode;

use anyhow::{Context, bail};
use common::support::interrupt;

use crate::guessword::game::word::Word;
pub use args::GuesswordClientArgs;
use connection::{Connection, Gone};
use interactive::Interrupted;
use rejoin::NameRefused;

/// The server has not taken the name.
const NAME_REFUSED: u8 = 3;
/// The server has ended the connection, or it has broken.
const SERVER_GONE: u8 = 4;

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
    interrupt::ends_at_once()?;
    let connection =
        Connection::over(args.server.connect(args.timeout, "guess-word server", "guessword-server")?);
    let played = match (&args.name, &args.script) {
        (Some(name), Some(file)) => script::follow(connection, name, file, args),
        (Some(name), None) if flags => script::play(connection, name, args),
        (Some(name), None) if piped => script::follow(connection, name, "-".as_ref(), args),
        (None, _) if piped => bail!("a player who is no terminal needs a name: --name NAME"),
        (name, _) => interactive::play(connection, name.as_deref(), args),
    };
    match played {
        Err(error) if error.is::<Gone>() => {
            common::support::log::line(format_args!("error: {error:#}"));
            Ok(ExitCode::from(SERVER_GONE))
        }
        Err(error) if error.is::<NameRefused>() => {
            common::support::log::line(format_args!("error: {error}"));
            Ok(ExitCode::from(NAME_REFUSED))
        }
        Err(error) if error.is::<Interrupted>() => {
            common::support::log::line(format_args!("error: {error}"));
            Ok(ExitCode::from(interrupt::STATUS))
        }
        played => played.map(|()| ExitCode::SUCCESS),
    }
}
