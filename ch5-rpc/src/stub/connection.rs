//! One connection to the server, kept for the next call if the server keeps it.
//!
//! A request is never sent twice: a connection that ends before the answer leaves unknown whether the method was executed.

use std::io::{self, ErrorKind, Read, Write};
use std::net::ToSocketAddrs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::protocol::http::{Exchange, Progress, Url};

use super::error::Error;
use crate::deadline::DeadlineStream;
use crate::misfit::what_is_silent;

/// What one read takes at most, bytes.
const PIECE: usize = 64 * 1024;

/// The client's end.
pub struct Connection<'a> {
    url: Url,
    timeout: Duration,
    limit: u64,
    interrupted: &'a AtomicBool,
    kept: Option<DeadlineStream<'a>>,
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
            Some(mut stream) => {
                stream.begin();
                stream
            }
            None => self.connect()?,
        };
        let request = self.request(content_type, content);
        let sent = stream.write_all(&request);
        let (mut exchange, mut answer) = (Exchange::new(self.limit), Vec::new());
        // A server that refuses a long request answers before it has read it, and then the rest cannot be sent.
        self.receive(&mut stream, &mut exchange, &mut answer).map_err(|error| match (sent, error) {
            (Err(why), Error::Broken(_)) => self.io(&why),
            (_, Error::Late(time)) => {
                let other = what_is_silent((&self.url.host, self.url.port));
                other.map_or(Error::Late(time), |other| Error::Refused(other.to_owned()))
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

    fn connect(&self) -> Result<DeadlineStream<'a>, Error> {
        let host = self.url.host.as_str();
        let addresses = (host, self.url.port).to_socket_addrs();
        let addresses: Vec<_> = addresses.map_err(|error| Error::NoHost(host.to_owned(), error))?.collect();
        DeadlineStream::connect(&addresses[..], self.timeout, self.interrupted)
            .map_err(|error| Error::NoServer(self.url.authority(), error))
    }

    fn receive(
        &mut self,
        stream: &mut DeadlineStream<'_>,
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
            ErrorKind::TimedOut => Error::Late(self.timeout),
            _ => Error::Broken(error.to_string()),
        }
    }
}
