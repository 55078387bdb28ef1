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
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use clap::{Args, ValueEnum};
use common::core::stop::Stop;
use common::support::cli;

use crate::kernel::Protocol;
use crate::kernel::endpoint;
use crate::kernel::wait::{self, Wait};

/// A longer message is refused.
const MAX_BYTES: usize = 200 << 20;

const EXAMPLES: &str = "\
Examples:
  cargo ch2 stream receive
  cargo ch2 stream receive --buffer 100           more reads, same bytes
  cargo ch2 stream receive --until terminator     for the notes' sender, which keeps its side open";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct StreamReceiveArgs {
    /// The address to listen on
    #[arg(short, long, default_value = "127.0.0.1", value_parser = common::support::listen::address)]
    listenaddr: IpAddr,
    /// The port to listen on; 0 for any free one
    #[arg(short = 'p', long, default_value_t = 7777)]
    listenport: u16,
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
    let address = SocketAddr::new(args.listenaddr, args.listenport);
    let socket = endpoint::socket(address, Protocol::Tcp)?;
    socket.set_reuse_address(true)?;
    endpoint::bind(&socket, address, Protocol::Tcp)?;
    socket.listen(0)?;
    let listener = TcpListener::from(socket);
    writeln!(out, "LISTENING {}", listener.local_addr()?)?;
    writeln!(out, "Waiting for a client ...")?;
    if wait::readable(&listener, None, stop)? == Wait::Stopped {
        return Ok(ExitCode::SUCCESS);
    }
    let (mut client, from) = listener.accept()?;
    writeln!(out, "Client connected from {from}")?;

    let mut buffer = vec![0; args.buffer as usize];
    let mut message = Vec::new();
    let mut sizes: BTreeMap<usize, u64> = BTreeMap::new();
    loop {
        match wait::readable(&client, Some(args.timeout), stop)? {
            Wait::Ready => {}
            Wait::Stopped => return Ok(ExitCode::SUCCESS),
            Wait::TimedOut => {
                bail!(
                    "{} bytes, no end of the message, and then nothing for {}",
                    message.len(),
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
    writeln!(out, "Total length {} bytes in {reads} reads of at most {}:", message.len(), args.buffer)?;
    for (size, times) in sizes.iter().rev().take(8) {
        writeln!(out, "   {times} x {size} bytes")?;
    }
    if sizes.len() > 8 {
        writeln!(out, "   ... and {} other sizes", sizes.len() - 8)?;
    }
    // The other direction is still open. Who is gone already does not get its answer, and that is no error of ours.
    match writeln!(client, "received {} bytes", message.len()) {
        Ok(()) => writeln!(out, "Answered, and closed")?,
        Err(error) => writeln!(out, "The sender did not wait for an answer: {error}")?,
    }
    Ok(ExitCode::SUCCESS)
}
