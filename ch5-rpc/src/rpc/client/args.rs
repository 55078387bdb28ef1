//! The arguments of `board-client`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::bail;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use common::support::cli::{duration_within, within};
use common::support::terminal;

use crate::names::client::reach;
use crate::names::found::{Behind, find};
use crate::names::object::NAME_SERVER;
use crate::pyro::proxy::Options;
use crate::pyro::uri::Uri;
use crate::rpc::codec::{Format, body};
use crate::rpc::server::{TRANSPORT, frame};
use crate::rpc::stub::{RetryPolicy, StubSettings, Target};
use crate::semantics::Semantics;

const SHORTEST: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_secs(86_400);

/// What carries the calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ClientTransport {
    /// TCP, messages in bincode
    Tcp,
    /// TCP, messages in JSON
    Json,
    /// A Unix socket, messages in bincode; --socket says where
    Unix,
    /// UDP, one datagram a call, messages in bincode
    Udp,
}

/// The arguments of `board-client`.
#[derive(Debug, Args)]
#[command(after_help = "Examples: publish and read, read the last three, see what comes:
  cargo ch5 board-client -m 'Hello world!'
  cargo ch5 board-client -l 3
  cargo ch5 board-client --follow
By its name, in a name server:
  cargo ch5 board-client --names 127.0.0.1:9090 -m 'by name'
A file as a message, and the same calls in JSON:
  cargo ch5 board-client -m - <FILE
  cargo ch5 board-server -t json -p 7779                     (in another terminal)
  cargo ch5 board-client -t json -p 7779 -m 'in JSON'
A publication in one datagram, sent once, and in one that is sent until it is answered:
  cargo ch5 board-client -t udp -m 'perhaps' --semantics maybe
  cargo ch5 board-client -t udp -m 'once or more' --semantics at-least-once --no-call-id

A call that gets no answer is repeated: reading changes nothing, and a publication has an id by
which the server knows it again. With --no-call-id it has none; then it is not repeated when it may
have happened.

Exit status: 0 done; 1 there is no server, or another error; 3 the message is certainly not
published; 4 whether the message is published is not known; 130 interrupted by Ctrl-C.")]
pub struct BoardClientArgs {
    /// What carries the calls
    #[arg(short, long, value_enum, default_value = "tcp")]
    pub transport: ClientTransport,
    /// The server's name or address
    #[arg(short = 'H', long, default_value = "127.0.0.1")]
    pub host: String,
    /// The server's port
    #[arg(short, long, default_value_t = 7777)]
    pub port: u16,
    /// A name server that knows where the board is
    #[arg(long, value_name = "ADDR:PORT", value_parser = common::support::listen::address_and_port, conflicts_with_all = ["host", "port", "socket"])]
    pub names: Option<SocketAddr>,
    /// The board's name there
    #[arg(long, value_name = "NAME", default_value = "board", requires = "names")]
    pub board: String,
    /// Unix: the file of the server's socket
    #[arg(long, value_name = "PATH", required_if_eq("transport", "unix"))]
    pub socket: Option<PathBuf>,
    /// UDP: how often a publication may be run
    #[arg(long, value_name = "WHAT", default_value = "at-most-once", value_parser = semantics())]
    pub semantics: Semantics,
    /// Publish this text; `-` reads it from standard input
    #[arg(short, long, value_name = "TEXT", allow_hyphen_values = true)]
    pub message: Option<String>,
    /// Publish, and read nothing
    #[arg(long, requires = "message", conflicts_with_all = ["last", "follow"])]
    pub publish_only: bool,
    /// Read the last so many messages; 0 is all of them
    #[arg(short, long, value_name = "N", default_value_t = 0, value_parser = within(0..=1_000_000_000_000u64))]
    pub last: u64,
    /// Read as the notes' client does: `last`, and then a `get` for each message
    #[arg(long)]
    pub chatty: bool,
    /// Then show every message that comes, until Ctrl-C; connect again when the server is gone
    #[arg(long)]
    pub follow: bool,
    /// With --follow: end with an error when the server is gone
    #[arg(long, requires = "follow")]
    pub no_reconnect: bool,
    /// Each call must be done within this time, on all servers that it passes through
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = duration_within(SHORTEST..=LONGEST))]
    pub deadline: Duration,
    /// A call that has failed is repeated so often, where that is harmless
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = within(0..=1000u32))]
    pub retries: u32,
    /// Publish without an id: the server does not know the call again
    #[arg(long)]
    pub no_call_id: bool,
    /// The longest message, in both directions; over UDP no more than 1023 bytes
    #[arg(long, value_name = "SIZE", default_value = "8MiB", value_parser = frame)]
    pub frame: usize,
    /// The trace id of all calls, 32 hexadecimal digits: what the logs of all servers on the way show [default: random]
    #[arg(long, value_name = "HEX", value_parser = trace)]
    pub trace: Option<u128>,
}

fn trace(text: &str) -> Result<u128, String> {
    let is_one = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    u128::from_str_radix(text, 16).ok().filter(|_| is_one).ok_or_else(|| "32 hexadecimal digits".into())
}

/// The kinds of call that the board has over UDP. It has no publication on a condition.
fn semantics() -> impl TypedValueParser<Value = Semantics> {
    let words = ["maybe", "at-least-once", "at-most-once"];
    PossibleValuesParser::new(words).try_map(|word| Semantics::from_str(&word, false))
}

impl BoardClientArgs {
    /// Where the server is. A name server is asked for it, if there is one.
    ///
    /// # Errors
    /// The name server is not there, or does not know the name.
    pub fn target(&self) -> anyhow::Result<Target> {
        let (host, port) = match self.names {
            None => (self.host.clone(), self.port),
            Some(names) => {
                let options = Options { timeout: self.deadline, ..Options::default() };
                let mut names = reach(&Uri::at(NAME_SERVER, names), options)?;
                let (found, words) = find(&mut names, &self.board, Behind::Board)?;
                self.check_transport(&words)?;
                (found.host, found.port)
            }
        };
        Ok(match (self.transport, &self.socket) {
            (ClientTransport::Unix, Some(path)) => Target::Unix(path.clone()),
            (ClientTransport::Udp, _) => Target::Udp { host, port, semantics: self.semantics },
            (ClientTransport::Json, _) => Target::Tcp { host, port, format: Format::Json },
            _ => Target::Tcp { host, port, format: Format::Bincode },
        })
    }

    /// A board says under its name what it speaks.
    fn check_transport(&self, words: &[String]) -> anyhow::Result<()> {
        let spoken = words.iter().find_map(|word| word.strip_prefix(TRANSPORT));
        let ours = self.transport.to_possible_value().map(|value| value.get_name().to_owned());
        match (spoken, ours) {
            (Some(spoken), Some(ours)) if spoken != ours => {
                let (name, spoken) = (terminal::line(&self.board), terminal::line(spoken));
                bail!("the board {name} is called with -t {spoken}, and not with -t {ours}")
            }
            _ => Ok(()),
        }
    }

    /// The longest message that its transport carries.
    pub fn longest(&self) -> usize {
        if self.transport == ClientTransport::Udp { self.frame.min(body::LONGEST) } else { self.frame }
    }

    /// What the stub is to be like.
    pub fn settings(&self) -> StubSettings {
        let retry = RetryPolicy { attempts: self.retries + 1, ..RetryPolicy::default() };
        StubSettings { frame: self.longest(), retry, ..StubSettings::default() }
    }
}
