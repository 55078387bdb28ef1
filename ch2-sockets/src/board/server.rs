//! The message board as a server: over UDP with sessions, or over TCP. Notes, chapter 2, the three "Application" sections.
//!
//! ```text
//!   --transport udp   one socket, one thread   udp.rs   datagrams, and sessions for what no datagram can carry
//!   --transport tcp   a thread per connection  tcp.rs   a request is a stream up to its half-close
//! ```
//!
//! Behind both is the same [`Board`](common::board::Board), in memory: what was published is gone with the server.

mod answers;
mod tcp;
mod udp;
mod unproved;

use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::time::Duration;

use crate::session;
use anyhow::Context;
use clap::{Args, ValueEnum};
use common::board::Limits;
use common::core::limits as core;
use common::core::listener::Listener;
use common::core::stop::Stop;
use common::net::datagram::Endpoint;
use common::support::cli::{LimitArgs, at_least_one, duration, stdout, within};
use common::support::listen::refusal;
use unproved::UnprovedLimit;

/// What carries the requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ServerTransport {
    /// A datagram each; longer ones in blocks, as sessions, on the same port
    Udp,
    /// A connection each
    Tcp,
}

/// The arguments of `board-server`.
#[derive(Debug, Args)]
#[command(after_help = "Example: a board, and two who meet there:
  cargo ch2 board-server
  cargo ch2 board-client -m 'Hello world!'      (in a second terminal)
  cargo ch2 board-client                        (in a third)
The same over TCP: --transport tcp for the server and for each client.
What was published is held in memory until the server ends: Ctrl-C, or SIGTERM.")]
pub struct BoardServerArgs {
    /// What carries the requests
    #[arg(short, long, value_enum, default_value = "udp")]
    pub transport: ServerTransport,
    /// The address to listen on; 0.0.0.0 and :: are all of this machine's
    #[arg(short = 'l', long, default_value = "127.0.0.1", value_parser = common::support::listen::address)]
    pub listenaddr: IpAddr,
    /// The port to listen on; 0 takes any free one
    #[arg(short = 'p', long, default_value_t = 7777)]
    pub listenport: u16,
    /// Texts of so many bytes in all are held, then the board is full
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().bytes, value_parser = within(0..=1_000_000_000_000usize))]
    pub board_bytes: usize,
    /// So many messages are held, then the board is full
    #[arg(long, value_name = "N", default_value_t = Limits::default().messages, value_parser = within(0..=1_000_000_000_000usize))]
    pub board_messages: usize,
    /// UDP: so many sessions at once
    #[arg(long, value_name = "N", default_value_t = session::Limits::default().active_sessions, value_parser = within(0..=1_000_000usize))]
    pub sessions: usize,
    /// UDP: so many sessions of one client's address at once
    #[arg(long, value_name = "N", default_value_t = session::Limits::default().active_sessions_per_client, value_parser = within(0..=1_000_000usize))]
    pub sessions_per_client: usize,
    /// UDP: so many bytes of messages on their way, of all sessions
    #[arg(long, value_name = "BYTES", default_value_t = session::Limits::default().bytes, value_parser = within(0..=1_000_000_000_000usize))]
    pub session_bytes: usize,
    /// UDP: bytes a second that an address without a session may be sent beyond what it has sent; ten times as many at once;
    /// 0 is no limit
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 20, value_parser = within(0..=1_000_000_000_000u64))]
    pub unproved_rate: u64,
    /// UDP: a session without a datagram for so long has ended
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "30s")]
    pub session_idle: Duration,
    /// TCP: so many connections are served at once; the others wait in the backlog
    #[arg(long, value_name = "N", default_value = "512", value_parser = at_least_one(10_000_000))]
    pub connections: NonZeroUsize,
    #[allow(missing_docs, reason = "flattened: a comment here would replace the command's own")]
    #[command(flatten, next_help_heading = "TCP: the limits of each client, and of all together")]
    pub limits: LimitArgs,
}

impl BoardServerArgs {
    fn session_limits(&self) -> session::Limits {
        session::Limits {
            active_sessions: self.sessions,
            active_sessions_per_client: self.sessions_per_client,
            bytes: self.session_bytes,
            idle_timeout: self.session_idle,
            ..session::Limits::default()
        }
    }
}

/// Serves until the stop.
///
/// # Errors
/// When the address cannot be had.
pub fn run(args: &BoardServerArgs) -> anyhow::Result<ExitCode> {
    let stop = Stop::install().context("no descriptor for the stop")?;
    let address = SocketAddr::new(args.listenaddr, args.listenport);
    let limits = Limits { bytes: args.board_bytes, messages: args.board_messages };
    match args.transport {
        ServerTransport::Udp => {
            let endpoint = Endpoint::bind(address)
                .map_err(refusal)
                .with_context(|| format!("cannot bind {address}/udp"))?;
            announce(endpoint.address()?);
            udp::serve(
                endpoint,
                stop,
                limits,
                args.session_limits(),
                UnprovedLimit::new(args.unproved_rate),
            )?;
        }
        ServerTransport::Tcp => {
            let listener = Listener::open(address, tcp::BACKLOG, false, stop)
                .map_err(refusal)
                .with_context(|| format!("cannot listen on {address}"))?;
            announce(listener.address());
            let budget = args.limits.budget().context("no memory for the budget")?;
            let timeouts = args.limits.timeouts();
            tcp::serve(
                &listener,
                stop,
                limits,
                core::Limits { timeouts, connections: args.connections, budget },
            )?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The first line on stdout, for those who have started us on port 0. With its stdout closed a server still serves.
fn announce(address: impl std::fmt::Display) {
    let _ = writeln!(stdout(), "LISTENING {address}");
    let _ = stdout().flush();
}
