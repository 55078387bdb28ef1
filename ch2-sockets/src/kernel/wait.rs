//! Waiting that Ctrl-C can end: `poll` on a socket, or on the keyboard, together with the stop.
//!
//! std retries a call that a signal interrupted, so a plain `accept` or `recv` would never hear the stop.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use common::core::stop::Stop;
use common::support::interrupt;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// What ended a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// There is something to read, or the end, or an error to be read.
    Ready,
    /// Nothing came in time.
    TimedOut,
    /// Ctrl-C or SIGTERM.
    Stopped,
}

/// Waits until `source` is readable, at most for `limit` (`None`: for ever).
///
/// # Errors
/// What poll(2) says.
pub fn readable(source: &impl AsFd, limit: Option<Duration>, stop: Stop) -> io::Result<Wait> {
    ready(source, PollFlags::POLLIN, limit, stop)
}

/// Waits until `socket` can be written to: for a non-blocking `connect`, until it has come to an end.
///
/// # Errors
/// What poll(2) says.
pub fn writable(socket: &impl AsFd, limit: Option<Duration>, stop: Stop) -> io::Result<Wait> {
    ready(socket, PollFlags::POLLOUT, limit, stop)
}

/// `--hold`: waits for Enter (or the end of standard input), or for Ctrl-C.
///
/// # Errors
/// What writing to stdout or reading stdin says.
pub fn hold(out: &mut impl Write, stop: Stop) -> io::Result<()> {
    write!(out, "Press Enter to go on ... ")?;
    out.flush()?;
    let mut stdin = io::stdin();
    if readable(&stdin, None, stop)? == Wait::Ready {
        let _ = stdin.read(&mut [0; 256])?; // what was typed does not matter
    }
    writeln!(out)
}

/// The status of a command that has done what it can: 0, or 130 when Ctrl-C has ended it before.
#[must_use]
pub fn ended(stop: Stop) -> ExitCode {
    if stop.requested() { ExitCode::from(interrupt::STATUS) } else { ExitCode::SUCCESS }
}

fn ready(source: &impl AsFd, wish: PollFlags, limit: Option<Duration>, stop: Stop) -> io::Result<Wait> {
    let end = limit.map(|limit| Instant::now() + limit);
    loop {
        if stop.requested() {
            return Ok(Wait::Stopped);
        }
        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
        let timeout = match left {
            None => PollTimeout::NONE,
            Some(left) => {
                PollTimeout::try_from(left + Duration::from_micros(999)).unwrap_or(PollTimeout::MAX)
            }
        };
        let mut fds = [PollFd::new(source.as_fd(), wish), PollFd::new(stop.fd(), PollFlags::POLLIN)];
        match poll(&mut fds, timeout) {
            Ok(_) if fds[0].any() == Some(true) => return Ok(Wait::Ready),
            Ok(0) if left.is_some_and(|left| left.is_zero() || end <= Some(Instant::now())) => {
                return Ok(Wait::TimedOut);
            }
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
