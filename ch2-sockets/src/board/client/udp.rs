//! A request and its response, a datagram each, over a network that may lose either.
//!
//! ```text
//!   client                    server
//!     │── 1:hello ──────────────►│  published
//!     │            ╳◄──── 0 ─────│  lost
//!   timeout
//!     │── 1:hello ──────────────►│  published again: the server remembers nobody
//!     │◄──────────────────── 0 ──│
//! ```
//!
//! The client cannot tell a lost request from a lost response, so it repeats: a request is executed *at least once*. GET and
//! LAST may be repeated at will; PUBLISH may not, and sessions are for those who mind.
//!
//! **Late responses.** A response does not say what it answers. The second `0` above, coming late, would read as an empty list
//! when LAST is asked next; a late message would be shown as the next one. So the requests take turns with [`PORTS`] sockets, and
//! what has come to a socket since its last turn is thrown away. (Resolvers of names take a port per request; here every
//! port is one more client in the tables of those on the way.) Connected sockets hear the server only, so that a stranger would have to
//! forge its address. What remains, and cannot be mended without a number in the request: a response that is late by so many
//! exchanges; and of two responses to one request repeated, the first is taken, whichever attempt it belongs to.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use common::net::datagram::{Arrivals, Endpoint, Woken, wait};
use nix::poll::PollFlags;

use super::error::Error;
use super::retry::RetryPolicy;

/// So many sockets take turns.
const PORTS: usize = 16;

/// A client of the stateless board.
pub struct UdpClient {
    server: SocketAddr,
    retry: RetryPolicy,
    arrivals: Arrivals,
    /// The sockets, the one whose turn is next in front.
    sockets: VecDeque<Endpoint>,
}

impl UdpClient {
    /// Nothing is sent yet.
    pub fn new(server: SocketAddr, retry: RetryPolicy) -> UdpClient {
        UdpClient { server, retry, arrivals: Arrivals::default(), sockets: VecDeque::new() }
    }

    /// Sends the request until a response comes.
    pub fn ask(&mut self, request: &[u8]) -> Result<Vec<u8>, Error> {
        let mut endpoint = self.next_socket().map_err(|error| Error::network(self.server, error))?;
        let response = self.ask_at(&mut endpoint, request);
        self.sockets.push_back(endpoint);
        response
    }

    fn next_socket(&mut self) -> io::Result<Endpoint> {
        if self.sockets.len() < PORTS {
            return Endpoint::connect(self.server);
        }
        let mut endpoint = self.sockets.pop_front().expect("there are as many as can be");
        while endpoint.receive(&mut self.arrivals).is_ok() {} // answers to what was asked long ago
        Ok(endpoint)
    }

    fn ask_at(&mut self, endpoint: &mut Endpoint, request: &[u8]) -> Result<Vec<u8>, Error> {
        let began = Instant::now();
        let attempts = self.retry.retries.saturating_add(1);
        for attempt in 1..=attempts {
            if attempt > 1 {
                tracing::info!("no answer from {}: attempt {attempt} of {attempts}", self.server);
            }
            if let Some(response) = self.attempt(endpoint, request)? {
                return Ok(response);
            }
        }
        Err(Error::NobodyAnswers { server: self.server, attempts, time: began.elapsed() })
    }

    /// Sends it once; `None` when no response came in time.
    fn attempt(&mut self, endpoint: &mut Endpoint, request: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let network = |error| Error::network(self.server, error);
        endpoint.send(self.server, request.len(), request).map_err(network)?;
        let began = Instant::now();
        loop {
            match endpoint.receive(&mut self.arrivals) {
                Ok(()) => {
                    let first = self.arrivals.iter().next().and_then(|arrival| arrival.datagrams().next());
                    return Ok(first.map(<[u8]>::to_vec));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(network(error)),
            }
            let left = self.retry.timeout.saturating_sub(began.elapsed());
            if left == Duration::ZERO {
                return Ok(None);
            }
            if wait(endpoint, PollFlags::POLLIN, Some(self.retry.stop.fd()), Some(left))? == Woken::Stopped {
                return Err(Error::Interrupted);
            }
        }
    }
}
