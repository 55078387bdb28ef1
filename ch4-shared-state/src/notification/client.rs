//! `board-client`: a client of the notification board, at a terminal or from a script. Notes, chapter 4.
//!
//! | file | what it is |
//! |---|---|
//! | `session` | what the server says and what is to be asked next, sans-I/O |
//! | `line` | a message as it is shown |
//! | `interactive` | a thread that listens while another reads the keyboard |
//! | `script` | one thread that publishes, prints and ends |
//! | `printer` | which messages it prints |

mod interactive;
mod line;
mod printer;
mod script;
mod session;

use std::io::{self, IsTerminal};
use std::net::TcpStream;
use std::process::ExitCode;
use std::time::Duration;

use crate::notification::wire::{NotTheBoard, REQUEST_LIMIT, Request};
use anyhow::bail;
use clap::Args;

use common::support::connect::{ConnectArgs, patience};

/// The server has not taken a message.
const REFUSED: u8 = 3;
/// The server has ended the connection, or it has broken.
const SERVER_GONE: u8 = 4;
/// Ctrl-C came before it was done, as shells have it.
const INTERRUPTED: u8 = 130;

/// The arguments of this command.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo ch4 board-client                            at a terminal: what you type is published
  cargo ch4 board-client --publish 'Hello world!'   or -m 'Hello world!'
  uname -a | cargo ch4 board-client --publish -
  cargo ch4 board-client --last 3                   the last three messages
  cargo ch4 board-client --follow                   all messages, and those to come, until Ctrl-C
  cargo ch4 board-client --new --count 1            wait for the next message

At the terminal Enter publishes, the arrow keys bring back what was typed, Ctrl-D or Ctrl-C ends.
From a script each message is a line on standard output: TIME [ADDRESS] -> TEXT. A line break in a
text is shown as \\n. A message counts as published when the server has said so.
It does not connect again by itself: a server that is gone ends it, and who comes again gets the
board from its beginning (see --last and --new).
Exit status: 0 done (also Ctrl-C, where nothing else would end it), 1 an error or no answer in time,
3 the message was refused, 4 the server is gone, 130 interrupted by Ctrl-C.")]
pub struct BoardClientArgs {
    /// Where the server is
    #[command(flatten)]
    pub server: ConnectArgs,
    /// Publish this; `-` is all of standard input. Can be given several times
    #[arg(short = 'm', long, visible_alias = "message", value_name = "TEXT|-", allow_hyphen_values = true)]
    pub publish: Vec<String>,
    /// Print the messages, and those to come, until Ctrl-C
    #[arg(long)]
    pub follow: bool,
    /// End after so many messages were printed, and wait for them if need be
    #[arg(long, value_name = "N", conflicts_with = "follow")]
    pub count: Option<u64>,
    /// Of the messages that are there already print only the last N; 0 means all
    #[arg(short, long, value_name = "N")]
    pub last: Option<usize>,
    /// Of the messages that are there already print none
    #[arg(long, conflicts_with = "last")]
    pub new: bool,
    /// How long to wait for the connection, and then while the server takes or answers nothing
    #[arg(long, value_name = "TIME", value_parser = patience, default_value = "10s")]
    pub timeout: Duration,
}

/// Why there is nothing more to hear.
#[derive(Debug, thiserror::Error)]
enum Gone {
    #[error("the server is gone: it has ended the connection")]
    Ended,
    #[error("the server is gone")]
    Broken(#[from] io::Error),
}

/// The protocol says no more than that.
#[derive(Debug, thiserror::Error)]
#[error("the server refuses the message: the board is full, or the message is too long")]
struct Refused;

/// A text for which the server has no room under any circumstances.
#[derive(Debug, thiserror::Error)]
#[error("the message is too long for a notification board: at most {} bytes", REQUEST_LIMIT / 4 * 3 - 3)]
struct TooLong;

/// By Ctrl-C.
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
struct Interrupted;

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
        Err(error) if error.is::<Interrupted>() => INTERRUPTED,
        Err(error) if error.is::<Gone>() || error.is::<NotTheBoard>() => SERVER_GONE,
        _ => return done.map(|()| ExitCode::SUCCESS),
    };
    if let Err(error) = done {
        eprintln!("error: {error:#}");
    }
    Ok(ExitCode::from(code))
}

fn connect(args: &BoardClientArgs) -> anyhow::Result<TcpStream> {
    args.server.connect(Some(args.timeout), "notification board", "board-server")
}

/// The frame that publishes a text.
fn request(text: Vec<u8>) -> Result<Vec<u8>, TooLong> {
    let mut frame = Vec::new();
    Request::Publish(text).encode(&mut frame);
    if frame.len() > REQUEST_LIMIT { Err(TooLong) } else { Ok(frame) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_message_is_as_long_as_is_said() {
        let longest = REQUEST_LIMIT / 4 * 3 - 3;
        assert!(request(vec![0; longest]).is_ok());
        assert!(request(vec![0; longest + 1]).unwrap_err().to_string().contains(&longest.to_string()));
    }
}
