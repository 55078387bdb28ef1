//! The receiver of a big message: as in the notes, block after block until the terminator; or by sequence markers, each
//! sender's parts in their own order.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use clap::Args;
use common::core::stop::Stop;
use common::support::cli;
use common::support::cli::within;
use common::support::count::count;
use socket2::Socket;

use super::sequence::{MAX_BYTES, Part, Restorer};
use crate::datagram::receive;
use crate::kernel::Protocol;
use crate::kernel::endpoint;
use crate::kernel::wait::{self, Wait, ended};

/// So many unfinished messages are kept; one more and the part is refused.
const MAX_MESSAGES: usize = 32;

const EXAMPLES: &str = "\
Examples:
  cargo ch2 parts receive                            as in the notes
  cargo ch2 parts receive --sequence --messages 3    for `parts send --senders 3 --sequence`";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct PartsReceiveArgs {
    /// The address to receive on
    #[arg(short, long, default_value = "127.0.0.1", value_parser = common::support::listen::address)]
    listenaddr: IpAddr,
    /// The port to receive on; 0 for any free one
    #[arg(short = 'p', long, default_value_t = 7778)]
    listenport: u16,
    /// Size of the receive buffer in bytes; a longer part is cut
    #[arg(long, value_name = "BYTES", default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..=65536))]
    buffer: u32,
    /// Parts carry sequence markers: keep senders apart and restore the order
    #[arg(long)]
    sequence: bool,
    /// With --sequence: end when so many messages are whole
    #[arg(long, value_name = "N", default_value_t = 1, requires = "sequence", value_parser = within(1..=1_000_000_000u32))]
    messages: u32,
    /// Once a part has come, give up when no other comes for so long
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = cli::duration)]
    timeout: Duration,
}

pub(super) fn run(args: &PartsReceiveArgs) -> anyhow::Result<ExitCode> {
    let stop = Stop::install()?;
    let mut out = cli::stdout().lock();
    let address = SocketAddr::new(args.listenaddr, args.listenport);
    let socket = endpoint::socket(address, Protocol::Udp)?;
    endpoint::bind(&socket, address, Protocol::Udp)?;
    writeln!(out, "LISTENING {}", endpoint::local(&socket)?)?;
    writeln!(out, "Waiting for message ...")?;
    let done = match wait::readable(&socket, None, stop)? {
        Wait::Stopped => return Ok(ended(stop)),
        _ if args.sequence => by_marker(args, &socket, stop, &mut out),
        _ => by_terminator(args, &socket, stop, &mut out),
    };
    done.map(|()| ended(stop))
}

/// As in the notes: whoever sends, it is appended, until something ends with the terminator.
fn by_terminator(
    args: &PartsReceiveArgs,
    socket: &Socket,
    stop: Stop,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let mut buffer = vec![0; args.buffer as usize];
    let mut message = Vec::new();
    let mut senders = BTreeMap::new();
    let (mut previous, mut changes) = (None, 0);
    while !message.ends_with(b"\n") {
        match wait::readable(socket, Some(args.timeout), stop)? {
            Wait::Ready => {}
            Wait::Stopped => return Ok(()),
            Wait::TimedOut => bail!(
                "{} came, and then nothing for {}: the last part, with the terminator, was lost",
                count(message.len(), "byte"),
                cli::human(args.timeout)
            ),
        }
        let datagram = receive(socket, &mut buffer)?;
        writeln!(out, "Received block of {} from {}", datagram.bytes.len(), datagram.from)?;
        if datagram.length > datagram.bytes.len() {
            writeln!(out, "   cut: it had {}, the buffer is too small", count(datagram.length, "byte"))?;
        }
        if message.len() + datagram.bytes.len() > MAX_BYTES {
            bail!("over {MAX_BYTES} bytes and no terminator");
        }
        message.extend(datagram.bytes);
        *senders.entry(datagram.from).or_insert(0) += 1;
        changes += u64::from(previous.is_some_and(|previous| previous != datagram.from));
        previous = Some(datagram.from);
    }
    writeln!(out, "Total length {}: [{}]", count(message.len(), "byte"), preview(&message))?;
    if senders.len() > 1 {
        writeln!(
            out,
            "{}, and the sender changed {}: a mixture of messages,",
            count(senders.len(), "sender"),
            count(changes, "time")
        )?;
        writeln!(
            out,
            "ended by whichever terminator came first. Sequence markers keep them apart: --sequence"
        )?;
    }
    Ok(())
}

/// By the markers: parts of one sender's message are put in order, whatever comes between them.
fn by_marker(
    args: &PartsReceiveArgs,
    socket: &Socket,
    stop: Stop,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let mut buffer = vec![0; args.buffer as usize];
    let mut messages: BTreeMap<(SocketAddr, u32), Restorer> = BTreeMap::new();
    let mut whole = 0;
    while whole < args.messages {
        match wait::readable(socket, Some(args.timeout), stop)? {
            Wait::Ready => {}
            Wait::Stopped => return Ok(()),
            Wait::TimedOut => return gave_up(args, whole, &messages, out),
        }
        let datagram = receive(socket, &mut buffer)?;
        let part = match Part::decode(datagram.bytes) {
            Ok(part) if datagram.length == datagram.bytes.len() => part,
            Ok(_) => bail!(
                "parts of {} do not fit: try --buffer {}",
                count(datagram.length, "byte"),
                datagram.length
            ),
            Err(error) => {
                writeln!(out, "Ignored {} from {}: {error}", count(datagram.length, "byte"), datagram.from)?;
                continue;
            }
        };
        let key = (datagram.from, part.message);
        if messages.len() >= MAX_MESSAGES && !messages.contains_key(&key) {
            writeln!(out, "Ignored a part from {}: too many messages at once", datagram.from)?;
            continue;
        }
        let restorer = messages.entry(key).or_insert_with(|| Restorer::new(&part));
        let before = restorer.progress();
        match restorer.receive(&part) {
            Ok(arrival) => {
                let place = format!("part {} of {}", part.index + 1, part.count);
                writeln!(out, "Received {place} from {} ({arrival})", datagram.from)?;
            }
            Err(error) => writeln!(out, "Ignored a part from {}: {error}", datagram.from)?,
        }
        // A duplicate may come after its message was whole: only the part that completes it counts.
        if restorer.progress() != before
            && let Some(message) = restorer.message()
        {
            whole += 1;
            writeln!(out, "Whole message from {}: {} in order,", key.0, count(part.count, "part"))?;
            writeln!(out, "   came late: {}, duplicates: {}", restorer.late, restorer.duplicates)?;
            writeln!(out, "Total length {}: [{}]", count(message.len(), "byte"), preview(&message))?;
        }
    }
    Ok(())
}

fn gave_up(
    args: &PartsReceiveArgs,
    whole: u32,
    messages: &BTreeMap<(SocketAddr, u32), Restorer>,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    for ((from, _), restorer) in messages {
        let gaps = restorer.gaps();
        if gaps.is_empty() {
            continue;
        }
        let (all, here) = restorer.progress();
        let gaps = gaps.iter().map(|gap| match (gap.start() + 1, gap.end() + 1) {
            (first, last) if first == last => first.to_string(),
            (first, last) => format!("{first}-{last}"),
        });
        let gaps = gaps.collect::<Vec<_>>().join(", ");
        writeln!(out, "Message from {from}: {here} of {}; missing: {gaps}", count(all, "part"))?;
    }
    bail!(
        "{whole} of {} came whole, and then nothing for {}; markers tell what is lost, they do not bring it back",
        count(args.messages, "message"),
        cli::human(args.timeout)
    )
}

/// What a message is made of, short enough to read: runs of one letter counted, and of the rest its two ends.
fn preview(message: &[u8]) -> String {
    let runs: Vec<_> = message.chunk_by(|a, b| a == b).map(|run| (run[0], run.len())).collect();
    if runs.len() <= message.len() / 16 {
        let runs = runs.iter().take(12).map(|(byte, length)| format!("{}x{length}", byte.escape_ascii()));
        return runs.collect::<Vec<_>>().join(" ");
    }
    if message.len() <= 80 {
        return message.escape_ascii().to_string();
    }
    let (start, end) = (&message[..32], &message[message.len() - 32..]);
    format!("{} ... {}", start.escape_ascii(), end.escape_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preview_counts_runs_or_shows_both_ends() {
        assert_eq!(preview(b"hi\n"), "hi\\n");
        let mixed = [vec![b'A'; 40], vec![b'B'; 60], vec![b'\n']].concat();
        assert_eq!(preview(&mixed), "Ax40 Bx60 \\nx1");
        let long = preview("Hello world!".repeat(7000).as_bytes());
        assert!(
            long.starts_with("Hello world!Hello") && long.ends_with("world!") && long.len() < 80,
            "{long}"
        );
    }
}
