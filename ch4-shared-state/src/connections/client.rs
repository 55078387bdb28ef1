//! The client: the same request again and again, over a new connection each time or over one.

use common::support::count::count;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, bail};

use super::args::Closes;
use super::port_range::is_exhausted;
use common::protocol::http::{Exchange, Keep, Progress, Url, get};

/// A server of ours that has not answered by then never will.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// For one request.
    Short,
    /// For all of them.
    Long,
}

impl Lifetime {
    /// As the notes call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Lifetime::Short => "short-lived",
            Lifetime::Long => "long-lived",
        }
    }
}

/// What is asked for, and of whom.
#[derive(Debug)]
pub struct HttpClient {
    /// The server.
    pub address: SocketAddr,
    closes: Closes,
    limit: u64,
    last: Vec<u8>,
    next: Vec<u8>,
    interrupted: &'static AtomicBool,
}

impl HttpClient {
    /// A client for the one file of `limit` bytes that the server at `address` has.
    #[must_use]
    pub fn new(
        address: SocketAddr,
        closes: Closes,
        limit: u64,
        interrupted: &'static AtomicBool,
    ) -> HttpClient {
        let target = "/file-1.bin".into();
        let url = Url { host: address.ip().to_string(), port: address.port(), target };
        let (last, next) = (get(&url, Keep::Close), get(&url, Keep::Open));
        HttpClient { address, closes, limit, last, next, interrupted }
    }

    /// Makes `count` requests. Returns how many connections that took, and the last one if it is still open.
    ///
    /// # Errors
    /// A connection fails or is refused, an answer is not whole, or Ctrl-C was pressed.
    pub fn run(&self, lifetime: Lifetime, count: u32) -> anyhow::Result<(u64, Option<TcpStream>)> {
        let (mut open, mut connects) = (None, 0);
        for _ in 0..count {
            self.visit(lifetime, &mut open, &mut connects)?;
        }
        Ok((connects, open))
    }

    /// Makes one request over the connection that is open, or over a new one, which is counted. A short-lived one is
    /// closed behind it.
    ///
    /// # Errors
    /// As [`run`](HttpClient::run).
    pub fn visit(
        &self,
        lifetime: Lifetime,
        open: &mut Option<TcpStream>,
        connects: &mut u64,
    ) -> anyhow::Result<()> {
        let mut connection = match open.take() {
            Some(connection) => connection,
            None => {
                let connection =
                    TcpStream::connect(self.address).map_err(|error| self.explain(error, *connects))?;
                *connects += 1;
                connection
            }
        };
        self.request(&mut connection, lifetime)?;
        *open = (lifetime == Lifetime::Long).then_some(connection);
        Ok(())
    }

    /// Whether there is to be another request.
    ///
    /// # Errors
    /// Ctrl-C was pressed.
    pub fn go_on(&self) -> anyhow::Result<()> {
        if self.interrupted.load(Ordering::Relaxed) {
            bail!("interrupted");
        }
        Ok(())
    }

    fn explain(&self, error: io::Error, connects: u64) -> anyhow::Error {
        let error = anyhow::Error::new(error);
        let why = if is_exhausted(&error) {
            "every port is in TIME_WAIT (make fewer --requests, or see --exhaust)".into()
        } else {
            format!("cannot connect to {}", self.address)
        };
        error.context(format!("{why}, after {}", count(connects, "connection")))
    }

    /// One request over a connection, unless Ctrl-C was pressed; a short-lived one that the server shall close is read to its end.
    ///
    /// # Errors
    /// As [`run`](HttpClient::run).
    pub fn request(&self, connection: &mut TcpStream, lifetime: Lifetime) -> anyhow::Result<()> {
        self.go_on()?;
        let server_closes = lifetime == Lifetime::Short && self.closes == Closes::Server;
        connection.set_read_timeout(Some(TIMEOUT))?;
        connection.write_all(if server_closes { &self.last } else { &self.next })?;
        let (mut exchange, mut chunk) = (Exchange::new(self.limit), [0; 16 * 1024]);
        loop {
            match self.read(connection, &mut chunk)? {
                0 => break exchange.finish()?,
                count => {
                    if exchange.receive(&chunk[..count], &mut io::sink())? == Progress::Complete {
                        break;
                    }
                }
            }
        }
        // Without this our close might come before the server's, and TIME_WAIT would be ours.
        if server_closes && self.read(connection, &mut chunk)? > 0 {
            bail!("the server went on after its last answer");
        }
        Ok(())
    }

    /// Reads once; Ctrl-C may come in the middle of it.
    fn read(&self, connection: &mut TcpStream, chunk: &mut [u8]) -> anyhow::Result<usize> {
        loop {
            match connection.read(chunk) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => self.go_on()?,
                result => return result.context("no answer"),
            }
        }
    }
}
