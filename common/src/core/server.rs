//! What every model is given: the listening socket, the service, the stop, and where to count and to record.

use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Once};

use crate::core::conversation::{Conversation, Layer};
use crate::core::counters::Counters;
use crate::core::limits::Limits;
use crate::core::listener::{ACCEPT_BACKOFF, AcceptOutcome, Listener};
use crate::core::service::{Answer, Peer, RequestCost};
use crate::core::stop::Stop;
use crate::core::timer::{Timed, Timer};
use crate::core::trace::{Event, EventTrace};
use crate::core::wakeup::{Connected, Wakeup};
use crate::core::work::{AnyService, Work};

/// A server, but for the model that runs it.
#[derive(Clone)]
pub struct Server {
    /// What it does.
    pub service: Arc<dyn AnyService>,
    /// When it ends.
    pub stop: Stop,
    /// What it counts.
    pub counters: &'static Counters,
    /// What it records.
    pub trace: EventTrace,
    /// Its limits.
    pub limits: Limits,
    /// Called once, by [`ready`](Server::ready).
    pub when_ready: Option<Arc<dyn Fn() + Send + Sync>>,
    /// Makes what stands between each conversation and its socket: TLS, say. Nothing does by itself.
    pub layer: Option<Arc<dyn Fn() -> Box<dyn Layer> + Send + Sync>>,
    life: Arc<Life>,
}

/// Where the service stands in its life, in this process.
struct Life {
    ready: Once,
    stop: Once,
}

impl Server {
    /// A server without limits on memory that records nothing; the fields can be changed before it runs.
    #[must_use]
    pub fn new(service: Arc<dyn AnyService>, stop: Stop, counters: &'static Counters) -> Server {
        Server {
            service,
            stop,
            counters,
            trace: EventTrace::off(),
            limits: Limits::default(),
            when_ready: None,
            layer: None,
            life: Arc::new(Life { ready: Once::new(), stop: Once::new() }),
        }
    }

    /// Serves in this process: the service is started, `serve` runs, and the service is ended.
    ///
    /// # Errors
    /// What `serve` returns.
    pub fn serve_here<T>(&self, serve: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let timed: Arc<dyn Timed> = self.service.clone();
        let timer = Timer::new(&timed);
        self.service.start(&timer);
        let served = serve();
        timer.end();
        self.service.end();
        served
    }

    /// Says that everything is there that serving needs, its workers too. A model calls it just before it takes the first connection.
    pub fn ready(&self) {
        self.life.ready.call_once(|| self.when_ready.iter().for_each(|tell| tell()));
    }

    /// Tells the service that the stop has come, once; all who call this wait until it has done its part. A model calls it when it
    /// takes no more connections, and a connection before it ends.
    pub fn tell_stop(&self) {
        self.life.stop.call_once(|| self.service.stop());
    }

    /// Whether a request may be begun now. After the stop a slow one may not: a client can send a thousand of them in
    /// one packet, and the stop would take a thousand times as long as one.
    #[must_use]
    pub fn may_begin(&self) -> bool {
        !self.stop.requested() || self.service.request_cost() == RequestCost::Quick
    }

    /// Opens a conversation with a client that has come.
    #[must_use]
    pub fn open(&self, peer: Peer) -> Conversation {
        let conversation = Conversation::open(&self.service, &self.limits, peer);
        match &self.layer {
            None => conversation,
            Some(layer) => conversation.over(layer()),
        }
    }

    /// Handles the pending request of a conversation here and now, and gives it the answer.
    pub fn handle(&self, conversation: &mut Conversation) {
        let peer = *conversation.peer();
        let answer = self.watched(&peer, || conversation.handle_request());
        conversation.answer(answer);
    }

    /// Handles a request that has left its conversation.
    #[must_use]
    pub fn run(&self, work: Work) -> Answer {
        let peer = work.peer;
        self.watched(&peer, || work.run())
    }

    /// Handles a request: counted, and recorded in the trace. A panic in the service ends this conversation and no other; so
    /// does the stop before a slow request ([`may_begin`](Server::may_begin)).
    pub fn watched(&self, peer: &Peer, handle: impl FnOnce() -> Answer) -> Answer {
        if !self.may_begin() {
            return Answer::last(Vec::new());
        }
        tracing::debug!("a request of {peer}");
        self.counters.requests.count();
        self.trace.record(Event::Begin, Some(peer));
        let answer = catch_unwind(AssertUnwindSafe(handle));
        self.trace.record(Event::End, Some(peer));
        answer.unwrap_or_else(|_| {
            tracing::error!("the service {} panicked over a request of {peer}", self.service.name());
            Answer::last(Vec::new())
        })
    }

    /// Waits for the next connection at a blocking listener; `None` when the stop has closed it.
    ///
    /// Everything that serving the connection needs is had before it is accepted. Where something is missing it waits in the
    /// backlog.
    ///
    /// # Errors
    /// What [`Listener::accept`] calls fatal.
    pub fn next_client(&self, listener: &Listener) -> io::Result<Option<Connected>> {
        while !self.stop.requested() {
            let Some(wakeup) = self.spare_wakeup()? else {
                self.stop.rest(ACCEPT_BACKOFF);
                continue;
            };
            match self.accept(listener)? {
                AcceptOutcome::Accepted(stream, peer) => return Ok(Some(Connected { stream, peer, wakeup })),
                AcceptOutcome::WouldBlock => {}
                AcceptOutcome::Full => self.stop.rest(ACCEPT_BACKOFF),
                AcceptOutcome::Closed => break,
            }
        }
        self.tell_stop();
        Ok(None)
    }

    /// What a blocking connection of a pushing service is woken with, had in advance; `None` when no descriptor is left for it.
    fn spare_wakeup(&self) -> io::Result<Option<Wakeup>> {
        match Wakeup::for_service(&*self.service) {
            Err(error) if Listener::is_full(&error) => {
                self.count_full();
                Ok(None)
            }
            wakeup => wakeup.map(Some),
        }
    }

    /// [`Listener::accept`], counted and logged.
    ///
    /// # Errors
    /// As there.
    pub fn accept(&self, listener: &Listener) -> io::Result<AcceptOutcome> {
        let outcome = listener.accept()?;
        match &outcome {
            AcceptOutcome::Accepted(_, peer) => self.count_accepted(peer),
            AcceptOutcome::Full => self.count_full(),
            AcceptOutcome::WouldBlock | AcceptOutcome::Closed => {}
        }
        Ok(outcome)
    }

    /// Counts and logs a new connection: for a model that does not accept with [`accept`](Server::accept).
    pub fn count_accepted(&self, peer: &Peer) {
        self.counters.accepted.count();
        self.log_client(format_args!("New client connected from {peer}"));
    }

    /// Counts, and logs for the first time, that there is no descriptor for a new connection.
    pub fn count_full(&self) {
        if self.counters.full.value() == 0 {
            tracing::warn!("no descriptor left: clients wait in the backlog until one is free");
        }
        self.counters.full.count();
    }

    /// Logs how a connection ended, and counts it if an error did.
    pub fn log_disconnect(&self, peer: &Peer, end: io::Result<()>) {
        match end {
            Ok(()) => self.log_client(format_args!("Client {peer} disconnected")),
            Err(error) => {
                self.counters.failed.count();
                self.log_client(format_args!("Client {peer} lost: {error}"));
            }
        }
    }

    fn log_client(&self, what: fmt::Arguments<'_>) {
        if self.service.logs_clients() {
            tracing::info!("{what}");
        } else {
            tracing::debug!("{what}");
        }
    }
}
