//! A connection on which answers are waited for: for a stated time, and no longer once Ctrl-C was pressed.
//!
//! A `read(2)` that waits for a silent server hears nothing of a flag. So it is made to wait for a tenth of a second only, again and
//! again.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::support::cli::human;

/// How long Ctrl-C may wait.
const LOOK: Duration = Duration::from_millis(100);

/// The connection.
#[derive(Debug)]
pub struct Patient<'a> {
    stream: TcpStream,
    patience: Duration,
    interrupted: &'a AtomicBool,
}

impl<'a> Patient<'a> {
    /// Over a stream that is connected. Each read waits for `patience` at most, and not when `interrupted` is set.
    ///
    /// # Errors
    /// What `setsockopt(2)` says.
    pub fn over(
        stream: TcpStream,
        patience: Duration,
        interrupted: &'a AtomicBool,
    ) -> io::Result<Patient<'a>> {
        stream.set_read_timeout(Some(LOOK.min(patience)))?;
        Ok(Patient { stream, patience, interrupted })
    }

    /// Connects, within the same time.
    ///
    /// # Errors
    /// Nobody listens there.
    pub fn connect(
        address: SocketAddr,
        patience: Duration,
        interrupted: &'a AtomicBool,
    ) -> io::Result<Patient<'a>> {
        let stream = TcpStream::connect_timeout(&address, patience)?;
        stream.set_nodelay(true)?;
        Patient::over(stream, patience, interrupted)
    }

    /// Nothing more is asked.
    ///
    /// # Errors
    /// What `shutdown(2)` says.
    pub fn finish(&self) -> io::Result<()> {
        self.stream.shutdown(Shutdown::Write)
    }

    /// The stream, whose reads do not wait at all.
    ///
    /// # Errors
    /// What `fcntl(2)` says.
    pub fn into_nonblocking(self) -> io::Result<TcpStream> {
        self.stream.set_nonblocking(true)?;
        Ok(self.stream)
    }
}

impl Read for Patient<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let since = Instant::now();
        loop {
            match self.stream.read(buffer) {
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
                done => return done,
            }
            if self.interrupted.load(Ordering::Relaxed) {
                return Err(io::Error::other("interrupted")); // not of kind `Interrupted`, after which one reads again
            }
            if since.elapsed() >= self.patience {
                let words = format!("the server has said nothing for {}", human(self.patience));
                return Err(io::Error::new(ErrorKind::WouldBlock, words)); // as after SO_RCVTIMEO, socket(7)
            }
        }
    }
}

impl Write for Patient<'_> {
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
        let mut patient = Patient::connect(to, Duration::from_millis(250), &interrupted).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        let mut buffer = [0; 9];
        server.write_all(b"hello").unwrap();
        assert_eq!(patient.read(&mut buffer).unwrap(), 5);
        let error = patient.read(&mut buffer).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
        assert_eq!(error.to_string(), "the server has said nothing for 250ms");

        // As long as a day, if it were not for the flag.
        patient.patience = Duration::from_secs(86_400);
        interrupted.store(true, Ordering::Relaxed);
        assert_eq!(patient.read(&mut buffer).unwrap_err().to_string(), "interrupted");
        server.write_all(b"late").unwrap();
        assert_eq!(patient.read(&mut buffer).unwrap(), 4, "what is there is read all the same");
    }
}
