//! The listening socket and its backlog: the kernel makes connections before anybody calls `accept`.
//!
//! ```text
//!   SYN ──► room in the backlog?  yes: handshake, ESTABLISHED, Recv-Q of the LISTEN row + 1 ──► accept takes it out
//!                                 no:  dropped; the client stays in SYN-SENT and sends its SYN again after 1, 2, 4 … s
//! ```
//!
//! Linux takes `backlog + 1` connections: with 0 there is room for one (listen(2), and `sk_acceptq_is_full`).

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use common::core::stop::Stop;
use common::support::cli;
use common::support::cli::within;

use super::watch::{LOOK_EVERY, Watch};
use crate::kernel::Protocol;
use crate::kernel::endpoint;
use crate::kernel::wait::ended;

const EXAMPLES: &str = "\
Examples:
  cargo ch2 stream listen                         accept at once
  cargo ch2 stream listen --no-accept             then: cargo ch2 stream connect --clients 3
  cargo ch2 stream listen --accept-after 10s --backlog 2
  cargo ch2 stream listen --close-first           the server gets the TIME-WAIT";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ListenArgs {
    /// The address to listen on
    #[arg(short, long, default_value = "127.0.0.1", value_parser = common::support::listen::address)]
    listenaddr: IpAddr,
    /// The port to listen on; 0 for any free one
    #[arg(short = 'p', long, default_value_t = 7777)]
    listenport: u16,
    /// How many connections may wait to be accepted; the system takes one more, and caps it at net.core.somaxconn
    #[arg(long, default_value_t = 0, value_parser = within(0..=1_000_000i32))]
    backlog: i32,
    /// Accept nobody until so long after the start
    #[arg(long, value_name = "TIME", default_value = "0", value_parser = cli::duration)]
    accept_after: Duration,
    /// Never accept
    #[arg(long, conflicts_with = "accept_after")]
    no_accept: bool,
    /// Close each connection as soon as it is accepted
    #[arg(long)]
    close_first: bool,
    /// End after so many connections; 0: at Ctrl-C
    #[arg(long, default_value_t = 0, value_parser = within(0..=1_000_000_000_000u64))]
    count: u64,
}

pub(super) fn run(args: &ListenArgs) -> anyhow::Result<ExitCode> {
    let stop = Stop::install()?;
    let mut out = cli::stdout().lock();
    let address = SocketAddr::new(args.listenaddr, args.listenport);
    let socket = endpoint::socket(address, Protocol::Tcp)?;
    socket.set_reuse_address(true)?; // or the TIME-WAIT of the last run would refuse us the port for a minute
    endpoint::bind(&socket, address, Protocol::Tcp)?;
    socket.listen(args.backlog)?;
    let listener = TcpListener::from(socket);
    listener.set_nonblocking(true)?;
    writeln!(out, "LISTENING {}", listener.local_addr()?)?;
    let room = args.backlog.min(system_limit()).saturating_add(1);
    writeln!(out, "backlog {}: {room} may wait; `ss -lt` shows the limit as Send-Q", args.backlog)?;
    let started = Instant::now();
    let mut watch = Watch::new(listener.local_addr()?);
    let mut clients: Vec<(TcpStream, SocketAddr)> = Vec::new();
    let mut closed = 0;
    while !stop.requested() && (args.count == 0 || closed < args.count) {
        watch.look(&mut out)?;
        if !args.no_accept && started.elapsed() >= args.accept_after {
            match listener.accept() {
                Ok((client, from)) => {
                    client.set_nonblocking(true)?;
                    writeln!(out, "accept(): client from {from}, our end is {}", client.local_addr()?)?;
                    watch.look(&mut out)?;
                    clients.push((client, from));
                }
                // Nobody there, or no longer; no descriptor left: the next look will tell.
                Err(error) if error.kind() != ErrorKind::InvalidInput => {}
                Err(error) => return Err(error.into()),
            }
        }
        let mut open = Vec::new();
        for (mut client, from) in clients {
            match has_ended(&mut client) {
                None if !args.close_first => {
                    open.push((client, from));
                    continue;
                }
                None => writeln!(out, "close(): the connection to {from}, which still has its side open")?,
                Some(why) => {
                    watch.look(&mut out)?; // CLOSE-WAIT, before we close too
                    writeln!(out, "{why} from {from}; close()")?;
                }
            }
            drop(client);
            watch.look(&mut out)?;
            closed += 1;
        }
        clients = open;
        stop.rest(LOOK_EVERY);
    }
    Ok(ended(stop))
}

/// What the kernel cuts every backlog to (listen(2)).
fn system_limit() -> i32 {
    let text = std::fs::read_to_string("/proc/sys/net/core/somaxconn");
    text.ok().and_then(|text| text.trim().parse().ok()).unwrap_or(i32::MAX)
}

/// Reads what there is, and says how the stream ended if it has.
fn has_ended(client: &mut TcpStream) -> Option<String> {
    let mut buffer = [0; 16 * 1024];
    match client.read(&mut buffer) {
        Ok(0) => Some("recv() = 0: end of the stream".into()),
        Ok(_) => None,
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => None,
        Err(error) => Some(format!("recv(): {error}")),
    }
}
