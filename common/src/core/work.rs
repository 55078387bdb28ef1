//! One connection of a service whose request type is hidden: decoder, pending request and handler behind one `dyn`.
//!
//! ```text
//!   Conversation ──► dyn Exchange  =  Typed<S> { the service, the peer, its decoder, the pending request }
//!                       decode(input)      a request stands in it
//!                       handle()           handled where it stands: no allocation for a request
//!                       take_work()        or moved out, to be handled by another thread
//!                       encode()           or written for another process
//! ```
//!
//! So the conversation's state machine is compiled once and not once for each service, and a request is decoded once.

use std::sync::Arc;
use std::time::Instant;

use crate::core::input::Input;
use crate::core::limits::Timeouts;
use crate::core::outbox::{Outbox, OutboxLimit};
use crate::core::service::{Answer, Decoded, Memory, Peer, Protocol, Refusal, RequestCost, Service};
use crate::core::timer::{Timed, Timer};

/// A service without its request type: what a model is given. Every [`Service`] is one.
#[expect(missing_docs, reason = "each method is the service's own of that name")]
pub trait AnyService: Timed {
    fn name(&self) -> &'static str;
    fn memory(&self) -> Memory;
    fn request_cost(&self) -> RequestCost;
    fn logs_clients(&self) -> bool;
    fn timeouts(&self, server: Timeouts) -> Timeouts;
    fn outbox(&self) -> Option<OutboxLimit>;
    fn start(&self, timer: &Timer);
    fn stop(&self);
    fn end(&self);
    /// Whether a request can be handled in another process.
    fn is_portable(&self) -> bool;
    /// Handles a request that another process has encoded; `None` when these bytes are none.
    fn handle_encoded(&self, peer: &Peer, request: &[u8]) -> Option<Answer>;
    /// A new connection of it.
    fn connect(self: Arc<Self>, peer: Peer) -> Box<dyn Exchange>;
}

/// One connection of a service; see the [module's page](self).
pub trait Exchange: Send {
    /// Its peer.
    fn peer(&self) -> &Peer;
    /// Looks for one request at the front of the input. When it is there whole, it is now the pending one.
    fn decode(&mut self, input: &mut Input) -> Decoded<()>;
    /// See [`Protocol::is_inside_request`].
    fn is_inside_request(&self) -> bool;
    /// See [`Protocol::refusal`].
    fn refusal(&self, why: Refusal) -> Vec<u8>;
    /// Handles the pending request where it stands.
    fn handle(&mut self) -> Answer;
    /// Moves the pending request out.
    fn take_work(&mut self) -> Work;
    /// Writes the pending request for another process and drops it; `None` when the service has no codec.
    fn encode(&mut self) -> Option<Vec<u8>>;
    /// See [`Service::greet`].
    fn greet(&self) -> Option<Answer>;
    /// See [`Service::arrive`].
    fn arrive(&self, outbox: &Outbox);
    /// See [`Service::handle_room`].
    fn handle_room(&self);
    /// See [`Service::leave`].
    fn leave(&self);
}

/// A request that has left its connection, with all that handling it needs.
pub struct Work {
    /// Who asks.
    pub peer: Peer,
    handle: Box<dyn FnOnce() -> Answer + Send>,
}

impl Work {
    /// Handles the request. A panic in the service comes out of here.
    #[must_use]
    pub fn run(self) -> Answer {
        (self.handle)()
    }
}

impl<S: Service> Timed for S {
    fn deadline(&self) -> Option<Instant> {
        Service::deadline(self)
    }

    fn handle_timeout(&self, now: Instant) {
        Service::handle_timeout(self, now);
    }
}

impl<S: Service> AnyService for S {
    fn name(&self) -> &'static str {
        Service::name(self)
    }

    fn memory(&self) -> Memory {
        Service::memory(self)
    }

    fn request_cost(&self) -> RequestCost {
        Service::request_cost(self)
    }

    fn logs_clients(&self) -> bool {
        Service::logs_clients(self)
    }

    fn timeouts(&self, server: Timeouts) -> Timeouts {
        Service::timeouts(self, server)
    }

    fn outbox(&self) -> Option<OutboxLimit> {
        Service::outbox(self)
    }

    fn start(&self, timer: &Timer) {
        Service::start(self, timer);
    }

    fn stop(&self) {
        Service::stop(self);
    }

    fn end(&self) {
        Service::end(self);
    }

    fn is_portable(&self) -> bool {
        self.codec().is_some()
    }

    fn handle_encoded(&self, peer: &Peer, request: &[u8]) -> Option<Answer> {
        let request = (self.codec()?.decode)(request)?;
        Some(self.handle(peer, request))
    }

    fn connect(self: Arc<Self>, peer: Peer) -> Box<dyn Exchange> {
        let decoder = self.protocol();
        Box::new(Typed { service: self, peer, decoder, pending: None })
    }
}

struct Typed<S: Service, P> {
    service: Arc<S>,
    peer: Peer,
    decoder: P,
    pending: Option<S::Request>,
}

impl<S: Service, P> Typed<S, P> {
    fn take(&mut self) -> S::Request {
        self.pending.take().expect("a request is pending: poll_request has said so")
    }
}

impl<S: Service, P: Protocol<Request = S::Request>> Exchange for Typed<S, P> {
    fn peer(&self) -> &Peer {
        &self.peer
    }

    fn decode(&mut self, input: &mut Input) -> Decoded<()> {
        match self.decoder.decode(input) {
            Decoded::Request(request) => {
                self.pending = Some(request);
                Decoded::Request(())
            }
            Decoded::Incomplete => Decoded::Incomplete,
            Decoded::Malformed { answer, why } => Decoded::Malformed { answer, why },
        }
    }

    fn is_inside_request(&self) -> bool {
        self.decoder.is_inside_request()
    }

    fn refusal(&self, why: Refusal) -> Vec<u8> {
        self.decoder.refusal(why)
    }

    fn handle(&mut self) -> Answer {
        let request = self.take();
        self.service.handle(&self.peer, request)
    }

    fn take_work(&mut self) -> Work {
        let (service, peer, request) = (Arc::clone(&self.service), self.peer, self.take());
        Work { peer, handle: Box::new(move || service.handle(&peer, request)) }
    }

    fn encode(&mut self) -> Option<Vec<u8>> {
        let codec = self.service.codec()?;
        let request = self.take();
        Some((codec.encode)(&request))
    }

    fn greet(&self) -> Option<Answer> {
        self.service.greet(&self.peer)
    }

    fn arrive(&self, outbox: &Outbox) {
        self.service.arrive(&self.peer, outbox);
    }

    fn handle_room(&self) {
        self.service.handle_room(&self.peer);
    }

    fn leave(&self) {
        self.service.leave(&self.peer);
    }
}
