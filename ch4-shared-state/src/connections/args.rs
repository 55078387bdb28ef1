//! The arguments of `cargo ch4 connections`.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use ch3_threads::model::Model;
use clap::{Args, ValueEnum};
use common::support::cli::duration;
use common::support::size;

/// The arguments of this command.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo ch4 connections                       the same 2000 requests both ways, five rounds
  cargo ch4 connections --closes server       who keeps the connections in TIME_WAIT?
  cargo ch4 connections --exhaust 100         what happens when the ports run out")]
pub struct ConnectionsArgs {
    /// Requests in a round, one after another
    #[arg(long, short_alias = 'n', value_name = "N", default_value_t = 2000, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    pub requests: u32,
    /// Rounds of both; which is first alternates
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub rounds: u32,
    /// The size of an answer, without its head
    #[arg(long, value_name = "SIZE", default_value = "128", value_parser = size::up_to_1_tb)]
    pub size: u64,
    /// Who closes a short-lived connection first, and so keeps it in TIME_WAIT
    #[arg(long, value_enum, default_value = "client")]
    pub closes: Closes,
    /// First show the kernel's table while each client makes 100 requests per second for so long
    /// [default: 3s on a terminal, else 0]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub watch: Option<Duration>,
    /// Instead: give the client so few ports, and use them up
    #[arg(long, value_name = "PORTS", value_parser = clap::value_parser!(u16).range(2..=10_000))]
    pub exhaust: Option<u16>,
    /// Run client and server on one processor: steadier, and faster where only one of them works at a time
    #[arg(long)]
    pub pin: bool,
    /// How the server runs its connections
    #[arg(short, long, value_enum, default_value = "epoll")]
    pub model: Model,
    /// The address that the server listens on, and the client comes from
    #[arg(short = 'l', long, default_value = "127.0.0.1", value_parser = common::support::listen::address)]
    pub listenaddr: IpAddr,
    /// Write what was measured, a JSON list with an object per round and client
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

/// Who sends the first FIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Closes {
    /// The request says `Connection: close`, and the client waits for the end
    Server,
    /// The client closes when it has its answer
    Client,
}
