//! The long-lived connection to the server: requests out, responses in, whatever the segments.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use crate::guessword::wire::{NotTheGame, Request, Response, Responses};
use thiserror::Error;

/// Read at once.
const CHUNK: usize = 4096;

/// The server will say nothing more.
#[derive(Debug, Error)]
pub enum Gone {
    /// It has ended the connection, in order.
    #[error("the server is gone: it has ended the connection")]
    Ended,
    /// It has said nothing for as long as was to be waited.
    #[error("the server has said nothing for too long")]
    Silent,
    /// The connection has broken.
    #[error("the server is gone")]
    Broken(#[source] io::Error),
    /// It is something else.
    #[error(transparent)]
    NotTheGame(#[from] NotTheGame),
}

/// A connection that waits.
pub struct Connection<S = TcpStream> {
    stream: S,
    received: Vec<u8>,
    responses: Responses,
    timeout: Option<Duration>,
}

/// The sending half.
pub struct Sender(TcpStream);

impl<S: Read + Write> Connection<S> {
    /// Over a stream that is connected.
    pub fn over(stream: S) -> Connection<S> {
        Connection { stream, received: Vec::new(), responses: Responses::default(), timeout: None }
    }

    /// Sends a request.
    ///
    /// # Errors
    /// [`Gone`]
    pub fn send(&mut self, request: &Request) -> Result<(), Gone> {
        send(&mut self.stream, request)
    }

    /// Waits for the next response, which may be a notification.
    ///
    /// # Errors
    /// [`Gone`]
    pub fn next(&mut self) -> Result<Response, Gone> {
        let began = Instant::now();
        loop {
            if let Some((response, consumed)) = self.responses.decode(&self.received)? {
                self.received.drain(..consumed);
                return Ok(response);
            }
            // The timeout of the socket is that of a byte: a server that drips would hold us.
            if self.timeout.is_some_and(|timeout| began.elapsed() > timeout) {
                return Err(Gone::Silent);
            }
            let mut chunk = [0; CHUNK];
            match self.stream.read(&mut chunk) {
                Ok(0) => return Err(Gone::Ended),
                Ok(count) => self.received.extend_from_slice(&chunk[..count]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Connection {
    /// From now on [`next`](Connection::next) and [`send`](Connection::send) wait no longer than this.
    ///
    /// # Errors
    /// A time of zero.
    pub fn wait_at_most(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        self.timeout = timeout;
        self.stream.set_read_timeout(timeout)?;
        self.stream.set_write_timeout(timeout)
    }

    /// The sending half, for another thread.
    ///
    /// # Errors
    /// No descriptor is left.
    pub fn sender(&self) -> io::Result<Sender> {
        self.stream.try_clone().map(Sender)
    }
}

impl Sender {
    /// Sends a request.
    ///
    /// # Errors
    /// [`Gone`].
    pub fn send(&mut self, request: &Request) -> Result<(), Gone> {
        send(&mut self.0, request)
    }

    /// Nothing more goes either way: the other half hears of it.
    pub fn abandon(&self) {
        let _ = self.0.shutdown(Shutdown::Both);
    }

    /// Says that no request follows: what was asked is answered, and then the server ends the connection.
    ///
    /// # Errors
    /// [`Gone`] already.
    pub fn finish(&self) -> Result<(), Gone> {
        Ok(self.0.shutdown(Shutdown::Write)?)
    }
}

impl From<io::Error> for Gone {
    fn from(error: io::Error) -> Gone {
        match error.kind() {
            ErrorKind::WouldBlock => Gone::Silent,
            _ => Gone::Broken(error),
        }
    }
}

fn send(stream: &mut impl Write, request: &Request) -> Result<(), Gone> {
    let mut frame = Vec::new();
    request.encode(&mut frame);
    Ok(stream.write_all(&frame)?)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    #[test]
    fn a_server_that_drips_is_silent_when_the_time_is_over() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut connection = Connection::over(TcpStream::connect(listener.local_addr().unwrap()).unwrap());
        let mut stream = listener.accept().unwrap().0;
        // A response that never ends. It takes its time, or a limit of length would be the end.
        let dripping = thread::spawn(move || {
            while stream.write_all(b"1").is_ok() {
                thread::sleep(Duration::from_millis(5));
            }
        });
        connection.wait_at_most(Some(Duration::from_millis(200))).unwrap();
        assert!(matches!(connection.next(), Err(Gone::Silent)));
        drop(connection);
        dripping.join().unwrap();
    }
}
