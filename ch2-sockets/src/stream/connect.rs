//! The connecting socket: bound by the system, and watched from SYN-SENT to TIME-WAIT.
//!
//! `connect` is non-blocking here, so that the state can be looked at while the handshake is still going on.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use clap::Args;
use common::core::stop::Stop;
use common::support::cli;
use nix::errno::Errno;
use socket2::Socket;

use super::watch::LOOK_EVERY;
use crate::kernel::endpoint;
use crate::kernel::wait::{self, Wait, ended};
use crate::kernel::{self, Protocol, SocketRow};

/// How long a state may take that only needs the other end's kernel.
const SOON: Duration = Duration::from_millis(500);

const EXAMPLES: &str = "\
Examples:
  cargo ch2 stream connect                   then Enter: FIN-WAIT-2 and TIME-WAIT are here
  cargo ch2 stream connect --close-first     the same without waiting for Enter
  cargo ch2 stream connect --clients 3       more than the backlog holds: SYN-SENT
  cargo ch2 stream connect -H ::1 -p 7777";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct ConnectArgs {
    /// The server's host
    #[arg(short = 'H', long, default_value = "127.0.0.1")]
    host: String,
    /// The server's port
    #[arg(short, long, default_value_t = 7777)]
    port: u16,
    /// So many connections at once
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1000))]
    clients: u16,
    /// Close at once, rather than at Enter or when the server has closed
    #[arg(long)]
    close_first: bool,
    /// How long the handshake, and later the server's close, may take
    #[arg(long, value_name = "TIME", default_value = "3s", value_parser = cli::duration)]
    timeout: Duration,
}

struct ClientSocket {
    socket: Socket,
    name: String,
    local: SocketAddr,
}

pub(super) fn run(args: &ConnectArgs) -> anyhow::Result<ExitCode> {
    let stop = Stop::install()?;
    let mut out = cli::stdout().lock();
    let server = endpoint::resolve(&args.host, args.port)?;
    let mut clients = Vec::new();
    for number in 1..=args.clients {
        clients.push(begin(server, number)?);
    }
    writeln!(out, "connect(): {} to {server}, bound by the system", clients.len())?;
    show(&mut out, &clients, server)?;

    let mut connected = Vec::new();
    let mut failed = None;
    for client in clients {
        match finish(&client, server, args.timeout, stop)? {
            None => connected.push(client),
            Some(why) => {
                writeln!(out, "{}: {why}", client.name)?;
                show(&mut out, std::slice::from_ref(&client), server)?;
                failed = Some(why);
            }
        }
    }
    if stop.requested() {
        return Ok(ended(stop));
    }
    if let (Some(why), true) = (failed, connected.is_empty()) {
        bail!("{why}");
    }
    writeln!(out, "connected: {}", connected.len())?;
    show(&mut out, &connected, server)?;
    if !args.close_first {
        writeln!(out, "Press Enter to close (or wait until the server does) ...")?;
        wait_and_watch(&mut out, &connected, server, stop)?;
    }
    close(&mut out, connected, server, args.timeout, stop)?;
    Ok(ended(stop))
}

fn begin(server: SocketAddr, number: u16) -> anyhow::Result<ClientSocket> {
    let socket = endpoint::socket(server, Protocol::Tcp)?;
    socket.set_nonblocking(true)?;
    match socket.connect(&server.into()) {
        Ok(()) => {}
        Err(error) if error.raw_os_error() == Some(Errno::EINPROGRESS as i32) => {}
        Err(error) => bail!(refusal(&error, server)),
    }
    let local = endpoint::local(&socket)?;
    Ok(ClientSocket { socket, name: format!("client {number}"), local })
}

/// Waits for the end of the handshake; why it failed, if it did.
fn finish(
    client: &ClientSocket,
    server: SocketAddr,
    limit: Duration,
    stop: Stop,
) -> io::Result<Option<String>> {
    Ok(match wait::writable(&client.socket, Some(limit), stop)? {
        Wait::Ready => client.socket.take_error()?.map(|error| refusal(&error, server)),
        Wait::Stopped => Some("interrupted".into()),
        Wait::TimedOut => Some(format!(
            "no answer from {server} within {}: its backlog is full, or nobody is there; SYN is sent again and again",
            cli::human(limit)
        )),
    })
}

fn refusal(error: &io::Error, server: SocketAddr) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            format!("connection refused: nobody listens on {server} (its answer to the SYN was RST)")
        }
        _ => format!("cannot connect to {server}: {error}"),
    }
}

/// Prints each change until Enter, the server's close, or the stop.
fn wait_and_watch(
    out: &mut impl Write,
    clients: &[ClientSocket],
    server: SocketAddr,
    stop: Stop,
) -> anyhow::Result<()> {
    let mut seen = rows(clients, server)?;
    while wait::readable(&io::stdin(), Some(LOOK_EVERY), stop)? == Wait::TimedOut {
        let now = rows(clients, server)?;
        if now != seen {
            seen = now;
            show(out, clients, server)?;
        }
        if seen.iter().flatten().all(|row| row.state == "CLOSE-WAIT") {
            writeln!(out, "the server has closed: recv() = 0 here from now on")?;
            break;
        }
    }
    Ok(())
}

/// `shutdown`, the other end's close, `close`: with the states between.
fn close(
    out: &mut impl Write,
    clients: Vec<ClientSocket>,
    server: SocketAddr,
    limit: Duration,
    stop: Stop,
) -> anyhow::Result<()> {
    for client in &clients {
        // ENOTCONN: the server has reset it in the meantime, and the table will show that it is gone.
        let _ = client.socket.shutdown(Shutdown::Write);
    }
    writeln!(out, "shutdown(SHUT_WR): we send nothing more, and say so with a FIN")?;
    kernel::settled(
        SOON,
        || rows(&clients, server),
        |rows| {
            !rows.iter().flatten().any(|row| matches!(row.state, "ESTABLISHED" | "FIN-WAIT-1" | "LAST-ACK"))
        },
    )?;
    show(out, &clients, server)?;
    for client in &clients {
        read_to_end(client, limit, stop)?;
    }
    kernel::settled(
        SOON,
        || rows(&clients, server),
        |rows| !rows.iter().flatten().any(|row| row.state == "FIN-WAIT-2"),
    )?;
    let open = rows(&clients, server)?.iter().flatten().any(|row| row.state == "FIN-WAIT-2");
    if open {
        writeln!(out, "the server has not closed within {}:", cli::human(limit))?;
    } else {
        writeln!(out, "after the server's close:")?;
    }
    show(out, &clients, server)?;
    let (names, locals): (Vec<_>, Vec<_>) =
        clients.into_iter().map(|client| (client.name, client.local)).unzip();
    if open {
        writeln!(
            out,
            "close(): the kernel waits a minute longer for the server's FIN, without a descriptor"
        )?;
    } else {
        writeln!(out, "close(): whoever closed first keeps the TIME-WAIT for a minute, and no descriptor")?;
    }
    let rows: Vec<Option<SocketRow>> =
        locals.into_iter().map(|local| kernel::connection(local, server)).collect::<io::Result<_>>()?;
    let lines: Vec<_> = names.iter().map(String::as_str).zip(rows.iter().map(Option::as_ref)).collect();
    write!(out, "{}", kernel::table::text(&lines))?;
    Ok(())
}

/// Reads until the server's end of the stream, at most for so long.
fn read_to_end(client: &ClientSocket, limit: Duration, stop: Stop) -> io::Result<()> {
    let mut buffer = [0; 16 * 1024];
    while wait::readable(&client.socket, Some(limit), stop)? == Wait::Ready {
        match (&client.socket).read(&mut buffer) {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => break, // a reset is an end too
        }
    }
    Ok(())
}

fn rows(clients: &[ClientSocket], server: SocketAddr) -> io::Result<Vec<Option<SocketRow>>> {
    clients.iter().map(|client| kernel::connection(client.local, server)).collect()
}

fn show(out: &mut impl Write, clients: &[ClientSocket], server: SocketAddr) -> io::Result<()> {
    let rows = rows(clients, server)?;
    let lines: Vec<_> =
        clients.iter().map(|client| &*client.name).zip(rows.iter().map(Option::as_ref)).collect();
    write!(out, "{}", kernel::table::text(&lines))
}
