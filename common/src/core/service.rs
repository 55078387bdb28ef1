//! What a server does, without a word about sockets: the contract between a [`Service`] and the model that runs it.
//!
//! ```text
//!  bytes in ──► Protocol ──► the service's own Request ──► Service::handle ──► Answer ──► bytes out
//!              (decodes one        (decoded once)          (the work: may run on another
//!               connection's input)                         thread, or in another process)
//! ```
//!
//! A service never sees a socket, and a model never sees a request. That is why every service runs under every model: the
//! [`Conversation`](crate::core::conversation::Conversation) between them holds the bytes and the pending request, and a model
//! only decides *who* reads, *who* handles and *who* writes.
//!
//! The life of a service under a model:
//!
//! ```text
//!   start(timer)                       once, after the forks
//!     arrive(peer, outbox) ──► handle(peer, request)* ──► leave(peer)        for each connection
//!     handle_timeout(now)              when its deadline() has come
//!   stop()                             the stop has come: it may say goodbye through its outboxes
//!   end()                              all connections are closed
//! ```

use std::time::Instant;

pub use super::answer::{AfterAnswer, Answer, Body, BodyStream, LateAnswer, Piece, SharedBody, WeakBody};
pub use super::codec::RequestCodec;
pub use super::peer::{Peer, PeerAddress, PeerId};
use crate::core::input::Input;
use crate::core::limits::Timeouts;
use crate::core::outbox::{Outbox, OutboxLimit};
use crate::core::timer::Timer;

/// Whether the service's clients meet in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Memory {
    /// Every request stands alone: a copy of the service in each process does as well as one for all.
    Independent,
    /// What one client writes, others must read: every handler must see one and the same memory.
    Shared,
}

/// Whether a request may be handled where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestCost {
    /// Handled in microseconds. Answers to requests that arrived together may leave together.
    Quick,
    /// May sleep or compute for long. Each answer leaves before the next request is begun.
    Slow,
}

/// What a server does. One value serves all clients, from many threads at once (or is copied by `fork`).
pub trait Service: Send + Sync + 'static {
    /// What a client asks: what the [`Protocol`] decodes and [`handle`](Service::handle) gets.
    type Request: Send + 'static;

    /// The name on the command line.
    fn name(&self) -> &'static str;

    /// Whether all handlers must see one memory.
    fn memory(&self) -> Memory {
        Memory::Independent
    }

    /// How long a request may take.
    fn request_cost(&self) -> RequestCost {
        RequestCost::Quick
    }

    /// Whether it is worth a line for users that a client has come or gone. Else it is one for `debug`.
    fn logs_clients(&self) -> bool {
        true
    }

    /// The time limits of a connection, given those that the server was started with.
    fn timeouts(&self, server: Timeouts) -> Timeouts {
        server
    }

    /// How one connection's bytes become requests: a fresh decoder for a fresh connection.
    fn protocol(&self) -> impl Protocol<Request = Self::Request>;

    /// How a request is written for another process; `None` where it cannot leave its own.
    fn codec(&self) -> Option<RequestCodec<Self::Request>> {
        None
    }

    /// What the server says before the client has said anything.
    fn greet(&self, _peer: &Peer) -> Option<Answer> {
        None
    }

    /// Does the work for one request. May block or compute, see [`RequestCost`]; must not panic on any input.
    fn handle(&self, peer: &Peer, request: Self::Request) -> Answer;

    /// How much may wait for a client that is pushed to and does not read; `None` when the service never pushes.
    fn outbox(&self) -> Option<OutboxLimit> {
        None
    }

    /// A client has come; `outbox` takes bytes for it at any time until [`leave`](Service::leave).
    fn arrive(&self, _peer: &Peer, _outbox: &Outbox) {}

    /// There is room in the client's outbox again, after a push did not fit into it.
    fn handle_room(&self, _peer: &Peer) {}

    /// The client is gone. Called once for each [`arrive`](Service::arrive), however the connection ended.
    fn leave(&self, _peer: &Peer) {}

    /// The server begins to serve in this process. `timer` is to be told when [`deadline`](Service::deadline) changes.
    fn start(&self, _timer: &Timer) {}

    /// When [`handle_timeout`](Service::handle_timeout) is to be called next.
    fn deadline(&self) -> Option<Instant> {
        None
    }

    /// The deadline has come: leases end, heartbeats are due. Runs in a thread of its own, and never before `start`.
    fn handle_timeout(&self, _now: Instant) {}

    /// The stop has come. What is pushed now still leaves, as far as the clients read it.
    fn stop(&self) {}

    /// No connection is left in this process.
    fn end(&self) {}
}

/// How the bytes of one connection become requests. Sans-I/O: it sees only the [`Input`] collected so far.
pub trait Protocol: Send + 'static {
    /// What it decodes.
    type Request;

    /// Takes one request from the front of `input`, if it is there whole.
    ///
    /// It is called again after each request it returned, and again whenever bytes or the end have come; a limit on the
    /// length of a request is checked here, before more is awaited.
    fn decode(&mut self, input: &mut Input) -> Decoded<Self::Request>;

    /// Whether it keeps the begin of a request that it has taken from the input already.
    fn is_inside_request(&self) -> bool {
        false
    }

    /// What a client is told when the server refuses to go on with it; may be empty.
    fn refusal(&self, _why: Refusal) -> Vec<u8> {
        Vec::new()
    }
}

/// What a [`Protocol`] found at the front of the input.
#[derive(Debug, PartialEq, Eq)]
pub enum Decoded<R> {
    /// A whole request, taken from the input.
    Request(R),
    /// Not yet a whole request (or, after the client's end, nothing more).
    Incomplete,
    /// Not a request, and never will be: send `answer`, and end the conversation.
    Malformed {
        /// The protocol's own words for "bad request"; may be empty.
        answer: Vec<u8>,
        /// For the log.
        why: &'static str,
    },
}

/// Why a server goes on with a client no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// A request did not come in its time.
    TimedOut,
    /// There is no memory for the request or its answer.
    NoRoom,
}
