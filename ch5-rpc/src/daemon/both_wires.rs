//! The service: our protocol and Pyro's on one port, for the same objects.
//!
//! ```text
//!   first byte 0: a frame's length ──► hello, calls ──► callee ──┐
//!   first byte P: "PYRO"           ──► Pyro's daemon ────────────┴──► the objects
//! ```
//!
//! What is neither is left to Pyro's decoder, which refuses it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use common::core::input::Input;
use common::core::limits::Timeouts;
use common::core::outbox::{Outbox, OutboxLimit, WhenFull};
use common::core::service::{Answer, Decoded, Memory, Peer, PeerId, Protocol, Refusal, Service};
use common::core::timer::Timer;

use super::pyro_wire::Daemon;
use super::registry::Objects;
use crate::misfit::{http_refusal, is_http};
use crate::objects::callee::{self, Exports, Kept};
use crate::objects::leases::{Caller, ClientId};
use crate::objects::message::{
    ANSWER_LIMIT, Call, Failure, Message, Outcome, REQUEST_LIMIT, Target, VERSION, decode,
};
use crate::origin::Origin;
use crate::pyro;
use crate::pyro::object::Object;
use crate::pyro::uri::Uri;

/// Most bytes of callbacks that wait for one client. One that lets more wait is disconnected.
const OUTBOX: usize = 256 * 1024;

/// The service.
pub struct BothWires {
    daemon: Daemon,
    objects: Objects,
    connections: Mutex<BTreeMap<PeerId, Connection>>,
}

#[derive(Clone)]
struct Connection {
    outbox: Outbox,
    kept: Arc<Mutex<Kept>>,
    /// Who holds the leases of its references.
    caller: Caller,
}

/// A message of either protocol.
#[derive(Debug)]
pub enum Request {
    /// Of Pyro's.
    Pyro(pyro::message::Message),
    /// Of ours: the client's hello.
    Hello(ClientId),
    /// Of ours.
    Call(Call),
    /// Of ours: leases begin or go on.
    Dirty {
        /// Of the message.
        sequence: u64,
        /// Leases begin.
        is_new: bool,
        /// The objects.
        ids: Vec<String>,
    },
    /// Of ours: leases end.
    Clean {
        /// Of the message.
        sequence: u64,
        /// The objects, and how many introductions of each the client has seen.
        ids: Vec<(String, u32)>,
    },
}

/// The decoder of one connection.
#[derive(Debug)]
struct Sniffer<P> {
    pyro: P,
    wire: Wire,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wire {
    Unknown,
    Pyro,
    /// Ours, before the hello.
    Framed,
    /// Ours, after it.
    Greeted,
}

impl BothWires {
    /// Serves these objects; what is added to them later, too.
    #[must_use]
    pub fn new(name: &'static str, objects: Objects) -> BothWires {
        BothWires { daemon: Daemon::new(name, objects.clone()), objects, connections: Mutex::default() }
    }

    fn call(&self, peer: &Peer, call: &Call) -> Answer {
        let Some(connection) = self.connections().get(&peer.id).cloned() else { return Answer::nothing() };
        let mut kept = connection.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let mut outcome = callee::answer(&self.objects, &mut kept, *peer, call);
        if call.is_one_way {
            return Answer::nothing();
        }
        if let Outcome::Reference(reference) = &outcome
            && let Ok(uri) = reference.uri.parse::<Uri>()
            && !self.objects.collector().introduce(connection.caller, &uri.object)
        {
            outcome = Outcome::Failed(Failure::TooMany);
        }
        let answer = |outcome| Message::Answer { number: call.number, outcome }.frame(ANSWER_LIMIT);
        let too_long = || answer(Outcome::Failed(Failure::TooLong)).expect("it is short");
        Answer::new(answer(outcome).unwrap_or_else(|_| too_long()))
    }

    fn hello(&self, peer: &Peer, client: ClientId) -> Answer {
        if let Some(connection) = self.connections().get_mut(&peer.id) {
            connection.caller.client = client;
            self.objects.callbacks().arrive(peer.id, connection.outbox.clone());
        }
        Answer::new(Message::hello(0, self.objects.collector().lease()))
    }

    fn dirty(&self, peer: &Peer, sequence: u64, is_new: bool, ids: &[String]) -> Answer {
        let Some(caller) = self.caller(peer) else { return Answer::nothing() };
        let mut expired = self.objects.collector().dirty(caller, sequence, is_new, ids);
        // One that is there without leases is held by the server itself, unless this client has lost a lease of it.
        expired.retain(|id| {
            self.objects.collector().is_leased(id) || Objects::find(&self.objects, id).is_none()
        });
        let leased = Message::Leased { sequence, expired };
        Answer::new(leased.frame(ANSWER_LIMIT).expect("it is not longer than the request"))
    }

    fn caller(&self, peer: &Peer) -> Option<Caller> {
        self.connections().get(&peer.id).map(|connection| connection.caller)
    }

    fn connections(&self) -> MutexGuard<'_, BTreeMap<PeerId, Connection>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Exports for Objects {
    fn find(&self, target: &Target) -> Option<Arc<dyn Object>> {
        if let Target::Object(id) = target { Objects::find(self, id) } else { None }
    }

    fn at(&self, uri: &Uri) -> Option<Arc<dyn Object>> {
        Objects::find(self, &uri.object).filter(|_| self.uri(&uri.object) == *uri)
    }
}

impl Service for BothWires {
    type Request = Request;

    fn name(&self) -> &'static str {
        self.daemon.name()
    }

    fn memory(&self) -> Memory {
        Memory::Shared
    }

    fn timeouts(&self, server: Timeouts) -> Timeouts {
        self.daemon.timeouts(server)
    }

    fn protocol(&self) -> impl Protocol<Request = Request> {
        Sniffer { pyro: self.daemon.protocol(), wire: Wire::Unknown }
    }

    fn handle(&self, peer: &Peer, request: Request) -> Answer {
        match request {
            Request::Pyro(message) => self.daemon.handle(peer, message),
            Request::Hello(client) => self.hello(peer, client),
            Request::Call(call) => self.call(peer, &call),
            Request::Dirty { sequence, is_new, ids } => self.dirty(peer, sequence, is_new, &ids),
            Request::Clean { sequence, ids } => {
                if let Some(caller) = self.caller(peer) {
                    self.objects.collector().clean(caller, sequence, &ids);
                }
                Answer::nothing()
            }
        }
    }

    fn outbox(&self) -> Option<OutboxLimit> {
        Some(OutboxLimit { bytes: OUTBOX, when_full: WhenFull::Disconnect })
    }

    fn arrive(&self, peer: &Peer, outbox: &Outbox) {
        let caller = Caller { client: ClientId(0), origin: Origin::of(peer) };
        let connection = Connection { outbox: outbox.clone(), kept: Arc::default(), caller };
        self.connections().insert(peer.id, connection);
    }

    fn leave(&self, peer: &Peer) {
        self.objects.callbacks().leave(peer.id);
        self.connections().remove(&peer.id);
    }

    fn start(&self, timer: &Timer) {
        self.objects.collector().start(timer);
    }

    fn deadline(&self) -> Option<Instant> {
        self.objects.collector().deadline()
    }

    fn handle_timeout(&self, now: Instant) {
        for id in self.objects.collector().handle_timeout(now) {
            if let Some(object) = Objects::find(&self.objects, &id) {
                self.objects.revoke(&id);
                object.unreferenced();
            }
        }
    }
}

impl<P: Protocol<Request = pyro::message::Message>> Protocol for Sniffer<P> {
    type Request = Request;

    fn decode(&mut self, input: &mut Input) -> Decoded<Request> {
        if self.wire == Wire::Unknown {
            self.wire = match input.bytes().first() {
                None => return Decoded::Incomplete,
                Some(0) => Wire::Framed,
                Some(_) => Wire::Pyro,
            };
        }
        if self.wire != Wire::Pyro {
            return self.decode_frame(input);
        }
        if is_http(input.bytes()) {
            let answer = http_refusal("a server of remote objects");
            return Decoded::Malformed { answer, why: "a request of HTTP" };
        }
        match self.pyro.decode(input) {
            Decoded::Request(message) => Decoded::Request(Request::Pyro(message)),
            Decoded::Incomplete => Decoded::Incomplete,
            Decoded::Malformed { answer, why } => Decoded::Malformed { answer, why },
        }
    }

    fn refusal(&self, why: Refusal) -> Vec<u8> {
        match (self.wire, why) {
            (Wire::Framed | Wire::Greeted, Refusal::TimedOut) => Message::refused("a message took too long"),
            (Wire::Framed | Wire::Greeted, Refusal::NoRoom) => {
                Message::refused("the server has no memory for it")
            }
            _ => self.pyro.refusal(why),
        }
    }
}

impl<P> Sniffer<P> {
    fn decode_frame(&mut self, input: &mut Input) -> Decoded<Request> {
        let refuse = |why| Decoded::Malformed { answer: Message::refused(why), why };
        match decode(input.bytes(), REQUEST_LIMIT) {
            Ok(Some((message, consumed))) => {
                input.skip(consumed);
                match message {
                    // Client 0 is nobody.
                    Message::Hello { version: VERSION, client: client @ 1.., .. }
                        if self.wire == Wire::Framed =>
                    {
                        self.wire = Wire::Greeted;
                        Decoded::Request(Request::Hello(ClientId(client)))
                    }
                    Message::Hello { version: VERSION, .. } if self.wire == Wire::Framed => {
                        refuse("a client has a number")
                    }
                    Message::Hello { .. } if self.wire == Wire::Framed => {
                        refuse("this server speaks version 1 of the protocol")
                    }
                    Message::Call(call) if self.wire == Wire::Greeted => {
                        Decoded::Request(Request::Call(call))
                    }
                    Message::Dirty { sequence, is_new, ids } if self.wire == Wire::Greeted => {
                        Decoded::Request(Request::Dirty { sequence, is_new, ids })
                    }
                    Message::Clean { sequence, ids } if self.wire == Wire::Greeted => {
                        Decoded::Request(Request::Clean { sequence, ids })
                    }
                    _ => refuse("a message that is not due"),
                }
            }
            Ok(None) if input.ended() && !input.bytes().is_empty() => {
                Decoded::Malformed { answer: Vec::new(), why: "the stream ended inside a message" }
            }
            Ok(None) => Decoded::Incomplete,
            Err(error) if error.is_too_long() => refuse("a message longer than the limit"),
            Err(_) => refuse("a message that cannot be read"),
        }
    }
}

#[cfg(test)]
mod tests;
