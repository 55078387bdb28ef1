//! The arguments of `board-client`.

use std::net::TcpStream;
use std::time::Duration;

use clap::Args;
use common::support::cli::within;
use common::support::connect::{ConnectArgs, timeout};
use common::support::reconnect::ReconnectArgs;

/// The arguments of this command.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo ch4 board-client                            at a terminal: what you type is published
  cargo ch4 board-client --publish 'Hello world!'   or -m 'Hello world!'
  uname -a | cargo ch4 board-client --publish -
  cargo ch4 board-client --last 3                   the last three messages
  cargo ch4 board-client --follow                   all messages, and those to come, until Ctrl-C
  cargo ch4 board-client --new --count 1            wait for the next message
  cargo ch4 board-client --follow --no-reconnect    end with status 4 when the server is gone

At the terminal Enter publishes, the arrow keys bring back what was typed, Ctrl-D or Ctrl-C ends.
From a script each message is a line on standard output: TIME [ADDRESS] -> TEXT. A line break in a
text is shown as \\n. A message counts as published when the server has said so.
When the connection breaks, a client that waits for messages (at the terminal, --follow, --new,
--count) connects again, shows what it has missed, and nothing twice. It says when the board has
begun anew. What was typed meanwhile is sent then. A message that was sent and not acknowledged is
looked for on the board; when it is not there, nobody knows whether it will be: the client says so,
and does not send it again.
A client that only publishes, or prints --last, ends when the connection breaks.

Exit status: 0 done, 1 an error or no answer in time, 3 the message was refused, 4 the server is
gone, or it is not known whether a message is on the board, 130 interrupted by Ctrl-C.")]
pub struct BoardClientArgs {
    /// Where the server is
    #[command(flatten)]
    pub server: ConnectArgs,
    /// When the connection breaks
    #[command(flatten)]
    pub reconnect: ReconnectArgs,
    /// Publish this; `-` is all of standard input. Can be given several times
    #[arg(short = 'm', long, visible_alias = "message", value_name = "TEXT|-", allow_hyphen_values = true)]
    pub publish: Vec<String>,
    /// Print the messages, and those to come, until Ctrl-C
    #[arg(long)]
    pub follow: bool,
    /// End after so many messages were printed, and wait for them if need be
    #[arg(long, value_name = "N", conflicts_with = "follow", value_parser = within(1..=1_000_000_000_000u64))]
    pub count: Option<u64>,
    /// Of the messages that are there already print only the last N; 0 means all
    #[arg(short, long, value_name = "N", value_parser = within(0..=1_000_000_000_000usize))]
    pub last: Option<usize>,
    /// Of the messages that are there already print none
    #[arg(long, conflicts_with = "last")]
    pub new: bool,
    /// How long to wait for the connection, and then while the server takes or answers nothing
    #[arg(long, value_name = "TIME", value_parser = timeout, default_value = "10s")]
    pub timeout: Duration,
}

impl BoardClientArgs {
    pub(super) fn connect(&self) -> anyhow::Result<TcpStream> {
        connect(&self.server, self.timeout)
    }
}

/// Connects to the board.
pub(super) fn connect(server: &ConnectArgs, timeout: Duration) -> anyhow::Result<TcpStream> {
    server.connect(Some(timeout), "notification board", "board-server")
}
