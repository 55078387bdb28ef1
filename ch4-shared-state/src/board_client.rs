//! `board-client`: a client of the notification board, at a terminal or from a script. Notes, chapter 4.
//!
//! | file | what it is |
//! |---|---|
//! | `session` | what the server says and what is to be asked next, sans-I/O |
//! | `line` | a message as it is shown |
//! | `interactive` | a thread that listens while another reads the keyboard |
//! | `script` | one thread that publishes, prints and ends |

mod interactive;
mod line;
mod script;
mod session;

use std::io::{self, IsTerminal};
use std::net::TcpStream;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use common::cli::duration;
use common::protocol::notify::NotTheBoard;

/// The server has not taken a message.
const REFUSED: u8 = 3;
/// The server has ended the connection, or it has broken.
const SERVER_GONE: u8 = 4;

/// The arguments of this command.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo ch4 board-client                            at a terminal: what you type is published
  cargo ch4 board-client --publish 'Hello world!'
  uname -a | cargo ch4 board-client --publish -
  cargo ch4 board-client --last 3                   the last three messages
  cargo ch4 board-client --follow                   all messages, and those to come, until Ctrl-C
  cargo ch4 board-client --new --count 1            wait for the next message

At the terminal Enter publishes, the arrow keys bring back what was typed, Ctrl-D or Ctrl-C ends.
From a script each message is a line on standard output: TIME [ADDRESS] -> TEXT.
It does not connect again by itself: a server that is gone ends it, and who comes again gets the
board from its beginning (see --last and --new).
Exit status: 0 done (also Ctrl-C), 1 an error, 3 the message was refused, 4 the server is gone.")]
pub struct BoardClientArgs {
    /// Where the server is
    #[arg(short = 'H', long, default_value = "127.0.0.1")]
    pub host: String,
    /// The server's port
    #[arg(short, long, default_value_t = 7777)]
    pub port: u16,
    /// Publish this; `-` is all of standard input. Can be given several times
    #[arg(long, visible_alias = "message", value_name = "TEXT|-")]
    pub publish: Vec<String>,
    /// Print the messages, and those to come, until Ctrl-C
    #[arg(long)]
    pub follow: bool,
    /// End after so many messages were printed, and wait for them if need be
    #[arg(long, value_name = "N", conflicts_with = "follow")]
    pub count: Option<u64>,
    /// Of the messages that are there already print only the last N; 0 means all
    #[arg(long, value_name = "N")]
    pub last: Option<usize>,
    /// Of the messages that are there already print none
    #[arg(long, conflicts_with = "last")]
    pub new: bool,
    /// How long to wait for the connection, and for the answer to a message that is published
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "10s")]
    pub timeout: Duration,
}

/// Why there is nothing more to hear.
#[derive(Debug, thiserror::Error)]
enum Gone {
    #[error("the server is gone: it has ended the connection")]
    Ended,
    #[error("the server is gone: {0}")]
    Broken(#[from] io::Error),
}

/// The protocol says no more than that.
#[derive(Debug, thiserror::Error)]
#[error("the server refuses the message: the board is full, or the message is too long")]
struct Refused;

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
        Err(error) if error.is::<Refused>() => REFUSED,
        Err(error) if error.is::<Gone>() || error.is::<NotTheBoard>() => SERVER_GONE,
        _ => return done.map(|()| ExitCode::SUCCESS),
    };
    if let Err(error) = done {
        eprintln!("error: {error:#}");
    }
    Ok(ExitCode::from(code))
}

/// Connects to the first of the host's addresses that answers.
fn connect(args: &BoardClientArgs) -> anyhow::Result<TcpStream> {
    use std::net::ToSocketAddrs;
    let (host, port) = (args.host.as_str(), args.port);
    let addresses = (host, port).to_socket_addrs().with_context(|| format!("no host is called {host}"))?;
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in addresses {
        match TcpStream::connect_timeout(&address, args.timeout.max(Duration::from_millis(1))) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last).with_context(|| {
        format!("no notification board at {host} port {port}; start one with `cargo ch4 board-server`")
    })
}
