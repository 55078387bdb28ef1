//! The arguments of `board-client`.

use std::num::NonZeroUsize;
use std::time::Duration;

use clap::builder::RangedU64ValueParser;
use clap::{Args, ValueEnum};
use common::support::cli::{at_least_one, duration, within};

use crate::session::{Config, Congestion};

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
    #[arg(long, value_name = "BLOCKS", value_parser = at_least_one(1_000_000))]
    pub window: Option<NonZeroUsize>,
    /// What a lost block says about the network
    #[arg(long, value_enum, default_value = "tolerant")]
    pub congestion: CongestionArg,
    /// The length of a datagram with its header, 288 to 65000; less where the path carries less
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
    pub(super) fn config(&self) -> Config {
        Config {
            datagram: self.datagram,
            window: self.window.map(NonZeroUsize::get),
            congestion: match self.congestion {
                CongestionArg::Reno => Congestion::Reno,
                CongestionArg::Tolerant => Congestion::Tolerant,
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
  cargo ch2 board-client --delivery-time 0       when message 0 was delivered to the board
  cargo ch2 board-client -t session -m - < FILE  a text that no datagram carries, up to 200 MiB

Over udp a request is repeated when no answer comes. If it was the answer that was lost, a message
is published twice: \"at least once\" is all that a stateless server can give. Over session it is
published exactly once. Over blocks the server does not say whether the board has taken it.
Where datagrams are repeated by the protocol itself (session, blocks, tcp), silence for as long as
all attempts would have taken is the end.

Exit status: 0 done; 1 nobody answers, or another error; 3 the server has refused the message;
130 interrupted by Ctrl-C.")]
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
    /// Publish, and read nothing
    #[arg(long, requires = "message", conflicts_with = "last")]
    pub publish_only: bool,
    /// Read the last so many messages; 0 is all of them
    #[arg(short, long, value_name = "N", default_value_t = 0, value_parser = within(0..=1_000_000_000_000u64))]
    pub last: u64,
    /// Ask for the server's time, and for nothing else
    #[arg(long, conflicts_with_all = ["message", "last", "delivery_time"])]
    pub current_time: bool,
    /// Ask when the message with this id was delivered to the board, and for nothing else; ids count from 0
    #[arg(long, value_name = "ID", conflicts_with_all = ["message", "last"], value_parser = within(0..=1_000_000_000_000u64))]
    pub delivery_time: Option<u64>,
    /// How long an answer is waited for before the request is repeated
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "1s")]
    pub timeout: Duration,
    /// How often a request is repeated before we give up
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = within(0..=1000u32))]
    pub retries: u32,
    /// TCP: how the texts are asked for [default: 5, and 4 where the server has no 5]
    #[arg(long, value_enum)]
    pub code: Option<Code>,
    /// What the sessions are to be like
    #[command(flatten)]
    pub session: SessionArgs,
}
