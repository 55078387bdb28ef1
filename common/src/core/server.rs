//! What every model is given: the listening socket, the service, the stop, and where to count and to record.

use std::io;
use std::net::TcpStream;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use crate::core::counters::Counters;
use crate::core::listener::{ACCEPT_BACKOFF, AcceptOutcome, Listener};
use crate::core::service::{Answer, Peer, Request, RequestCost, Service};
use crate::core::stop::Stop;
use crate::core::trace::{Event, EventTrace};

/// How a client that takes none of its answer is treated, and how much is held for clients.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// A client that takes no byte of its answer for so long is hung up on.
    pub stall: Duration,
    /// Most connections that a model with queues keeps in hand; the others wait in the backlog.
    pub connections: NonZeroUsize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            stall: Duration::from_secs(30),
            connections: const { NonZeroUsize::new(4096).expect("it is not zero") },
        }
    }
}

/// A server, but for the model that runs it.
#[derive(Clone)]
pub struct Server {
    /// What it does.
    pub service: Arc<dyn Service>,
    /// When it ends.
    pub stop: Stop,
    /// What it counts.
    pub counters: &'static Counters,
    /// What it records.
    pub trace: EventTrace,
    /// Its limits.
    pub limits: Limits,
}

impl Server {
    /// Whether a request may be begun now. After the stop a slow one may not: a client can send a thousand of them in
    /// one packet, and the stop would take a thousand times as long as one.
    #[must_use]
    pub fn may_begin(&self) -> bool {
        !self.stop.requested() || self.service.request_cost() == RequestCost::Quick
    }

    /// Handles one request here and now: counted, and recorded in the journal. A panic in the service ends this
    /// conversation and no other; so does the stop before a slow request ([`may_begin`](Server::may_begin)).
    #[must_use]
    pub fn handle(&self, client: &Peer, request: Request) -> Answer {
        if !self.may_begin() {
            return Answer::last(Vec::new());
        }
        tracing::debug!("a request of {client}, {} bytes", request.0.len());
        if self.service.begins(&request) {
            self.counters.requests.count();
        }
        self.trace.record(Event::Begin, Some(client));
        let answer = catch_unwind(AssertUnwindSafe(|| self.service.handle(client, request)));
        self.trace.record(Event::End, Some(client));
        answer.unwrap_or_else(|_| {
            tracing::error!("the service {} panicked over a request of {client}", self.service.name());
            Answer::last(Vec::new())
        })
    }

    /// Waits for the next connection at a blocking listener; `None` when the stop has closed it.
    ///
    /// # Errors
    /// What [`Listener::accept`] calls fatal.
    pub fn next_client(&self, listener: &Listener) -> io::Result<Option<(TcpStream, Peer)>> {
        while !self.stop.requested() {
            match self.admit(listener)? {
                AcceptOutcome::Accepted(stream, client) => return Ok(Some((stream, client))),
                AcceptOutcome::WouldBlock => {}
                AcceptOutcome::Full => self.stop.rest(ACCEPT_BACKOFF),
                AcceptOutcome::Closed => return Ok(None),
            }
        }
        Ok(None)
    }

    /// [`Listener::accept`], counted and logged.
    ///
    /// # Errors
    /// As there.
    pub fn admit(&self, listener: &Listener) -> io::Result<AcceptOutcome> {
        let outcome = listener.accept()?;
        match &outcome {
            AcceptOutcome::Accepted(_, client) => {
                self.counters.accepted.count();
                tracing::info!("New client connected from {client}");
            }
            AcceptOutcome::Full => {
                if self.counters.full.value() == 0 {
                    tracing::warn!("no descriptor left: clients wait in the backlog until one is free");
                }
                self.counters.full.count();
            }
            AcceptOutcome::WouldBlock | AcceptOutcome::Closed => {}
        }
        Ok(outcome)
    }

    /// Logs how a connection ended, and counts it if an error did.
    pub fn log_disconnect(&self, client: &Peer, end: io::Result<()>) {
        match end {
            Ok(()) => tracing::info!("Client {client} disconnected"),
            Err(error) => {
                self.counters.failed.count();
                tracing::info!("Client {client} lost: {error}");
            }
        }
    }
}
