//! What the kernel has of ours and the peer has not: the send queue, and what it says about progress.
//!
//! ```text
//!   write(2) ──► send queue, up to 4 MiB ──► acknowledged by the peer's kernel
//! ```
//!
//! The last `write` returns long before the last byte has arrived. A client that sends over a slow link and then waits for an answer
//! hears nothing for many seconds, and all is well: the queue gets shorter.

#![expect(unsafe_code, reason = "ioctl(2) with SIOCOUTQ, for which there is no safe call")]

use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::time::{Duration, Instant};

use nix::libc;

/// How many bytes the kernel has that the peer's has not acknowledged (`SIOCOUTQ`, tcp(7)).
///
/// # Errors
/// `EINVAL`: the socket listens.
pub fn unacknowledged(socket: &impl AsFd) -> io::Result<usize> {
    let mut bytes: libc::c_int = 0;
    // SAFETY: SIOCOUTQ is TIOCOUTQ, and the kernel writes one int to the address.
    let result = unsafe { libc::ioctl(socket.as_fd().as_raw_fd(), libc::TIOCOUTQ, &raw mut bytes) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(usize::try_from(bytes).unwrap_or(0)) }
}

/// How long a connection has been silent: nothing written, nothing acknowledged, nothing heard.
#[derive(Debug)]
pub struct Silence {
    since: Instant,
    queued: Option<usize>,
}

impl Silence {
    /// From now on.
    #[must_use]
    pub fn begin() -> Silence {
        Silence { since: Instant::now(), queued: None }
    }

    /// Something was written or heard.
    pub fn broken(&mut self) {
        self.since = Instant::now();
    }

    /// How long it lasts. A send queue that has changed since the last call breaks it: call it a few times a second.
    pub fn length(&mut self, socket: &impl AsFd) -> Duration {
        let queued = unacknowledged(socket).ok();
        if self.queued.is_some() && self.queued != queued {
            self.broken();
        }
        self.queued = queued;
        self.since.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn a_queue_that_gets_shorter_breaks_the_silence() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        client.set_nonblocking(true).unwrap();
        while client.write(&[b'x'; 1 << 20]).is_ok() {}
        let queued = unacknowledged(&client).unwrap();
        assert!(queued > 0, "the server has not read");
        let mut silence = Silence::begin();
        silence.length(&client);
        silence.since -= Duration::from_secs(60);
        assert!(silence.length(&client) >= Duration::from_secs(60), "nothing moves");
        let until = Instant::now() + Duration::from_secs(20);
        while unacknowledged(&client).unwrap() == queued {
            assert!(Instant::now() < until, "what the server reads makes room");
            let _ = server.read(&mut [0; 1 << 16]).unwrap();
        }
        assert!(silence.length(&client) < Duration::from_secs(60), "it moves");
    }
}
