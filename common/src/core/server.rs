//! What every model is given: the door, the service, the stop, and where to count and to record.

use std::io;
use std::net::TcpStream;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use crate::core::counters::Meters;
use crate::core::listener::{Admission, Door, LOOK_AWAY};
use crate::core::service::{Answer, Client, Pace, Request, Service};
use crate::core::stop::Stop;
use crate::core::trace::{Event, Journal};

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
    pub meters: &'static Meters,
    /// What it records.
    pub journal: Journal,
    /// Its limits.
    pub limits: Limits,
}

impl Server {
    /// Whether a request may be begun now. After the stop a slow one may not: a client can send a thousand of them in
    /// one packet, and the stop would take a thousand times as long as one.
    #[must_use]
    pub fn may_begin(&self) -> bool {
        !self.stop.requested() || self.service.pace() == Pace::Quick
    }

    /// Handles one request here and now: counted, and recorded in the journal. A panic in the service ends this
    /// conversation and no other; so does the stop before a slow request ([`may_begin`](Server::may_begin)).
    #[must_use]
    pub fn handle(&self, client: &Client, request: Request) -> Answer {
        if !self.may_begin() {
            return Answer::last(Vec::new());
        }
        tracing::debug!("a request of {client}, {} bytes", request.0.len());
        if self.service.begins(&request) {
            self.meters.requests.count();
        }
        self.journal.record(Event::Begin, Some(client));
        let answer = catch_unwind(AssertUnwindSafe(|| self.service.handle(client, request)));
        self.journal.record(Event::End, Some(client));
        answer.unwrap_or_else(|_| {
            tracing::error!("the service {} panicked over a request of {client}", self.service.name());
            Answer::last(Vec::new())
        })
    }

    /// Waits for the next connection at a blocking door; `None` when the stop has closed it.
    ///
    /// # Errors
    /// What [`Door::accept`] calls fatal.
    pub fn next_client(&self, door: &Door) -> io::Result<Option<(TcpStream, Client)>> {
        while !self.stop.requested() {
            match self.admit(door)? {
                Admission::Client(stream, client) => return Ok(Some((stream, client))),
                Admission::Nobody => {}
                Admission::Full => self.stop.rest(LOOK_AWAY),
                Admission::Closed => return Ok(None),
            }
        }
        Ok(None)
    }

    /// [`Door::accept`], counted and logged.
    ///
    /// # Errors
    /// As there.
    pub fn admit(&self, door: &Door) -> io::Result<Admission> {
        let admission = door.accept()?;
        match &admission {
            Admission::Client(_, client) => {
                self.meters.accepted.count();
                tracing::info!("New client connected from {client}");
            }
            Admission::Full => {
                if self.meters.full.value() == 0 {
                    tracing::warn!("no descriptor left: clients wait in the backlog until one is free");
                }
                self.meters.full.count();
            }
            Admission::Nobody | Admission::Closed => {}
        }
        Ok(admission)
    }

    /// Logs how a connection ended, and counts it if an error did.
    pub fn farewell(&self, client: &Client, end: io::Result<()>) {
        match end {
            Ok(()) => tracing::info!("Client {client} disconnected"),
            Err(error) => {
                self.meters.failed.count();
                tracing::info!("Client {client} lost: {error}");
            }
        }
    }
}
