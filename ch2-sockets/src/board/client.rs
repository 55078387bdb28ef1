//! The message board's client: publish if asked, then read what is there. Notes, chapter 2, figures 2.3 and 2.4.
//!
//! ```text
//!   -m TEXT ──► PUBLISH ──► Message published
//!               LAST n ──► ids ──► GET id, one at a time ──► time [ip:port] -> text
//!               over TCP instead: code 5, all texts in one response; with --code 4 as the notes have it
//! ```
//!
//! What carries the requests is chosen with `--transport`; each has a file below. All that can go wrong is in [`Error`].

mod progress;
pub(crate) mod session;
mod show;
mod tcp;
mod text;
pub(crate) mod transport;
mod udp;

use std::net::{SocketAddr, ToSocketAddrs};
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::time::Duration;

use crate::session::{self as session_protocol, Config};
use anyhow::{Context, anyhow};
use clap::builder::RangedU64ValueParser;
use clap::{Args, ValueEnum};
use common::core::stop::Stop;
use common::protocol::mboard::received::{self, Refused};
use common::protocol::mboard::{Id, Request};
use common::support::cli::duration;

use show::Screen;
pub use transport::Error;
use transport::{Channel, RetryPolicy};

/// What carries the requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ClientTransport {
    /// A datagram each, repeated when no answer comes; texts up to 65502 bytes
    Udp,
    /// Blocks over UDP with acknowledgements, each request executed once; texts up to 200 MiB
    Session,
    /// The notes' blocks over UDP: uploads only, one block at a time
    Blocks,
    /// A connection each; texts up to 200 MiB
    Tcp,
}

/// How a list of texts is asked for over TCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Code {
    /// As the notes have it: a colon inside a text breaks the list
    #[value(name = "4")]
    Joined,
    /// With a length before each text
    #[value(name = "5")]
    Counted,
}

/// What the sessions are to be like.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Sessions")]
pub struct SessionArgs {
    /// Never more blocks on their way than so many; 1 is stop-and-wait
    #[arg(long, value_name = "BLOCKS")]
    pub window: Option<NonZeroUsize>,
    /// What a lost block says about the network
    #[arg(long, value_enum, default_value = "tolerant")]
    pub congestion: CongestionArg,
    /// The length of a datagram with its header, 288 to 65000
    #[arg(long, value_name = "BYTES", default_value_t = 1400, value_parser = RangedU64ValueParser::<usize>::new().range(288..=65_000))]
    pub datagram: usize,
    /// At the end, say what it took: goodput, datagrams, retransmissions, round trip
    #[arg(long)]
    pub stats: bool,
}

/// What a lost block says about the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CongestionArg {
    /// That it is too full: halve the window, as TCP Reno does (RFC 5681)
    Reno,
    /// That, if the round trip has grown too or much was lost; else nothing but that it was lost
    Tolerant,
}

impl SessionArgs {
    /// For the machine.
    fn config(&self) -> Config {
        Config {
            datagram: self.datagram,
            window: self.window.map(NonZeroUsize::get),
            congestion: match self.congestion {
                CongestionArg::Reno => session_protocol::Congestion::Reno,
                CongestionArg::Tolerant => session_protocol::Congestion::Tolerant,
            },
            ..Config::default()
        }
    }
}

/// The arguments of `board-client`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo ch2 board-client                         read the board
  cargo ch2 board-client -m 'Hello world!' -l 3  leave a message, read the last three
  echo hello | cargo ch2 board-client -m -       from standard input, its line end and all
  cargo ch2 board-client -t session -m - < FILE  a text that no datagram carries, up to 200 MiB

Over udp a request is repeated when no answer comes. If it was the answer that was lost, a message
is published twice: \"at least once\" is all that a stateless server can give. Over session it is
published exactly once. Over blocks the server does not say whether the board has taken it.
Where datagrams are repeated by the protocol itself (session, blocks, tcp), silence for as long as
all attempts would have taken is the end.

Exit status: 0 done; 1 nobody answers, or another error; 2 interrupted; 3 the server has refused
the message.")]
pub struct BoardClientArgs {
    /// What carries the requests
    #[arg(short, long, value_enum, default_value = "udp")]
    pub transport: ClientTransport,
    /// The server's name or address
    #[arg(short = 'H', long, default_value = "127.0.0.1")]
    pub host: String,
    /// The server's port
    #[arg(short, long, default_value_t = 7777)]
    pub port: u16,
    /// Publish this text; `-` reads it from standard input
    #[arg(short, long, value_name = "TEXT", allow_hyphen_values = true)]
    pub message: Option<String>,
    /// Read the last so many messages; 0 is all of them
    #[arg(short, long, value_name = "N", default_value_t = 0)]
    pub last: u64,
    /// How long an answer is waited for before the request is repeated
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "1s")]
    pub timeout: Duration,
    /// How often a request is repeated before we give up
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub retries: u32,
    /// TCP: how the texts are asked for
    #[arg(long, value_enum, default_value = "5")]
    pub code: Code,
    /// What the sessions are to be like
    #[command(flatten)]
    pub session: SessionArgs,
}

/// Runs the client.
///
/// # Errors
/// A sentence about what went wrong, for exit status 1.
pub fn run(args: &BoardClientArgs) -> anyhow::Result<ExitCode> {
    let stop = Stop::install().context("no descriptor for the stop")?;
    match try_servers(args, stop) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(Error::Interrupted) => {
            tracing::info!("interrupted");
            Ok(ExitCode::from(2))
        }
        Err(error @ (Error::NotPublished(_) | Error::TooLong(_))) => {
            eprintln!("error: {error}");
            Ok(ExitCode::from(3))
        }
        Err(Error::Io(error)) => Err(error.into()),
        Err(error) => Err(error.into()),
    }
}

fn try_servers(args: &BoardClientArgs, stop: Stop) -> Result<(), Error> {
    let mut text =
        args.message.as_deref().map(|message| text::read(message, args.transport, stop)).transpose()?;
    let servers = resolve(&args.host, args.port).map_err(Error::Other)?;
    let retry = RetryPolicy { timeout: args.timeout, retries: args.retries, stop };
    let mut refusal = None;
    // A name may have several addresses, `localhost` mostly has two: the first where somebody listens is taken.
    for server in servers {
        let mut channel = Channel::open(args, server, retry)?;
        let done = converse(args, &mut channel, &mut text);
        if args.session.stats {
            channel.describe();
        }
        match done {
            Err(error @ Error::NobodyListens(_)) => refusal = refusal.or(Some(error)),
            done => return done,
        }
    }
    Err(refusal.expect("a name that resolves has an address"))
}

fn resolve(host: &str, port: u16) -> anyhow::Result<Vec<SocketAddr>> {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let found = (bare, port).to_socket_addrs().with_context(|| format!("cannot find the host {host}"))?;
    let mut servers: Vec<SocketAddr> = found.collect();
    servers.dedup();
    if servers.is_empty() { Err(anyhow!("the host {host} has no address")) } else { Ok(servers) }
}

/// The text is taken once it is published, so that no second server gets it too.
fn converse(args: &BoardClientArgs, channel: &mut Channel, text: &mut Option<Vec<u8>>) -> Result<(), Error> {
    if let Some(message) = text {
        publish(channel, message)?;
        *text = None;
    }
    let mut screen = Screen::default();
    if args.transport == ClientTransport::Tcp {
        return read_at_once(args, channel, &mut screen);
    }
    let ids = received::ids(&channel.ask(Request::Last(args.last).encode())?)?;
    for id in &ids {
        read_one(channel, *id, &mut screen)?;
    }
    screen.end()
}

fn publish(channel: &mut Channel, text: &[u8]) -> Result<(), Error> {
    let response = channel.ask(Request::Publish(text).encode()).map_err(|error| match error {
        Error::Session(error) => Error::NotPublished(error.to_string()),
        Error::Silence { .. } | Error::NobodyAnswers { .. } | Error::Interrupted | Error::Network(..) => {
            tracing::warn!("whether the message has been published is not known");
            error
        }
        error => error,
    })?;
    received::published(&response).map_err(|refused| Error::NotPublished(refused.to_string()))?;
    show::published()
}

fn read_one(channel: &mut Channel, id: Id, screen: &mut Screen) -> Result<(), Error> {
    let response = channel.ask(Request::Get(id).encode())?;
    match received::message(&response) {
        Ok(message) => {
            screen.message(&message)?;
            if channel.cuts(&response) {
                tracing::warn!("message {id} may be longer: it is cut to what one datagram carries");
            }
            Ok(())
        }
        // Another board than the one that gave us the ids: the server was started anew between two requests.
        Err(Refused::MessageNotFound) => {
            tracing::warn!("the board no longer has message {id}");
            Ok(())
        }
        Err(refused) => Err(refused.into()),
    }
}

fn read_at_once(args: &BoardClientArgs, channel: &mut Channel, screen: &mut Screen) -> Result<(), Error> {
    match args.code {
        Code::Joined => {
            let response = channel.ask(Request::LastJoined(args.last).encode())?;
            for piece in received::joined(&response)? {
                match piece {
                    Ok(message) => screen.message(&message)?,
                    Err(piece) => screen.fragment(piece)?,
                }
            }
        }
        Code::Counted => {
            let response = channel.ask(Request::LastCounted(args.last).encode())?;
            for message in received::counted(&response)? {
                screen.message(&message)?;
            }
        }
    }
    screen.end()
}
