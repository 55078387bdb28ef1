//! A connection that does not wait for ever: for a silent peer, for a dripping one, or past a stop.
//!
//! ```text
//!  read / write ── every TICK ──► cancelled?                     ends: the program stops
//!                            ├──► no byte for `timeout`?         ends: silent
//!                            └──► past the deadline?             ends: dripping, a byte now and then
//! ```
//!
//! A timeout per read alone does not do: a client that sends one byte every twenty-nine seconds never breaks it, and
//! holds a thread, a permit and its reserved space for days. So a caller that waits for `n` bytes says so with
//! [`expect`](Connection::expect): they come at [`SLOWEST`] or faster, or the connection ends.

use common::support::count::count;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use thiserror::Error;

use super::protocol::{Decoded, Malformed};

/// How often a connection that waits looks up.
const TICK: Duration = Duration::from_millis(100);

/// The slowest transfer that is put up with, in bytes per second.
pub const SLOWEST: u64 = 4 * 1024;

/// Bytes read and written at a time; more saves next to nothing (`cargo ch2 show sendfile` has the figures).
pub const CHUNK: usize = 64 * 1024;

/// The most bytes of a stranger that are read for nothing.
const DISCARD: u64 = 1 << 20;

/// How long they are.
const LINGER: Duration = Duration::from_secs(1);

/// A blocking connection that waits no longer than its timeout.
pub struct Connection<'a> {
    stream: TcpStream,
    /// Read and not yet taken: the first bytes of a file may come with the header.
    input: Vec<u8>,
    timeout: Duration,
    deadline: Instant,
    cancelled: &'a (dyn Fn() -> bool + Sync),
}

/// Why nothing could be received.
#[derive(Debug, Error)]
pub enum ReceiveError {
    /// What came is not of the protocol.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The peer ended its stream too early; `0` bytes of what was waited for had come, or more.
    #[error("the stream ended after {} of it", count(*.0, "byte"))]
    Ended(usize),
    /// The connection broke, or the peer was silent or slow for too long.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl<'a> Connection<'a> {
    /// Waits at most `timeout` for a byte, and for a header in all.
    ///
    /// # Errors
    /// What setsockopt(2) says.
    pub fn new(
        stream: TcpStream,
        timeout: Duration,
        cancelled: &'a (dyn Fn() -> bool + Sync),
    ) -> io::Result<Connection<'a>> {
        stream.set_read_timeout(Some(TICK))?;
        stream.set_write_timeout(Some(TICK))?;
        // Small answers wait for nothing; the file goes out in chunks that fill segments by themselves.
        stream.set_nodelay(true)?;
        let deadline = Instant::now() + timeout;
        Ok(Connection { stream, input: Vec::new(), timeout, deadline, cancelled })
    }

    /// From now on so many bytes are due, in either direction.
    pub fn expect(&mut self, bytes: u64) {
        self.deadline = Instant::now() + self.timeout + Duration::from_secs(bytes / SLOWEST);
    }

    /// Reads until `decode` has found a value.
    ///
    /// # Errors
    /// [`ReceiveError`].
    pub fn receive<T>(&mut self, decode: impl Fn(&[u8]) -> Decoded<T>) -> Result<T, ReceiveError> {
        loop {
            if let Some((value, used)) = decode(&self.input)? {
                self.input.drain(..used);
                return Ok(value);
            }
            let held = self.input.len();
            self.input.resize(held + 1024, 0);
            let got = wait(&WaitLimits::of(self), || (&self.stream).read(&mut self.input[held..]));
            self.input.truncate(held + *got.as_ref().unwrap_or(&0));
            if got? == 0 {
                return Err(ReceiveError::Ended(held));
            }
        }
    }

    /// Ends our half of the connection: the peer reads its end after all that was written.
    ///
    /// # Errors
    /// `ENOTCONN` when the connection is gone.
    pub fn end_sending(&self) -> io::Result<()> {
        self.stream.shutdown(Shutdown::Write)
    }

    /// Ends the connection so that the peer gets the last answer even if it is still sending. A close with unread bytes
    /// sends RST (`cargo ch2 show rst`), and then an answer that is lost on its way is not sent again; some systems even
    /// drop one that has arrived. So the peer's bytes are read and dropped, for [`LINGER`] and [`DISCARD`] bytes at most.
    pub fn end(mut self) {
        self.timeout = self.timeout.min(LINGER);
        self.expect(0);
        if self.end_sending().is_ok() {
            let _ = io::copy(&mut self.take(DISCARD), &mut io::sink());
        }
    }
}

impl Read for Connection<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.input.is_empty() {
            return wait(&WaitLimits::of(self), || (&self.stream).read(buffer));
        }
        let taken = self.input.len().min(buffer.len());
        buffer[..taken].copy_from_slice(&self.input[..taken]);
        self.input.drain(..taken);
        Ok(taken)
    }
}

impl Write for Connection<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        wait(&WaitLimits::of(self), || (&self.stream).write(bytes)).map_err(|error| match error.kind() {
            // EPIPE is kept for stdout, where it means `… | head` and no error at all.
            ErrorKind::BrokenPipe => {
                io::Error::new(ErrorKind::ConnectionReset, "the other side has closed the connection")
            }
            _ => error,
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct WaitLimits<'a> {
    timeout: Duration,
    deadline: Instant,
    cancelled: &'a (dyn Fn() -> bool + Sync),
}

impl<'a> WaitLimits<'a> {
    fn of(connection: &Connection<'a>) -> WaitLimits<'a> {
        WaitLimits {
            timeout: connection.timeout,
            deadline: connection.deadline,
            cancelled: connection.cancelled,
        }
    }
}

/// Repeats a call that times out every [`TICK`], until it succeeds or there is a reason to give up.
fn wait(limits: &WaitLimits<'_>, mut call: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    let begun = Instant::now();
    loop {
        if (limits.cancelled)() {
            return Err(io::Error::new(ErrorKind::ConnectionAborted, "interrupted"));
        }
        match call() {
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
                ) => {}
            done if Instant::now() < limits.deadline => return done,
            Ok(0) => return Ok(0),
            Ok(_) => return Err(io::Error::new(ErrorKind::TimedOut, "the other side is too slow")),
            failed => return failed,
        }
        if begun.elapsed() >= limits.timeout || Instant::now() >= limits.deadline {
            let text =
                format!("nothing from the other side for {}", common::support::cli::human(limits.timeout));
            return Err(io::Error::new(ErrorKind::TimedOut, text));
        }
    }
}
