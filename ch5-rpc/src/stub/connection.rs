//! One connection to the server, kept for the next call if the server keeps it.
//!
//! A request is never sent twice: a connection that ends before the answer leaves unknown whether the method was executed.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use common::protocol::http::{Exchange, Progress, Url};
use common::support::interruptible::InterruptibleStream;

use super::error::Error;
use crate::misfit::what_is_silent;

/// How long one write may wait before the flag of Ctrl-C is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// What one read takes at most, bytes.
const PIECE: usize = 64 * 1024;

/// The client's end.
pub struct Connection<'a> {
    url: Url,
    timeout: Duration,
    limit: u64,
    interrupted: &'a AtomicBool,
    kept: Option<InterruptibleStream<'a>>,
    /// What is read into: to make 64 KiB of zeros for each answer would cost more than a short answer itself.
    piece: Vec<u8>,
}

impl<'a> Connection<'a> {
    /// Not yet connected. An answer may be `limit` bytes long.
    pub fn new(url: Url, timeout: Duration, limit: u64, interrupted: &'a AtomicBool) -> Connection<'a> {
        Connection { url, timeout, limit, interrupted, kept: None, piece: vec![0; PIECE] }
    }

    /// Sends a request with this content, and receives the content of its answer.
    pub fn post(&mut self, content_type: &str, content: &[u8]) -> Result<Vec<u8>, Error> {
        let mut stream = match self.kept.take() {
            Some(stream) => stream,
            None => self.connect()?,
        };
        let request = self.request(content_type, content);
        let sent = self.send(&mut stream, &request);
        let (mut exchange, mut answer) = (Exchange::new(self.limit), Vec::new());
        // A server that refuses a long request answers before it has read it, and then the rest cannot be sent.
        self.receive(&mut stream, &mut exchange, &mut answer).map_err(|error| match (sent, error) {
            (Err(why), Error::Broken(_)) => self.io(&why),
            (_, Error::Silence(time)) => {
                let other = what_is_silent((&self.url.host, self.url.port));
                other.map_or(Error::Silence(time), |other| Error::Refused(other.to_owned()))
            }
            (_, error) => error,
        })?;
        if exchange.is_kept() {
            self.kept = Some(stream);
        }
        Ok(answer)
    }

    /// The bytes of a request with this content.
    pub fn request(&self, content_type: &str, content: &[u8]) -> Vec<u8> {
        let (target, host, length) = (&self.url.target, self.url.authority(), content.len());
        let head = format!(
            "POST {target} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: ch5\r\nContent-Type: {content_type}\r\n\
             Content-Length: {length}\r\n\r\n"
        );
        [head.as_bytes(), content].concat()
    }

    fn connect(&self) -> Result<InterruptibleStream<'a>, Error> {
        let host = self.url.host.as_str();
        let addresses = (host, self.url.port).to_socket_addrs();
        let mut last = io::Error::from(ErrorKind::AddrNotAvailable);
        for address in addresses.map_err(|error| Error::NoHost(host.to_owned(), error))? {
            let connected = TcpStream::connect_timeout(&address, self.timeout).and_then(|stream| {
                stream.set_nodelay(true)?;
                stream.set_write_timeout(Some(LOOK))?;
                InterruptibleStream::over(stream, self.timeout, self.interrupted)
            });
            match connected {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            }
        }
        Err(Error::NoServer(self.url.authority(), last))
    }

    fn send(&self, stream: &mut InterruptibleStream<'_>, mut bytes: &[u8]) -> io::Result<()> {
        let mut since = Instant::now();
        while !bytes.is_empty() {
            match stream.write(bytes) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => (bytes, since) = (&bytes[count..], Instant::now()),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                    if self.interrupted.load(Ordering::Relaxed) || since.elapsed() >= self.timeout {
                        return Err(ErrorKind::WouldBlock.into());
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn receive(
        &mut self,
        stream: &mut InterruptibleStream<'_>,
        exchange: &mut Exchange,
        answer: &mut Vec<u8>,
    ) -> Result<(), Error> {
        loop {
            match stream.read(&mut self.piece).map_err(|error| self.io(&error))? {
                0 => return exchange.finish().map_err(Error::of_http),
                count => {
                    if exchange.receive(&self.piece[..count], answer).map_err(Error::of_http)?
                        == Progress::Complete
                    {
                        return Ok(());
                    }
                }
            }
        }
    }

    fn io(&self, error: &io::Error) -> Error {
        match error.kind() {
            _ if self.interrupted.load(Ordering::Relaxed) => Error::Interrupted,
            ErrorKind::WouldBlock => Error::Silence(self.timeout),
            _ => Error::Broken(error.to_string()),
        }
    }
}
