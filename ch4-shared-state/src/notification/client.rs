//! `board-client`: a client of the notification board, at a terminal or from a script. Notes, chapter 4.
//!
//! | file | what it is |
//! |---|---|
//! | `args`, `error` | the arguments, and what ends it with a status of its own |
//! | `publication` | the request that publishes a text |
//! | `session` | what the server says and what is to be asked next, over one connection, sans-I/O |
//! | `catch_up` | the same over all its connections: what is new after a break |
//! | `own` | what has become of our own messages |
//! | `line` | a message as it is shown |
//! | `interactive` | a thread that listens while another reads the keyboard |
//! | `script` | one thread that publishes, prints and ends |
//! | `printer` | which messages it prints |

mod args;
mod catch_up;
mod error;
mod interactive;
mod line;
mod own;
mod printer;
mod publication;
mod script;
mod session;

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use anyhow::bail;

use crate::notification::wire::NotTheBoard;
pub use args::BoardClientArgs;
use error::{Gone, Interrupted, NotKnown, Refused};
use publication::TooLong;

/// The server has not taken a message.
const REFUSED: u8 = 3;
/// The server has ended the connection, or it has broken, and perhaps with it a message of ours.
const SERVER_GONE: u8 = 4;

/// Publishes, prints, or talks to whoever sits at the terminal.
///
/// # Errors
/// No server there, or what the server has not said within `--timeout`.
pub fn run(args: &BoardClientArgs) -> anyhow::Result<ExitCode> {
    let scripted =
        !args.publish.is_empty() || args.follow || args.count.is_some() || args.last.is_some() || args.new;
    if !scripted && !io::stdin().is_terminal() {
        bail!("standard input is no terminal: say what to do with --publish, --follow, --count or --last");
    }
    let done = if scripted { script::run(args) } else { interactive::run(args) };
    let code = match &done {
        Err(error) if error.is::<Refused>() || error.is::<TooLong>() => REFUSED,
        Err(error) if error.is::<Interrupted>() => common::support::interrupt::STATUS,
        Err(error) if error.is::<Gone>() || error.is::<NotTheBoard>() || error.is::<NotKnown>() => {
            SERVER_GONE
        }
        _ => return done.map(|()| ExitCode::SUCCESS),
    };
    if let Err(error) = done {
        common::support::log::line(format_args!("error: {error:#}"));
    }
    Ok(ExitCode::from(code))
}
