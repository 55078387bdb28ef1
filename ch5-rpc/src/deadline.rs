//! A TCP stream of a client whose call has one end, whatever the server does: connecting, sending and receiving share it.
//!
//! A timeout for each `read(2)` would be none: a server that sends a byte every second would hold its client for ever.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use common::support::cli::human;

/// How long a system call waits before the clock and the flag of Ctrl-C are looked at.
const LOOK: Duration = Duration::from_millis(100);

/// The stream.
#[derive(Debug)]
pub struct DeadlineStream<'a> {
    stream: TcpStream,
    timeout: Duration,
    until: Instant,
    interrupted: &'a AtomicBool,
}

impl<'a> DeadlineStream<'a> {
    /// Connects to the first address of the host that answers. What is done with the connection ends with the same `timeout`, until
    /// another call [begins](DeadlineStream::begin); and soon after `interrupted` is set.
    ///
    /// # Errors
    /// No server listens there.
    pub fn connect(
        place: impl ToSocketAddrs,
        timeout: Duration,
        interrupted: &'a AtomicBool,
    ) -> io::Result<DeadlineStream<'a>> {
        let until = Instant::now() + timeout;
        let mut last = io::Error::from(ErrorKind::AddrNotAvailable);
        for address in place.to_socket_addrs()? {
            let left = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            match TcpStream::connect_timeout(&address, left) {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    let look = Some(LOOK.min(timeout.max(Duration::from_millis(1))));
                    stream.set_read_timeout(look)?;
                    stream.set_write_timeout(look)?;
                    return Ok(DeadlineStream { stream, timeout, until, interrupted });
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Another call begins: it has the whole time.
    pub fn begin(&mut self) {
        self.until = Instant::now() + self.timeout;
    }

    /// Where the other end is.
    ///
    /// # Errors
    /// As `getpeername(2)`.
    pub fn peer(&self) -> io::Result<SocketAddr> {
        self.stream.peer_addr()
    }

    /// What is done from now on ends then.
    pub fn end_at(&mut self, until: Instant) {
        self.until = until;
    }

    fn within_time<T>(&mut self, mut step: impl FnMut(&mut TcpStream) -> io::Result<T>) -> io::Result<T> {
        loop {
            if Instant::now() >= self.until {
                let words = format!("the call has not ended within {}", human(self.timeout));
                return Err(io::Error::new(ErrorKind::TimedOut, words));
            }
            match step(&mut self.stream) {
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
                done => return done,
            }
            // What goes at once goes all the same: a client that ends may still say so.
            if self.interrupted.load(Ordering::Relaxed) {
                return Err(io::Error::other("interrupted")); // not of kind `Interrupted`, after which one tries again
            }
        }
    }
}

impl Read for DeadlineStream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.within_time(|stream| stream.read(buffer))
    }
}

impl Write for DeadlineStream<'_> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.within_time(|stream| stream.write(buffer))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    #[test]
    fn neither_a_dripping_server_nor_one_that_takes_little_holds_a_call() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let place = listener.local_addr().unwrap();
        let interrupted = AtomicBool::new(false);
        let drip = thread::spawn(move || {
            let (mut client, _) = listener.accept().unwrap();
            client.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
            while client.write_all(b".").is_ok() {
                let _ = client.read(&mut [0; 1000]);
                thread::sleep(Duration::from_millis(20));
            }
        });
        let timeout = Duration::from_millis(400);
        let mut stream = DeadlineStream::connect(place, timeout, &interrupted).unwrap();
        stream.write_all(&[b'x'; 100_000]).unwrap();
        let began = Instant::now();
        let error = stream.read_to_end(&mut Vec::new()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert_eq!(error.to_string(), "the call has not ended within 400ms");
        stream.begin();
        let long = vec![b'x'; 64 << 20];
        assert_eq!(stream.write_all(&long).unwrap_err().kind(), ErrorKind::TimedOut);
        assert!(began.elapsed() < Duration::from_secs(20));
        drop(stream);
        drip.join().unwrap();
    }

    #[test]
    fn after_ctrl_c_nothing_is_waited_for_and_what_is_there_is_read() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let interrupted = AtomicBool::new(true);
        let day = Duration::from_secs(86_400);
        let mut stream = DeadlineStream::connect(listener.local_addr().unwrap(), day, &interrupted).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        server.write_all(b"late").unwrap();
        stream.write_all(b"the end").unwrap();
        assert_eq!(stream.read(&mut [0; 9]).unwrap(), 4);
        assert_eq!(stream.read(&mut [0; 9]).unwrap_err().to_string(), "interrupted");
    }
}
