//! What a server does, without a word about sockets: the contract between a [`Service`] and the model that runs it.
//!
//! ```text
//!  bytes in ──► Protocol ──► Request ──► Service::handle ──► Answer ──► bytes out
//!              (decodes one              (the work: may run on another
//!               connection's input)       thread, or in another process)
//! ```
//!
//! A service never sees a socket, and a model never sees a request's meaning. That is why every service runs under
//! every model: the [`Conversation`](crate::core::conversation::Conversation) between them holds the bytes, and a model only
//! decides *who* reads, *who* handles and *who* writes. A request and its answer are plain bytes, so that they can
//! cross a thread or a process boundary as they are.

use std::fmt;
use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::core::input::Input;
use crate::core::outbox::{Outbox, OutboxLimit};

/// One who is connected: one connection, from its accept to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Where the client's end of the connection is bound: what people read. The port tells the connections of one host apart,
    /// also in the simulator's records.
    pub address: SocketAddr,
    /// Which connection it is: what a service keeps its clients by.
    pub id: PeerId,
}

impl Peer {
    /// One that has just connected from there.
    #[must_use]
    pub fn new(address: SocketAddr) -> Peer {
        static CONNECTIONS: AtomicU64 = AtomicU64::new(0);
        Peer { address, id: PeerId(CONNECTIONS.fetch_add(1, Ordering::Relaxed)) }
    }
}

/// Tells one connection from every other of this process, in the order of their accepts.
///
/// An address does not: a client that dies and comes again at once may have the port that it had, and a server with several threads may
/// accept the new connection before it has seen the end of the old one. Who keeps clients by address then forgets the new one when
/// the old one leaves, or lets the last request of the dead act for the living.
///
/// ```text
///   id 7, port 40001:  accept ──── dies ┈┈┈┈┈┈┈┈┈┈┈ its last request is handled ┈┈ its end is seen: 7 leaves
///   id 8, port 40001:                    accept ─────────────────────────────────────────────────── 8 stays
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub u64);

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}

/// The bytes of one complete request, without what framed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request(pub Vec<u8>);

/// The bytes to send for one request, framed already, and what comes after them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Sent as they are. May be empty: then there is nothing to send for this request.
    pub bytes: Body,
    /// What the conversation does once they are sent.
    pub then: AfterAnswer,
}

/// The bytes of an answer.
#[derive(Debug, Clone)]
pub enum Body {
    /// Made for the one who has asked.
    Own(Vec<u8>),
    /// Made once for several who ask the same. They are sent from where they are, and so are in memory, and in the processor's
    /// caches, once.
    Shared(Arc<[u8]>),
}

impl Body {
    /// The bytes to be changed; what is shared is copied for that.
    pub fn to_mut(&mut self) -> &mut Vec<u8> {
        if let Body::Shared(bytes) = self {
            *self = Body::Own(bytes.to_vec());
        }
        match self {
            Body::Own(bytes) => bytes,
            Body::Shared(_) => unreachable!("made our own above"),
        }
    }

    /// The bytes to be kept as they are; what was not shared is copied for that.
    #[must_use]
    pub fn into_shared(self) -> Arc<[u8]> {
        match self {
            Body::Own(bytes) => bytes.into(),
            Body::Shared(bytes) => bytes,
        }
    }

    /// The bytes to be sent in another way; what is shared is copied for that.
    #[must_use]
    pub fn into_vec(self) -> Vec<u8> {
        match self {
            Body::Own(bytes) => bytes,
            Body::Shared(bytes) => bytes.to_vec(),
        }
    }
}

impl Deref for Body {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Body::Own(bytes) => bytes,
            Body::Shared(bytes) => bytes,
        }
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Body {
        Body::Own(bytes)
    }
}

impl From<Arc<[u8]>> for Body {
    fn from(bytes: Arc<[u8]>) -> Body {
        Body::Shared(bytes)
    }
}

impl PartialEq for Body {
    fn eq(&self, other: &Body) -> bool {
        self[..] == other[..]
    }
}

impl Eq for Body {}

/// What follows an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterAnswer {
    /// The next request may come.
    Continue,
    /// We have said all we had to say: shut down our sending half, then wait as long as it takes for the client's end.
    AwaitEnd,
    /// The same, but wait only briefly: so that the client reads our last bytes before a reset can destroy them.
    Close,
}

impl Answer {
    /// An answer after which the next request may come.
    #[must_use]
    pub fn new(bytes: impl Into<Body>) -> Answer {
        Answer { bytes: bytes.into(), then: AfterAnswer::Continue }
    }

    /// The last answer of a conversation that the server ends.
    #[must_use]
    pub fn last(bytes: impl Into<Body>) -> Answer {
        Answer { bytes: bytes.into(), then: AfterAnswer::Close }
    }
}

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

/// How the messages leave that wait for one client at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Departure {
    /// In as few calls as the socket takes them: the fast way, for clients that find the ends of messages themselves.
    Together,
    /// Each push and each answer in a call of its own, and with that in a segment of its own: for clients that take one
    /// `recv` for one message. It costs a system call for each, and promises nothing: a client that is slow to read gets two
    /// segments in one `recv` all the same.
    OneByOne,
    /// Each push in a call of its own; answers that wait together leave together. For the same clients, when they never send
    /// a request before they have the answer to the last: who does send several at once can read several answers at once.
    PushesApart,
}

/// What a server does. One value serves all clients, from many threads at once (or is copied by `fork`).
pub trait Service: Send + Sync {
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

    /// Whether messages that wait together leave together.
    fn departure(&self) -> Departure {
        Departure::Together
    }

    /// How one connection's bytes become requests: a fresh decoder for a fresh connection.
    fn protocol(&self) -> Box<dyn Protocol>;

    /// What the server says before the client has said anything.
    fn greet(&self, _client: &Peer) -> Option<Answer> {
        None
    }

    /// Whether this is what a client has asked for, which the server counts, and not a further piece of the answer to that.
    fn begins(&self, _request: &Request) -> bool {
        true
    }

    /// Does the work for one request. May block or compute, see [`RequestCost`]; must not panic on any input.
    fn handle(&self, client: &Peer, request: Request) -> Answer;

    /// How much may wait for a client that is pushed to and does not read; `None` when the service never pushes.
    fn outbox(&self) -> Option<OutboxLimit> {
        None
    }

    /// A client has come; `outbox` takes bytes for it at any time until [`leave`](Service::leave).
    fn arrive(&self, _client: &Peer, _outbox: &Outbox) {}

    /// The client is gone. Called once for each [`arrive`](Service::arrive), however the connection ended.
    fn leave(&self, _client: &Peer) {}
}

/// How the bytes of one connection become requests. Sans-I/O: it sees only the [`Input`] collected so far.
pub trait Protocol: Send {
    /// Takes one request from the front of `input`, if it is there whole.
    ///
    /// It is called again after each request it returned, and again whenever bytes or the end have come; a limit on the
    /// length of a request is checked here, before more is awaited.
    fn decode(&mut self, input: &mut Input) -> Decoded;
}

/// What a [`Protocol`] found at the front of the input.
#[derive(Debug, PartialEq, Eq)]
pub enum Decoded {
    /// A whole request, taken from the input.
    Request(Request),
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
