//! The sender of a big message over TCP: `send` takes what fits into the socket's buffer, so it is called until all is
//! gone; then the half-close says where the message ends, and the other direction still works.

use std::io::{ErrorKind, Read, Write};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use clap::Args;
use common::core::stop::Stop;
use common::net::abort;
use common::support::cli::within;
use common::support::count::count;
use common::support::{cli, terminal};
use socket2::{Socket, Type};

use crate::kernel::endpoint::{self, internet};
use crate::kernel::unix::{self, UnixName};
use crate::kernel::wait::{self, Wait, ended};
use crate::kernel::{self, Protocol};

/// No longer message is made.
const MAX_BYTES: usize = 200 << 20;
/// No longer answer is read.
const MAX_ANSWER: usize = 1 << 20;

const EXAMPLES: &str = "\
Examples:
  cargo ch2 stream send                      84001 bytes
  cargo ch2 stream send --repeat 1000000     12 MB: the buffer fills, send() takes a part
  cargo ch2 stream send -H ::1 -m hello --repeat 1
  cargo ch2 stream send --unix /tmp/s        to a Unix domain socket: the same calls";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct StreamSendArgs {
    /// The receiver's host
    #[arg(short = 'H', long, default_value = "127.0.0.1")]
    host: String,
    /// The receiver's port
    #[arg(short, long, default_value_t = 7777)]
    port: u16,
    /// Connect to a Unix domain socket instead: a path, or @NAME for one without a file
    #[arg(long, value_name = "PATH|@NAME", conflicts_with_all = ["host", "port"])]
    unix: Option<UnixName>,
    /// The message, without its terminator
    #[arg(short, long, default_value = "Hello world!")]
    message: String,
    /// The message is repeated so many times
    #[arg(long, value_name = "N", default_value_t = 7000, value_parser = within(0..=1_000_000_000u32))]
    repeat: u32,
    /// How long the receiver may take none of it, or give no answer
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = cli::duration)]
    timeout: Duration,
}

pub(super) fn run(args: &StreamSendArgs) -> anyhow::Result<ExitCode> {
    let stop = Stop::install()?;
    let mut out = cli::stdout().lock();
    let length = args.message.len().saturating_mul(args.repeat as usize).saturating_add(1);
    ensure!(length <= MAX_BYTES, "a message of {} is over the limit of {MAX_BYTES}", count(length, "byte"));
    let mut stream = connect(args)?;
    // A blocking send() would wait until the last byte had found room; this one shows what there is room for.
    stream.set_nonblocking(true)?;
    // Ctrl-C in the middle is no end of the message. (A Unix domain socket has no such reset.)
    abort::unless_finished(&stream)?;
    // Asked now: later the connection may be in TIME-WAIT, and no longer this process's.
    let ends = match &args.unix {
        Some(name) => {
            writeln!(out, "Connected to {name}")?;
            None
        }
        None => {
            let (local, server) = (endpoint::local(&stream)?, internet(&stream.peer_addr()?)?);
            writeln!(out, "Connected to {server}")?;
            writeln!(out, "Local end-point is bound to {local}")?;
            Some((local, server))
        }
    };
    let mut message = args.message.repeat(args.repeat as usize).into_bytes();
    message.push(b'\n');

    // What `sendall` does: send() may take only a part, and says how much.
    let (mut sent, mut calls) = (0, 0u64);
    while sent < message.len() {
        let taken = match stream.write(&message[sent..]) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                match wait::writable(&stream, Some(args.timeout), stop)? {
                    Wait::Ready => continue,
                    Wait::Stopped => return Ok(ended(stop)),
                    Wait::TimedOut => {
                        bail!("{sent} of {} sent; the receiver takes no more", count(length, "byte"))
                    }
                }
            }
            taken => taken.with_context(|| format!("{sent} of {} sent, then", count(length, "byte")))?,
        };
        sent += taken;
        calls += 1;
        writeln!(out, "send() took {}: {sent} of {length}", count(taken, "byte"))?;
    }
    let (all, calls) = (count(sent, "byte"), count(calls, "call"));
    writeln!(out, "Sent {all} in {calls}: into the socket's buffer, which is not yet the receiver")?;
    abort::finish(&stream).context("half-close")?;
    writeln!(out, "shutdown(SHUT_WR): no more from us; we can still receive")?;
    match ends {
        Some((local, server)) => {
            let row = kernel::connection(local, server)?;
            write!(out, "{}", kernel::table::text(&[("socket", row.as_ref())]))?;
        }
        None => write!(out, "{}", unix::table::text(unix::table::row_of(&stream)?.as_ref()))?,
    }
    let mut answer = Vec::new();
    while answer.len() < MAX_ANSWER {
        match wait::readable(&stream, Some(args.timeout), stop)? {
            Wait::Ready => {}
            Wait::Stopped => return Ok(ended(stop)),
            Wait::TimedOut => bail!("no answer within {}", cli::human(args.timeout)),
        }
        let mut buffer = [0; 1024];
        match stream.read(&mut buffer).context("waiting for the answer")? {
            0 => break,
            length => answer.extend(&buffer[..length]),
        }
    }
    writeln!(out, "Answer: [{}]", terminal::text(answer.trim_ascii_end()))?;
    Ok(ExitCode::SUCCESS)
}

fn connect(args: &StreamSendArgs) -> anyhow::Result<Socket> {
    if let Some(name) = &args.unix {
        let socket = unix::socket(Type::STREAM)?;
        let connected = socket.connect(&name.address()?);
        connected.map_err(|error| anyhow::anyhow!(unix::unreachable(&error, name)))?;
        return Ok(socket);
    }
    let server = endpoint::resolve(&args.host, args.port)?;
    let socket = endpoint::socket(server, Protocol::Tcp)?;
    socket.connect(&server.into()).with_context(|| format!("cannot connect to {server}"))?;
    Ok(socket)
}
