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
//! when LAST is asked next; a late message would be shown as the next one. So every request has a socket of its own, and with
//! it a port: what comes late finds the port closed. (Resolvers of names do the same.) Connected sockets hear the server only, so
//! that a stranger would have to forge its address. What remains, and cannot be mended without a number in the request: of two responses
//! to one request repeated, the first is taken, whichever attempt it belongs to.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use common::datagram::{Arrivals, Endpoint, Woken, wait};
use nix::poll::PollFlags;

use super::transport::{Patience, Trouble};

/// A client of the stateless board.
pub struct Client {
    server: SocketAddr,
    patience: Patience,
    arrivals: Arrivals,
    /// The socket of the last request, kept while the next one is made, or the kernel could give it the same port.
    last: Option<Endpoint>,
}

impl Client {
    /// Nothing is sent yet.
    pub fn new(server: SocketAddr, patience: Patience) -> Client {
        Client { server, patience, arrivals: Arrivals::default(), last: None }
    }

    /// Sends the request until a response comes.
    pub fn ask(&mut self, request: &[u8]) -> Result<Vec<u8>, Trouble> {
        let mut endpoint =
            Endpoint::connect(self.server).map_err(|error| Trouble::network(self.server, error))?;
        let began = Instant::now();
        let attempts = self.patience.retries.saturating_add(1);
        for attempt in 1..=attempts {
            if attempt > 1 {
                tracing::info!("no answer from {}: attempt {attempt} of {attempts}", self.server);
            }
            if let Some(response) = self.attempt(&mut endpoint, request)? {
                self.last = Some(endpoint);
                return Ok(response);
            }
        }
        Err(Trouble::NobodyAnswers { server: self.server, attempts, time: began.elapsed() })
    }

    /// Sends it once; `None` when no response came in time.
    fn attempt(&mut self, endpoint: &mut Endpoint, request: &[u8]) -> Result<Option<Vec<u8>>, Trouble> {
        let network = |error| Trouble::network(self.server, error);
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
            let left = self.patience.timeout.saturating_sub(began.elapsed());
            if left == Duration::ZERO {
                return Ok(None);
            }
            if wait(endpoint, PollFlags::POLLIN, Some(self.patience.stop.fd()), Some(left))? == Woken::Stopped
            {
                return Err(Trouble::Interrupted);
            }
        }
    }
}
