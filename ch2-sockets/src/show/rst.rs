//! How a TCP connection ends, in order or with RST, and what the other side sees.
//!
//! Lecture notes, chapter 2, "Handling broken pipe exceptions"; csdesign, "RST packet generation".
//!
//! ```text
//!   in order                                       aborted
//!   close ── FIN ──► read: 0, the end              close ── RST ──► read:  ECONNRESET, told once
//!         ◄── data ─ write: done, it seems         (SO_LINGER 0)    write: EPIPE, from now on
//!         ── RST ──► (nobody is there to read)
//!                    write: EPIPE
//! ```
//!
//! A write that succeeds has only been taken by the kernel. So after an orderly close the first write *works*, its bytes
//! meet a socket that is gone, the answer is RST, and the second write fails. That is why "broken pipe" comes late.
//!
//! RST is sent for a close with SO_LINGER 0 (on, zero seconds: discard and abort), and for a close with bytes in the
//! receive buffer that nobody has read (RFC 1122, 4.2.2.13): their sender must not believe that they were. A server that
//! answers and closes while its client still sends runs into the second, and its answer may be lost; see
//! `Connection::end` of the file dump for the cure.
//!
//! The aborted end keeps no TIME-WAIT, which tempts; but TIME-WAIT is what keeps an old connection's late segments out of
//! a new one, and RST throws away what was still to be delivered: the second table counts it.

use common::support::count::count;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use clap::Args;
use nix::poll::PollFlags;
use socket2::SockRef;

use super::loopback::{LoopbackArgs, name, wait_for};

/// RST by SO_LINGER 0 and by unread bytes, against an orderly close
///
/// Look at the column of the first write: where the connection was closed in order it succeeds. Then at the bytes that
/// an abort throws away.
///
/// The question: why does "broken pipe" come at the second write, and who is told ECONNRESET?
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  cargo ch2 show rst\n  cargo ch2 show rst --address ::1")]
pub struct RstArgs {
    #[command(flatten)]
    loopback: LoopbackArgs,
}

/// Runs the demonstration.
pub fn run(args: &RstArgs) -> anyhow::Result<()> {
    let mut out = common::support::cli::stdout();
    writeln!(
        out,
        "{:<34} {:<12} {:<12} {:<12} state of the one who ended it",
        "one end does", "other: read", "write", "write again"
    )?;
    for ending in Ending::ALL {
        let seen = see(args.loopback, ending)?;
        writeln!(
            out,
            "{:<34} {:<12} {:<12} {:<12} {}",
            ending.title(),
            seen.read,
            seen.write,
            seen.again,
            seen.state
        )?;
    }
    writeln!(out, "\n{:<34} {:>12} {:>12} {:>12}", "bytes on their way", "sent", "arrived", "lost")?;
    for ending in [Ending::Close, Ending::Abort] {
        let (sent, arrived) = last_words(args.loopback, ending)?;
        writeln!(out, "{:<34} {sent:>12} {arrived:>12} {:>12}", ending.title(), sent - arrived)?;
    }
    Ok(())
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Ending {
    HalfClose,
    Close,
    BothClose,
    Unread,
    Abort,
    AbortUnnoticed,
}

impl Ending {
    const ALL: [Ending; 6] = [
        Ending::HalfClose,
        Ending::Close,
        Ending::BothClose,
        Ending::Unread,
        Ending::Abort,
        Ending::AbortUnnoticed,
    ];

    fn title(self) -> &'static str {
        match self {
            Ending::HalfClose => "shutdown(SHUT_WR)",
            Ending::Close => "close",
            Ending::BothClose => "close, and then the other too",
            Ending::Unread => "close, with bytes unread",
            Ending::Abort => "close, SO_LINGER 0",
            Ending::AbortUnnoticed => "close, SO_LINGER 0; other writes",
        }
    }
}

/// What the other side was told, and where the first one ended up.
struct Seen {
    read: String,
    write: String,
    again: String,
    state: String,
}

fn see(loopback: LoopbackArgs, ending: Ending) -> anyhow::Result<Seen> {
    let (mut other, one) = loopback.pair()?;
    let ends = (one.local_addr()?, one.peer_addr()?);
    // Lives on where only a half is closed.
    let mut half_open = None;
    match ending {
        Ending::HalfClose => {
            one.shutdown(Shutdown::Write)?;
            half_open = Some(one);
        }
        Ending::Close | Ending::BothClose => drop(one),
        Ending::Unread => {
            other.write_all(b"a question that nobody reads")?;
            wait_for(&one, PollFlags::POLLIN)?;
            drop(one);
        }
        Ending::Abort | Ending::AbortUnnoticed => abort(one)?,
    }
    // FIN or RST has come when there is something to read: the end, or the error.
    wait_for(&other, PollFlags::POLLIN)?;
    let mut seen =
        Seen { read: "-".into(), write: "-".into(), again: "-".into(), state: settled_state(ends) };
    if ending != Ending::AbortUnnoticed {
        seen.read = match other.read(&mut [0; 64]) {
            Ok(0) => "0 (the end)".into(),
            done => told(done),
        };
    }
    if ending == Ending::BothClose {
        drop(other);
        seen.state = settled_state(ends);
        return Ok(seen);
    }
    seen.write = told(other.write(b"hello"));
    if ending == Ending::Close {
        // Until the RST that answers it is here. POLLERR and POLLHUP need not be asked for.
        wait_for(&other, PollFlags::empty())?;
    }
    seen.again = told(other.write(b"hello"));
    drop(half_open);
    Ok(seen)
}

/// SO_LINGER on, zero seconds: close(2) discards what is unsent and sends RST (socket(7)).
fn abort(one: TcpStream) -> io::Result<()> {
    SockRef::from(&one).set_linger(Some(Duration::ZERO))?;
    drop(one);
    Ok(())
}

fn told(done: io::Result<usize>) -> String {
    match done {
        Ok(bytes) => count(bytes, "byte"),
        Err(error) => name(&error),
    }
}

/// Fills both buffers, ends, and lets the other side read: how much was sent, how much arrived.
fn last_words(loopback: LoopbackArgs, ending: Ending) -> anyhow::Result<(u64, u64)> {
    let (mut other, mut one) = loopback.pair()?;
    one.set_nonblocking(true)?;
    let mut sent = 0;
    loop {
        match one.write(&[7; 16 * 1024]) {
            Ok(bytes) => sent += bytes as u64,
            // The other side's buffer is full, and so is ours: the rest of what was sent is still here.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) => return Err(error.into()),
        }
    }
    match ending {
        Ending::Abort => abort(one)?,
        _ => drop(one),
    }
    let mut arrived = 0;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match other.read(&mut buffer) {
            Ok(0) => break,
            Ok(bytes) => arrived += bytes as u64,
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => break,
            Err(error) => return Err(error.into()),
        }
    }
    Ok((sent, arrived))
}

/// The state once it changes no more by itself: FIN-WAIT-1 lasts until the FIN is acknowledged, which may be delayed.
fn settled_state(ends: (SocketAddr, SocketAddr)) -> String {
    for _ in 0..200 {
        if state(ends) != "FIN-WAIT-1" {
            break;
        }
        thread::sleep(Duration::from_millis(5));
    }
    state(ends)
}

/// The row of the kernel's table of sockets (proc(5), `/proc/net/tcp`) for the end with these two addresses.
fn state((local, remote): (SocketAddr, SocketAddr)) -> String {
    let table = if local.is_ipv6() { procfs::net::tcp6() } else { procfs::net::tcp() };
    let Ok(table) = table else { return "/proc/net is not to be read here".into() };
    let row = table.iter().find(|row| (row.local_address, row.remote_address) == (local, remote));
    match row {
        // As RFC 9293 writes them.
        Some(row) => match row.state {
            procfs::net::TcpState::FinWait1 => "FIN-WAIT-1".into(),
            procfs::net::TcpState::FinWait2 => "FIN-WAIT-2".into(),
            procfs::net::TcpState::TimeWait => "TIME-WAIT".into(),
            ref other => format!("{other:?}"),
        },
        None => "none: nothing is left of it".into(),
    }
}
