#![expect(unsafe_code, reason = "getsockopt(2) of TCP_INFO has no safe wrapper")]
//! A header and a body, written one after the other: how many segments, and how long.
//!
//! csdesign, roadmap, "TCP_CORK socket option examples".
//!
//! ```text
//!  Nagle's algorithm against the delayed acknowledgement (RFC 896, RFC 1122 4.2.3.2):
//!
//!   client  write header ──► 100 bytes ───────────►  server   has a part, answers nothing;
//!           write body       held back: something             holds its ACK back for an answer to ride on
//!                            is not acknowledged yet
//!                            ◄──────────────── ACK            … 40 ms later, alone
//!                            1000 bytes ──────────►           now it is whole
//!
//!   TCP_NODELAY     two segments, no waiting           writev     both in one call: one segment, no waiting, nothing to set
//!   TCP_CORK        one segment, when it is uncorked   MSG_MORE   one segment, no call to set anything
//! ```
//!
//! Neither side is wrong: each waits for the other to save a packet. It shows only when two small writes are followed by a
//! read, which is what a request is. One `write` for one message is the cure; TCP_NODELAY is for messages that are
//! small one by one; TCP_CORK for a header before sendfile(2), which no writev can take in.
//!
//! Segments are counted by the kernel (`tcpi_data_segs_out` of TCP_INFO, tcp(7)): those with data, so no ACKs, and less
//! what was sent again, which a busy machine may cause.

use common::support::count::count;
use std::io::{self, IoSlice, Read, Write};
use std::mem;
use std::net::TcpStream;
use std::os::fd::AsRawFd;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::Args;
use nix::errno::Errno;
use nix::libc;
use socket2::SockRef;

use super::loopback::LoopbackArgs;

/// Header and body under Nagle, TCP_NODELAY, TCP_CORK, MSG_MORE and one writev: segments and time
///
/// Look at the segments per request, and at how many requests had a pause of 40 ms in them.
///
/// The question: two small writes and a read: why 25 requests per second and not 20 000?
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  cargo ch2 show cork --requests 50")]
pub struct CorkArgs {
    /// Requests of each kind, one after the other on one connection
    #[arg(long, default_value_t = 20, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=1000))]
    requests: u32,
    /// Bytes of the header
    #[arg(long, default_value_t = 100, value_name = "BYTES", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    header: u16,
    /// Bytes of the body
    #[arg(long, default_value_t = 1000, value_name = "BYTES", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    body: u16,
    #[command(flatten)]
    loopback: LoopbackArgs,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum WritePattern {
    Nagle,
    NoDelay,
    Cork,
    More,
    Writev,
}

/// Whoever waited that long, waited for an acknowledgement: Linux delays one by 40 ms and more.
const PAUSE: Duration = Duration::from_millis(30);

/// Runs the demonstration.
pub fn run(args: &CorkArgs) -> anyhow::Result<()> {
    let mut out = common::support::cli::stdout();
    writeln!(
        out,
        "{} of {} + {}, each answered when all of it has arrived",
        count(args.requests, "request"),
        args.header,
        count(args.body, "byte")
    )?;
    writeln!(
        out,
        "{:<36} {:>13} {:>9} {:>12} {:>12} {:>8}",
        "", "system calls", "segments", "per request", "median time", "paused"
    )?;
    for (pattern, title, calls) in [
        (WritePattern::Nagle, "write, write (Nagle)", 2),
        (WritePattern::NoDelay, "write, write, TCP_NODELAY", 2),
        (WritePattern::Cork, "cork, write, write, uncork", 4),
        (WritePattern::More, "send with MSG_MORE, write", 2),
        (WritePattern::Writev, "one writev", 1),
    ] {
        let (segments, mut times) = exchange(args, pattern).with_context(|| title)?;
        times.sort();
        writeln!(
            out,
            "{title:<36} {:>13} {segments:>9} {:>12.2} {:>12} {:>8}",
            calls * args.requests,
            f64::from(segments) / f64::from(args.requests),
            common::support::cli::human(times[times.len() / 2]),
            times.iter().filter(|time| **time >= PAUSE).count()
        )?;
    }
    let late = left_corked(args)?;
    writeln!(
        out,
        "\nleft corked, a header leaves by itself after {} (tcp(7): 200 ms)",
        common::support::cli::human(late)
    )?;
    Ok(())
}

/// All requests of one kind: segments sent, and the time of each from its first write to its answer.
fn exchange(args: &CorkArgs, pattern: WritePattern) -> anyhow::Result<(u32, Vec<Duration>)> {
    let (mut client, mut server) = args.loopback.pair()?;
    client.set_nodelay(pattern == WritePattern::NoDelay)?;
    let (header, body) = (vec![b'h'; args.header.into()], vec![b'b'; args.body.into()]);
    thread::scope(|scope| {
        let serving = scope.spawn(move || -> io::Result<()> {
            let mut request = vec![0; usize::from(args.header) + usize::from(args.body)];
            for _ in 0..args.requests {
                server.read_exact(&mut request)?;
                server.write_all(b"!")?;
            }
            Ok(())
        });
        let before = data_segments_out(&client)?;
        let mut times = Vec::new();
        for _ in 0..args.requests {
            let begun = Instant::now();
            request(&mut client, pattern, &header, &body)?;
            client.read_exact(&mut [0])?;
            times.push(begun.elapsed());
        }
        let segments = data_segments_out(&client)?.wrapping_sub(before);
        serving.join().expect("it has nothing to panic of")?;
        Ok((segments, times))
    })
}

fn request(client: &mut TcpStream, pattern: WritePattern, header: &[u8], body: &[u8]) -> anyhow::Result<()> {
    match pattern {
        WritePattern::Nagle | WritePattern::NoDelay => {
            client.write_all(header)?;
            client.write_all(body)?;
        }
        WritePattern::Cork => {
            SockRef::from(&*client).set_tcp_cork(true)?;
            client.write_all(header)?;
            client.write_all(body)?;
            SockRef::from(&*client).set_tcp_cork(false)?;
        }
        WritePattern::More => {
            let sent =
                SockRef::from(&*client).send_with_flags(header, libc::MSG_MORE | libc::MSG_NOSIGNAL)?;
            ensure!(sent == header.len(), "a socket with an empty buffer takes a small header whole");
            client.write_all(body)?;
        }
        WritePattern::Writev => {
            let sent = client.write_vectored(&[IoSlice::new(header), IoSlice::new(body)])?;
            ensure!(
                sent == header.len() + body.len(),
                "a socket with an empty buffer takes a small request whole"
            );
        }
    }
    Ok(())
}

/// A header under a cork that nobody pulls: how long it takes to arrive.
fn left_corked(args: &CorkArgs) -> anyhow::Result<Duration> {
    let (mut client, mut server) = args.loopback.pair()?;
    SockRef::from(&client).set_tcp_cork(true)?;
    let begun = Instant::now();
    client.write_all(b"header")?;
    server.read_exact(&mut [0; 6])?;
    Ok(begun.elapsed())
}

/// Segments with data in them that this end has sent, each counted once.
fn data_segments_out(stream: &TcpStream) -> io::Result<u32> {
    // SAFETY: all fields are numbers, for which zero is a value.
    let mut info: libc::tcp_info = unsafe { mem::zeroed() };
    let mut length = size_of_val(&info) as libc::socklen_t;
    // SAFETY: the kernel writes at most `length` bytes, which is what the struct has.
    let done = unsafe {
        libc::getsockopt(
            stream.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            (&raw mut info).cast(),
            &raw mut length,
        )
    };
    Errno::result(done)?;
    // An older kernel has a shorter struct.
    let needed = mem::offset_of!(libc::tcp_info, tcpi_data_segs_out) + size_of::<u32>();
    if (length as usize) < needed {
        return Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "a kernel before 4.6 does not count segments",
        ));
    }
    Ok(info.tcpi_data_segs_out.wrapping_sub(info.tcpi_total_retrans))
}
