//! A client that gives up resets: the end of a stream means "that was all" only from a peer that has meant it.
//!
//! ```text
//!   connect ──► unless_finished ──► send all ──► finish: shutdown(SHUT_WR) ──► the peer reads the end
//!                     └── Ctrl-C, an error, SIGKILL: the kernel closes ─────► the peer reads ECONNRESET
//! ```
//!
//! close(2) sends a FIN whatever has been sent before, and so does the end of a process. For a peer that takes the end of the stream
//! for the end of the message, half a message is then a whole one. With `SO_LINGER` of zero a close sends RST instead (socket(7)),
//! also when nobody is left to call it.

use std::io;
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::time::Duration;

use socket2::SockRef;

/// From now on a close of this socket is a reset, until it is [`finish`]ed.
///
/// # Errors
/// What setsockopt(2) says.
pub fn unless_finished(socket: &impl AsFd) -> io::Result<()> {
    SockRef::from(socket).set_linger(Some(Duration::ZERO))
}

/// All is sent: the peer reads the end of the stream, and a close is a close again.
///
/// # Errors
/// `ENOTCONN` when the connection is gone.
pub fn finish(socket: &impl AsFd) -> io::Result<()> {
    let socket = SockRef::from(socket);
    socket.set_linger(None)?;
    socket.shutdown(Shutdown::Write)
}
