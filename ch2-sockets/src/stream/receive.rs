//! The receiver of a big message over TCP. A stream has no messages in it: `recv` returns what has come, at most a
//! buffer full, so it is called until the message has its end; and the end must be agreed on.
//!
//! ```text
//!   sender     send(84001)
//!   stream     ──────────────────────────────────────────────►  bytes in order, their borders forgotten
//!   receiver   recv 1024, recv 1024, recv 640, recv 1024 …      until '\n' (--until terminator), or until 0 (--until end)
//! ```
//!
//! Half-close (`shutdown(SHUT_WR)`) is the end that works for any bytes; a terminator must not occur in the text.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use clap::{Args, ValueEnum};
use common::core::stop::Stop;
use common::support::cli;
use common::support::count::count;
use nix::sys::socket::{getsockopt, sockopt};
use socket2::{SockAddr, Socket, Type};

use crate::kernel::Protocol;
use crate::kernel::endpoint;
use crate::kernel::unix::{self, Bound, UnixName};
use crate::kernel::wait::{self, Wait, ended};

/// A longer message is refused.
const MAX_BYTES: usize = 200 << 20;

const EXAMPLES: &str = "\
Examples:
  cargo ch2 stream receive
  cargo ch2 stream receive --buffer 100           more reads, same bytes
  cargo ch2 stream receive --until terminator     for the notes' sender, which keeps its side open
  cargo ch2 stream receive --unix /tmp/s          on a Unix domain socket; who connects";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct StreamReceiveArgs {
    /// The address to listen on
    #[arg(short, long, default_value = "127.0.0.1", value_parser = common::support::listen::address)]
    listenaddr: IpAddr,
    /// The port to listen on; 0 for any free one
    #[arg(short = 'p', long, default_value_t = 7777)]
    listenport: u16,
    /// Listen on a Unix domain socket instead: a path, or @NAME for one without a file
    #[arg(long, value_name = "PATH|@NAME", conflicts_with_all = ["listenaddr", "listenport"])]
    unix: Option<UnixName>,
    /// Size of the receive buffer in bytes: the most that one recv() returns
    #[arg(long, value_name = "BYTES", default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..=1 << 20))]
    buffer: u32,
    /// Where the message ends
    #[arg(long, value_enum, default_value_t = Until::End)]
    until: Until,
    /// How long the sender may send nothing
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = cli::duration)]
    timeout: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Until {
    /// The end of the stream: the sender's half-close
    End,
    /// A newline, as in the notes
    Terminator,
}

pub(super) fn run(args: &StreamReceiveArgs) -> anyhow::Result<ExitCode> {
    let stop = Stop::install()?;
    let mut out = cli::stdout().lock();
    let listener = Listener::bind(args)?;
    listener.socket().listen(0)?;
    writeln!(out, "LISTENING {}", listener.name()?)?;
    writeln!(out, "Waiting for a client ...")?;
    if wait::readable(listener.socket(), None, stop)? == Wait::Stopped {
        return Ok(ended(stop));
    }
    let (mut client, from) = listener.socket().accept()?;
    writeln!(out, "Client connected from {}", peer(&client, &from)?)?;

    let mut buffer = vec![0; args.buffer as usize];
    let mut message = Vec::new();
    let mut sizes: BTreeMap<usize, u64> = BTreeMap::new();
    loop {
        match wait::readable(&client, Some(args.timeout), stop)? {
            Wait::Ready => {}
            Wait::Stopped => return Ok(ended(stop)),
            Wait::TimedOut => {
                bail!(
                    "{}, no end of the message, and then nothing for {}",
                    count(message.len(), "byte"),
                    cli::human(args.timeout)
                )
            }
        }
        let length = client.read(&mut buffer)?;
        if length == 0 {
            writeln!(out, "recv() = 0: the end of the stream")?;
            break;
        }
        if message.len() + length > MAX_BYTES {
            bail!("over {MAX_BYTES} bytes");
        }
        message.extend(&buffer[..length]);
        *sizes.entry(length).or_insert(0) += 1;
        if args.until == Until::Terminator && message.ends_with(b"\n") {
            writeln!(out, "the last byte is the terminator")?;
            break;
        }
    }

    let reads: u64 = sizes.values().sum();
    let (length, reads) = (count(message.len(), "byte"), count(reads, "read"));
    writeln!(out, "Total length {length} in {reads} of at most {}:", args.buffer)?;
    for (&size, times) in sizes.iter().rev().take(8) {
        writeln!(out, "   {times} x {}", count(size, "byte"))?;
    }
    if sizes.len() > 8 {
        writeln!(out, "   ... and {}", count(sizes.len() - 8, "other size"))?;
    }
    // The other direction is still open. Who is gone already does not get its answer, and that is no error of ours.
    match writeln!(client, "received {length}") {
        Ok(()) => writeln!(out, "Answered, and closed")?,
        Err(error) => writeln!(out, "The sender did not wait for an answer: {error}")?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Where it listens. The file of a Unix domain socket goes with it.
enum Listener {
    Internet(Socket),
    Unix(Bound, UnixName),
}

impl Listener {
    fn bind(args: &StreamReceiveArgs) -> anyhow::Result<Listener> {
        if let Some(name) = &args.unix {
            return Ok(Listener::Unix(Bound::new(Type::STREAM, name)?, name.clone()));
        }
        let address = SocketAddr::new(args.listenaddr, args.listenport);
        let socket = endpoint::socket(address, Protocol::Tcp)?;
        socket.set_reuse_address(true)?;
        endpoint::bind(&socket, address, Protocol::Tcp)?;
        Ok(Listener::Internet(socket))
    }

    fn socket(&self) -> &Socket {
        match self {
            Listener::Internet(socket) | Listener::Unix(Bound { socket, .. }, _) => socket,
        }
    }

    fn name(&self) -> anyhow::Result<String> {
        Ok(match self {
            Listener::Internet(socket) => endpoint::local(socket)?.to_string(),
            Listener::Unix(_, name) => name.to_string(),
        })
    }
}

/// A client: its address, or what the kernel knows of one that needs none.
fn peer(client: &Socket, from: &SockAddr) -> anyhow::Result<String> {
    if let Some(address) = from.as_socket() {
        return Ok(address.to_string());
    }
    let credentials = unix::credentials_of(&getsockopt(client, sockopt::PeerCredentials)?);
    let name = UnixName::of(from).map_or_else(|| "a socket without a name".into(), |name| name.to_string());
    Ok(format!("{name}: {credentials}, says the kernel (SO_PEERCRED)"))
}
