//! A TCP stream whose reads end after a timeout, and when Ctrl-C is pressed.
//!
//! A `read(2)` that waits for a silent server does not see that a flag was set. So each `read(2)` waits for a tenth of a second only,
//! and the flag is looked at in between.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::net::abort;
use crate::net::send_queue::Silence;
use crate::support::cli::human;

/// How long a read waits before it looks at the flag again.
const LOOK: Duration = Duration::from_millis(100);

/// The stream.
#[derive(Debug)]
pub struct InterruptibleStream<'a> {
    stream: TcpStream,
    timeout: Duration,
    interrupted: &'a AtomicBool,
}

impl<'a> InterruptibleStream<'a> {
    /// Wraps a connected stream. Each read ends after `timeout` at the latest, and soon after `interrupted` is set.
    ///
    /// # Errors
    /// What `setsockopt(2)` says.
    pub fn over(
        stream: TcpStream,
        timeout: Duration,
        interrupted: &'a AtomicBool,
    ) -> io::Result<InterruptibleStream<'a>> {
        stream.set_read_timeout(Some(LOOK.min(timeout)))?;
        Ok(InterruptibleStream { stream, timeout, interrupted })
    }

    /// Connects; this too ends after `timeout`.
    ///
    /// # Errors
    /// No server listens there.
    pub fn connect(
        address: SocketAddr,
        timeout: Duration,
        interrupted: &'a AtomicBool,
    ) -> io::Result<InterruptibleStream<'a>> {
        let stream = TcpStream::connect_timeout(&address, timeout)?;
        stream.set_nodelay(true)?;
        InterruptibleStream::over(stream, timeout, interrupted)
    }

    /// From now on a close is a reset, until it is [finished](InterruptibleStream::finish): for a server that takes the end of the
    /// stream for the end of the request.
    ///
    /// # Errors
    /// What `setsockopt(2)` says.
    pub fn reset_unless_finished(&self) -> io::Result<()> {
        abort::unless_finished(&self.stream)
    }

    /// Tells the server that no more requests come.
    ///
    /// # Errors
    /// What `shutdown(2)` says.
    pub fn finish(&self) -> io::Result<()> {
        abort::finish(&self.stream)
    }
}

impl Read for InterruptibleStream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut silence = Silence::begin();
        loop {
            match self.stream.read(buffer) {
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
                done => return done,
            }
            if self.interrupted.load(Ordering::Relaxed) {
                return Err(io::Error::other("interrupted")); // not of kind `Interrupted`, after which one reads again
            }
            if silence.length(&self.stream) >= self.timeout {
                let words = format!("the server has said nothing for {}", human(self.timeout));
                return Err(io::Error::new(ErrorKind::WouldBlock, words)); // as after SO_RCVTIMEO, socket(7)
            }
        }
    }
}

impl Write for InterruptibleStream<'_> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.stream.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn an_answer_is_waited_for_until_it_comes_or_the_time_is_over_or_it_is_interrupted() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let interrupted = AtomicBool::new(false);
        let to = listener.local_addr().unwrap();
        let mut stream = InterruptibleStream::connect(to, Duration::from_millis(250), &interrupted).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        let mut buffer = [0; 9];
        server.write_all(b"hello").unwrap();
        assert_eq!(stream.read(&mut buffer).unwrap(), 5);
        let error = stream.read(&mut buffer).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
        assert_eq!(error.to_string(), "the server has said nothing for 250ms");

        // As long as a day, if it were not for the flag.
        stream.timeout = Duration::from_secs(86_400);
        interrupted.store(true, Ordering::Relaxed);
        assert_eq!(stream.read(&mut buffer).unwrap_err().to_string(), "interrupted");
        server.write_all(b"late").unwrap();
        assert_eq!(stream.read(&mut buffer).unwrap(), 4, "what is there is read all the same");
    }
}
