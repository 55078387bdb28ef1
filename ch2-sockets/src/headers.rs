//! The headers of UDP and TCP, from a real capture (lecture notes, "UDP packet (datagram)", "TCP packet/header").
//!
//! ```text
//!   an exchange on loopback ──► lo ──► its receiver
//!                                └───► our packet socket ──► IPv4 ──► UDP or TCP ──► fields, with their bytes
//! ```
//!
//! **Why the checksums look wrong.** Nobody has computed them yet. The kernel fills in the sum of the pseudo header and leaves the rest
//! to the network card (*checksum offload*). On loopback there is no card and no wire, so nobody ever does. Wireshark marks such
//! packets as errors, if it is told to check.
//!
//! [`packet`], [`udp`] and [`tcp`] read bytes and do nothing else; [`capture`] gets them.

pub mod capture;
mod notes;
pub mod packet;
pub mod tcp;
pub mod udp;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use common::support::cli;
use common::support::count::count;
use common::support::terminal;

use capture::Capture;
use packet::{Field, Ipv4Packet};
use tcp::TcpSegment;
use udp::UdpDatagram;

/// How long a packet may take to be captured.
const LIMIT: Duration = Duration::from_secs(5);

const EXAMPLES: &str = "\
Examples:
  sudo -E cargo ch2 headers udp           one datagram
  sudo -E cargo ch2 headers tcp           a connection: handshake, data, close
  sudo -E cargo ch2 headers tcp --brief   a line for each segment
It takes root or CAP_NET_RAW. Without: `tshark -i lo -f 'udp or tcp' -V`, if tshark may capture.";

/// The arguments of `headers`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct HeadersArgs {
    /// Of which protocol
    protocol: Transport,
    /// What is sent
    #[arg(short, long, default_value = "Hello world!")]
    message: String,
    /// A line for each packet, without its fields
    #[arg(long)]
    brief: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Transport {
    /// One datagram
    Udp,
    /// One connection: handshake, data, close
    Tcp,
}

/// Sends over loopback, captures what was sent, and prints the headers.
///
/// # Errors
/// No right to capture, in a sentence; what the sockets say.
pub fn run(args: &HeadersArgs) -> anyhow::Result<ExitCode> {
    let mut out = cli::stdout().lock();
    let capture = Capture::begin()?;
    let errors = match args.protocol {
        Transport::Udp => {
            show_udp(&mut out, args, capture)?;
            notes::UDP
        }
        Transport::Tcp => {
            show_tcp(&mut out, args, capture)?;
            notes::TCP
        }
    };
    if args.brief {
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(
        out,
        "\nA checksum of the pseudo header only: the kernel leaves the rest to the network card, and lo has none."
    )?;
    writeln!(out, "\nWhere the notes err:")?;
    for (notes, so) in errors {
        writeln!(out, "   they say: {notes}\n      it is: {so}")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn show_udp(out: &mut impl Write, args: &HeadersArgs, mut capture: Capture) -> anyhow::Result<()> {
    let receiver = UdpSocket::bind("127.0.0.1:0")?;
    let sender = UdpSocket::bind("127.0.0.1:0")?;
    let (from, to) = (sender.local_addr()?.port(), receiver.local_addr()?.port());
    sender.send_to(args.message.as_bytes(), receiver.local_addr()?)?;
    let mut captured = Vec::new();
    capture.take(LIMIT, |bytes| {
        let datagram = Ipv4Packet::parse(bytes).and_then(UdpDatagram::parse);
        let is_ours = datagram.is_ok_and(|datagram| (datagram.source, datagram.destination) == (from, to));
        if is_ours {
            captured = bytes.to_vec();
        }
        is_ours
    })?;
    let packet = Ipv4Packet::parse(&captured)?;
    let datagram = UdpDatagram::parse(packet)?;
    writeln!(out, "UDP: {}", datagram.summary())?;
    if !args.brief {
        show_ip(out, &packet)?;
        show(out, datagram.header(), &datagram.fields())?;
        show_payload(out, datagram.payload)?;
    }
    Ok(())
}

fn show_tcp(out: &mut impl Write, args: &HeadersArgs, mut capture: Capture) -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let server = listener.local_addr()?.port();
    let mut client = TcpStream::connect(listener.local_addr()?)?;
    let port = client.local_addr()?.port();
    let (mut accepted, _) = listener.accept()?;
    for end in [&client, &accepted] {
        end.set_read_timeout(Some(LIMIT))?;
    }
    client.write_all(args.message.as_bytes())?;
    client.shutdown(std::net::Shutdown::Write)?;
    accepted.read_to_end(&mut Vec::new())?;
    drop(accepted);
    client.read_to_end(&mut Vec::new())?;
    drop(client);

    let mut captured: Vec<Vec<u8>> = Vec::new();
    let mut ends = [None, None]; // the number behind the FIN of the client, and of the server
    let mut acknowledged = [false, false];
    capture.take(LIMIT, |bytes| {
        let Ok(segment) = Ipv4Packet::parse(bytes).and_then(TcpSegment::parse) else { return false };
        let ports = (segment.source, segment.destination);
        if ports != (port, server) && ports != (server, port) {
            return false;
        }
        let (own, other) = if segment.source == port { (0, 1) } else { (1, 0) };
        if segment.is_fin() {
            ends[own] = Some(segment.end());
        }
        acknowledged[other] |= segment.is_ack() && Some(segment.acknowledgment) == ends[other];
        captured.push(bytes.to_vec());
        acknowledged == [true, true]
    })?;

    let mut first = [None, None]; // the sequence number of each SYN
    for (number, bytes) in captured.iter().enumerate() {
        let packet = Ipv4Packet::parse(bytes)?;
        let segment = TcpSegment::parse(packet)?;
        let is_client = segment.source == port;
        let (own, other) = if is_client { (0, 1) } else { (1, 0) };
        if segment.is_syn() {
            first[own] = Some(segment.sequence);
        }
        let relative = |number: u32, first: Option<u32>| number.wrapping_sub(first.unwrap_or_default());
        let arrow = if is_client { "client -> server" } else { "server -> client" };
        let sequence = relative(segment.sequence, first[own]);
        let acknowledgment = match segment.is_ack() {
            true => relative(segment.acknowledgment, first[other]).to_string(),
            false => "-".into(),
        };
        writeln!(
            out,
            "TCP segment {}: {arrow}  {:<9}  sequence {sequence:<3} acknowledgment {acknowledgment:<3} {} of payload",
            number + 1,
            segment.flags(),
            count(segment.payload.len(), "byte"),
        )?;
        if !args.brief {
            if number == 0 {
                show_ip(out, &packet)?;
            }
            show(out, segment.header(), &segment.fields(first[own].unwrap_or_default(), first[other]))?;
            show_payload(out, segment.payload)?;
        }
    }
    Ok(())
}

fn show_ip(out: &mut impl Write, packet: &Ipv4Packet<'_>) -> std::io::Result<()> {
    writeln!(
        out,
        "   in an IPv4 packet: header of {}, from {} to {}, protocol {}, time to live {}",
        count(packet.header_length, "byte"),
        packet.source,
        packet.destination,
        packet.protocol,
        packet.time_to_live
    )
}

/// A line for each field: which bytes, these bytes, its name, its meaning.
fn show(out: &mut impl Write, header: &[u8], fields: &[Field]) -> std::io::Result<()> {
    for field in fields {
        let place = match field.bytes.len() {
            1 => field.bytes.start.to_string(),
            _ => format!("{}-{}", field.bytes.start, field.bytes.end - 1),
        };
        let mut bytes: String =
            header[field.bytes.clone()].iter().take(4).map(|byte| format!("{byte:02x} ")).collect();
        if field.bytes.len() > 4 {
            bytes.push('…');
        }
        writeln!(out, "   {place:>5}  {bytes:<13} {:<22} {}", field.name, field.meaning)?;
    }
    Ok(())
}

fn show_payload(out: &mut impl Write, payload: &[u8]) -> std::io::Result<()> {
    if payload.is_empty() {
        return Ok(());
    }
    writeln!(out, "   payload, {}: [{}]", count(payload.len(), "byte"), terminal::text(payload))
}
