//! The sender of a big message: cut into blocks and sent one after another. `--senders 3` is three such programs at
//! once, each with a letter of its own, so that one command shows what their receiver gets.

use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Args;
use common::core::stop::Stop;
use common::support::cli;
use common::support::cli::within;
use common::support::count::count;
use common::support::progress::Progress;

use super::sequence::{self, HEADER, MAX_BYTES};
use crate::kernel::Protocol;
use crate::kernel::endpoint;
use crate::kernel::wait::ended;

const EXAMPLES: &str = "\
Examples:
  cargo ch2 parts send                        84001 bytes in 83 datagrams
  cargo ch2 parts send --senders 3            three at once: their parts interleave
  cargo ch2 parts send --senders 3 --sequence and this is what puts it right
  cargo ch2 parts send --pace 0               faster than the receiver: its buffer overflows";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct PartsSendArgs {
    /// The receiver's host
    #[arg(short = 'H', long, default_value = "127.0.0.1")]
    host: String,
    /// The receiver's port
    #[arg(short, long, default_value_t = 7778)]
    port: u16,
    /// The message, without its terminator; with several senders each sends its letter as many times as this is long
    #[arg(short, long, default_value = "Hello world!")]
    message: String,
    /// The message is repeated so many times
    #[arg(long, value_name = "N", default_value_t = 7000, value_parser = within(0..=1_000_000_000u32))]
    repeat: u32,
    /// Size of a part in bytes, marker and all
    #[arg(long, value_name = "BYTES", default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..=65507))]
    size: u32,
    /// Put a sequence marker before each part; the receiver must be told the same
    #[arg(long)]
    sequence: bool,
    /// So many senders at once, with the letters A, B, C …
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=26))]
    senders: u8,
    /// Rest between two parts: UDP itself has no brake
    #[arg(long, value_name = "TIME", default_value = "500us", value_parser = cli::duration)]
    pace: Duration,
}

pub(super) fn run(args: &PartsSendArgs) -> anyhow::Result<ExitCode> {
    let destination = endpoint::resolve(&args.host, args.port)?;
    let length = args.message.len().saturating_mul(args.repeat as usize).saturating_add(1);
    ensure!(length <= MAX_BYTES, "a message of {} is over the limit of {MAX_BYTES}", count(length, "byte"));
    ensure!(
        !args.sequence || args.size as usize > HEADER,
        "a part needs more than its marker of {HEADER} bytes"
    );
    let mut texts = vec![args.message.repeat(args.repeat as usize).into_bytes()];
    if args.senders > 1 {
        texts = (0..args.senders).map(|letter| vec![b'A' + letter; length - 1]).collect();
    }
    let stop = Stop::install()?;
    let sent = thread::scope(|scope| {
        let start = |mut text: Vec<u8>| {
            text.push(b'\n'); // the terminator: the receiver does not know the length
            scope.spawn(move || send(args, &text, destination, stop))
        };
        let senders: Vec<_> = texts.into_iter().map(start).collect();
        senders.into_iter().map(|sender| sender.join().expect("a sender does not panic")).collect::<Vec<_>>()
    });
    let mut out = cli::stdout().lock();
    for sent in sent {
        let (from, parts) = sent?;
        let parts = count(parts, "part");
        if stop.requested() {
            writeln!(out, "Interrupted: sent {parts} from {from} to {destination}")?;
        } else {
            let length = count(length, "byte");
            writeln!(out, "Sent message of {length} from {from} to {destination} in {parts}")?;
        }
    }
    Ok(ended(stop))
}

/// Sends one message, or the beginning of it when Ctrl-C comes: from where, and how many parts.
fn send(
    args: &PartsSendArgs,
    text: &[u8],
    destination: SocketAddr,
    stop: Stop,
) -> anyhow::Result<(SocketAddr, usize)> {
    let socket = endpoint::socket(destination, Protocol::Udp)?;
    let size = args.size as usize;
    let datagrams: Vec<Vec<u8>> = if args.sequence {
        sequence::cut(rand::random(), text, size)
    } else {
        text.chunks(size).map(<[u8]>::to_vec).collect()
    };
    let mut progress =
        Progress::of_bytes("sending", datagrams.iter().map(|datagram| datagram.len() as u64).sum());
    for (number, datagram) in datagrams.iter().enumerate() {
        if stop.requested() {
            return Ok((endpoint::local(&socket)?, number));
        }
        socket
            .send_to(datagram, &destination.into())
            .with_context(|| format!("cannot send to {destination}"))?;
        progress.advance(datagram.len() as u64);
        // `rest` hears the stop, and knows whole milliseconds.
        if args.pace < Duration::from_millis(10) { thread::sleep(args.pace) } else { stop.rest(args.pace) }
    }
    Ok((endpoint::local(&socket)?, datagrams.len()))
}
