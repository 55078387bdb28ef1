//! The two halves of a connection, and what closes which: `shutdown(2)` acts on the connection, `close(2)` on a descriptor.
//!
//! Lecture notes, chapter 2, "TCP socket shutdown routines".
//!
//! ```text
//!                 this side reads     this side writes     on the wire    the descriptor
//!   SHUT_RD       what is here, 0     as before            nothing        open
//!   SHUT_WR       as before           EPIPE                FIN            open
//!   SHUT_RDWR     what is here, 0     EPIPE                FIN            open
//!   close         -                   -                    FIN            closed; FIN only with the last one of the socket
//! ```
//!
//! SHUT_RD tells the other side nothing: TCP has no segment for it. Linux even goes on receiving (tcp(7) does not say so; POSIX leaves
//! it open): bytes that come after the call can be read, after a 0. After SHUT_RDWR and after `close` they are answered with RST.
//!
//! A descriptor that `dup` or `fork` has made refers to the same connection. While one is left, `close` of the others sends nothing.
//! That is why a server that forks must close its copy of each connection, and why `shutdown` is the call that ends one for certain.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use clap::Args;
use nix::poll::PollFlags;

use super::loopback::{LoopbackArgs, name, wait_for};
use crate::kernel::{self, SocketRow};
use common::support::count::count;

/// How long the other end's kernel may take.
const SOON: Duration = Duration::from_secs(2);

/// SHUT_RD, SHUT_WR, SHUT_RDWR and close: who can still read and write
///
/// Five bytes wait on this side when it makes the call. Look at the column `other: read`: it tells which calls the other side
/// notices. Then at the two rows with a second descriptor.
///
/// The question: a server forks for each client, and closes the connection only in the child. What does the client wait for?
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  cargo ch2 show shutdown\n  cargo ch2 show shutdown --address ::1")]
pub struct ShutdownArgs {
    #[command(flatten)]
    loopback: LoopbackArgs,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Call {
    Shutdown(Shutdown),
    Close,
    CloseOneOfTwo,
    ShutdownOneOfTwo,
}

impl Call {
    const ALL: [Call; 6] = [
        Call::Shutdown(Shutdown::Read),
        Call::Shutdown(Shutdown::Write),
        Call::Shutdown(Shutdown::Both),
        Call::Close,
        Call::CloseOneOfTwo,
        Call::ShutdownOneOfTwo,
    ];

    fn title(self) -> &'static str {
        match self {
            Call::Shutdown(Shutdown::Read) => "shutdown(SHUT_RD)",
            Call::Shutdown(Shutdown::Write) => "shutdown(SHUT_WR)",
            Call::Shutdown(Shutdown::Both) => "shutdown(SHUT_RDWR)",
            Call::Close => "close",
            Call::CloseOneOfTwo => "close, and a dup is open",
            Call::ShutdownOneOfTwo => "SHUT_WR, and a dup is open",
        }
    }

    fn sends_fin(self) -> bool {
        !matches!(self, Call::Shutdown(Shutdown::Read) | Call::CloseOneOfTwo)
    }

    /// No end is left to take what the other side still sends.
    fn resets(self) -> bool {
        matches!(self, Call::Shutdown(Shutdown::Both) | Call::Close)
    }
}

/// Runs the demonstration.
pub fn run(args: &ShutdownArgs) -> anyhow::Result<()> {
    let mut out = common::support::cli::stdout();
    let line = |cells: [&str; 8]| {
        let [call, read, again, write, other_read, other_write, other_again, state] = cells;
        format!(
            "{call:<27} {read:<10} {again:<11} {write:<8}  {other_read:<11} {other_write:<8} {other_again:<8}  {state}"
        )
    };
    let title =
        ["this side calls", "reads", "reads", "writes", "other: read", "write", "write", "this end is then"];
    writeln!(out, "{}", line(title))?;
    for call in Call::ALL {
        let seen = see(args.loopback, call)?;
        writeln!(
            out,
            "{}",
            line(
                [&[call.title()][..], &seen.each_ref().map(String::as_str)]
                    .concat()
                    .try_into()
                    .expect("eight cells")
            )
        )?;
    }
    let [at_once, later] = after_shut_rd(args.loopback)?;
    writeln!(
        out,
        "\nafter SHUT_RD this side reads: {at_once}; the other side sends 5 bytes more, and it reads: {later}"
    )?;
    Ok(())
}

/// The cells of a row: this side reads, reads again, writes; the other reads, writes, writes again; this end's state.
fn see(loopback: LoopbackArgs, call: Call) -> anyhow::Result<[String; 7]> {
    let (mut other, this) = with_bytes_waiting(loopback)?;
    let (local, remote) = (this.local_addr()?, this.peer_addr()?);
    let mut cells = [const { String::new() }; 7];
    let mut this = match call {
        Call::Shutdown(how) => {
            this.shutdown(how)?;
            Some(this)
        }
        Call::Close => {
            (&this).read_exact(&mut [0; 5])?; // or it would be a reset: see rst.rs
            drop(this);
            None
        }
        Call::CloseOneOfTwo => Some(this.try_clone()?), // the first one is dropped here
        Call::ShutdownOneOfTwo => {
            let dup = this.try_clone()?;
            this.shutdown(Shutdown::Write)?;
            drop(this);
            Some(dup)
        }
    };
    let settled = |row: &Option<SocketRow>| row.as_ref().is_none_or(|row| row.state != "FIN-WAIT-1");
    let row = kernel::settled(SOON, || kernel::connection(local, remote), settled)?;
    cells[6] = row.map_or("none", |row| row.state).into();
    if call.sends_fin() {
        wait_for(&other, PollFlags::POLLIN)?;
    }
    cells[3] = told(other.read(&mut [0; 64]));
    cells[..3].fill("-".into());
    if let Some(this) = &mut this {
        cells[0] = told(this.read(&mut [0; 64]));
        cells[1] = told(this.read(&mut [0; 64]));
        cells[2] = told(this.write(b"hello"));
    }
    cells[4] = told(other.write(b"hello"));
    if call.resets() {
        wait_for(&other, PollFlags::empty())?; // until the RST is here
    }
    cells[5] = told(other.write(b"hello"));
    Ok(cells)
}

/// What this side reads after SHUT_RD, and after the other side has sent more.
fn after_shut_rd(loopback: LoopbackArgs) -> anyhow::Result<[String; 2]> {
    let (mut other, mut this) = with_bytes_waiting(loopback)?;
    this.shutdown(Shutdown::Read)?;
    let first = told(this.read(&mut [0; 64]));
    let end = told(this.read(&mut [0; 64]));
    other.write_all(b"hello")?;
    let ends = (this.local_addr()?, this.peer_addr()?);
    let waits = |row: &Option<SocketRow>| row.as_ref().is_none_or(|row| row.receive_queue > 0);
    kernel::settled(SOON, || kernel::connection(ends.0, ends.1), waits)?;
    Ok([format!("{first}, then {end}"), told(this.read(&mut [0; 64]))])
}

/// Two ends that do not block, and five bytes from the first to the second.
fn with_bytes_waiting(loopback: LoopbackArgs) -> io::Result<(TcpStream, TcpStream)> {
    let (mut other, this) = loopback.pair()?;
    other.write_all(b"hello")?;
    wait_for(&this, PollFlags::POLLIN)?;
    other.set_nonblocking(true)?;
    this.set_nonblocking(true)?;
    Ok((other, this))
}

fn told(done: io::Result<usize>) -> String {
    match done {
        Ok(0) => "0 (the end)".into(),
        Ok(bytes) => count(bytes, "byte"),
        Err(error) if error.kind() == ErrorKind::WouldBlock => "would wait".into(),
        Err(error) => name(&error),
    }
}
