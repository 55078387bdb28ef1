//! A client with few ports uses them up: each connection in TIME_WAIT keeps the one it had.
//!
//! ```text
//!   connect ─ request ─ close ─► TIME_WAIT, 60 s ┐
//!   connect ─ request ─ close ─► TIME_WAIT, 60 s ├─ all ports of the range
//!   …                                            ┘
//!   connect ─► EADDRNOTAVAIL: no port is left for this pair of address and server
//! ```
//!
//! It is what happens to a proxy with the 28 232 ports of Linux's default range at 470 connections a second to one
//! server. Over loopback Linux gives a port in TIME_WAIT away again after one second (`net.ipv4.tcp_tw_reuse` = 2).

use common::support::count::count;
use std::fs;
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::ops::RangeInclusive;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use nix::errno::Errno;
use socket2::{Domain, Protocol, Socket, Type};

use super::args::{Closes, ConnectionsArgs};
use super::client::{HttpClient, Lifetime};
use super::kernel::TcpTable;
use super::port_range::{self, is_exhausted};

/// So many connections per port are made at most: who has not run out by then does not.
const TURNS: u32 = 10;

/// How long a port is waited for after the last.
const WAIT: Duration = Duration::from_secs(3);

/// Uses up `ports` ports, prints what happened, and returns it as JSON.
///
/// # Errors
/// The kernel has no such option, or a connection fails for another reason than the ports.
pub fn run(args: &ConnectionsArgs, client: &HttpClient, ports: u16) -> anyhow::Result<String> {
    let range = last_ports(ports)?;
    let mut stdout = common::support::cli::stdout().lock();
    writeln!(
        stdout,
        "the client may use the ports {}–{}; the {} closes first",
        range.start(),
        range.end(),
        if args.closes == Closes::Client { "client" } else { "server" }
    )?;
    let most = u32::from(ports) * TURNS;
    let began = Instant::now();
    let mut made = 0;
    let refused = loop {
        if made == most {
            break None;
        }
        match visit(client, &range) {
            Ok(()) => made += 1,
            Err(error) if is_exhausted(&error) => break Some(error),
            Err(error) => return Err(error),
        }
    };
    let connections = count(made, "connection");
    writeln!(stdout, "{connections} in {} ms", began.elapsed().as_millis())?;
    let table = TcpTable::settled(client.address)?;
    let mut free_again_ms = None;
    match &refused {
        Some(error) => writeln!(stdout, "connection {}: {error:#}", made + 1)?,
        None => writeln!(
            stdout,
            "none failed: {TURNS} for each port, because the server's TIME_WAIT keeps no port of \
                                  the client, and a newer SYN opens the connection again (RFC 6191)"
        )?,
    }
    writeln!(stdout, "\n{}", table.lines())?;
    if refused.is_some() {
        free_again_ms = wait_for_port(client, &range)?;
        match free_again_ms {
            Some(ms) => writeln!(
                stdout,
                "a port was free again after {ms} ms (net.ipv4.tcp_tw_reuse = {})",
                tw_reuse()
            )?,
            None => writeln!(
                stdout,
                "no port was free after {} s: TIME_WAIT lasts 60 s (net.ipv4.tcp_tw_reuse = {})",
                WAIT.as_secs(),
                tw_reuse()
            )?,
        }
    }
    let mut connection = connect(client.address, &range).or_else(|error| {
        if is_exhausted(&error) { TcpStream::connect(client.address).map_err(Into::into) } else { Err(error) }
    })?;
    for _ in 0..most {
        client.request(&mut connection, Lifetime::Long)?;
    }
    let requests = count(most, "request");
    writeln!(stdout, "{requests} over one long-lived connection: one port")?;
    let report = serde_json::json!([{
        "ports": ports,
        "connections": made,
        "refused": refused.map(|error| format!("{error:#}")),
        "time_wait_client": table.time_wait().0,
        "time_wait_server": table.time_wait().1,
        "free_again_ms": free_again_ms,
    }]);
    Ok(format!("{report}\n"))
}

/// A connection for one request.
fn visit(client: &HttpClient, range: &RangeInclusive<u16>) -> anyhow::Result<()> {
    client.request(&mut connect(client.address, range)?, Lifetime::Short)
}

fn connect(address: SocketAddr, range: &RangeInclusive<u16>) -> anyhow::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    match port_range::limit(&socket, range) {
        Err(error) if error.raw_os_error() == Some(Errno::ENOPROTOOPT as i32) => {
            bail!("--exhaust needs IP_LOCAL_PORT_RANGE, which came with Linux 6.3")
        }
        limited => limited.context("cannot limit the ports")?,
    }
    socket.connect(&address.into()).context("connect(2)")?;
    Ok(socket.into())
}

/// Tries again and again; the milliseconds until it worked, or `None` after [`WAIT`].
fn wait_for_port(client: &HttpClient, range: &RangeInclusive<u16>) -> anyhow::Result<Option<u64>> {
    let began = Instant::now();
    while began.elapsed() < WAIT {
        match visit(client, range) {
            Ok(()) => return Ok(Some(began.elapsed().as_millis() as u64)),
            Err(error) if is_exhausted(&error) => {
                client.go_on()?;
                thread::sleep(Duration::from_millis(20));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// The last so many ports of the range from which Linux takes them.
fn last_ports(count: u16) -> anyhow::Result<RangeInclusive<u16>> {
    let path = "/proc/sys/net/ipv4/ip_local_port_range";
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {path}"))?;
    let mut bounds = text.split_whitespace().map(str::parse);
    let (Some(Ok(first)), Some(Ok(last))) = (bounds.next(), bounds.next()) else {
        bail!("{path} is not two ports")
    };
    let (first, last): (u16, u16) = (first, last);
    if last.saturating_sub(first) < count {
        bail!("this system has only the ports {first} to {last}");
    }
    Ok(last - (count - 1)..=last)
}

fn tw_reuse() -> String {
    fs::read_to_string("/proc/sys/net/ipv4/tcp_tw_reuse").map_or("unknown".into(), |text| text.trim().into())
}
