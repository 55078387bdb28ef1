//! One conversation with one client, sans-I/O: bytes in, requests out; answers in, bytes out.
//!
//! A model moves the bytes and decides who handles the requests; the order, the limits and the end are decided here,
//! once for all models:
//!
//! - **One request is pending at a time.** The next is decoded when the last has been answered, so that answers cannot
//!   overtake each other, whichever thread or process made them.
//! - **Backpressure per answer.** While [`HIGH_WATER`] bytes wait to be sent, no request is decoded and no byte is
//!   wanted from the client: one that sends and never reads fills the kernel's buffers and then its own.
//! - **Time.** Each wait for the client has a [deadline](Conversation::deadline); see [`Timeouts`](crate::core::limits::Timeouts).
//! - **Memory.** What is held beyond a small free allowance is reserved in the server's
//!   [`Budget`] first. A client that finds no room is refused in the protocol's words.
//! - **The end.** The client's end is answered with ours after the last answer. When we end first, we shut down our
//!   sending half and read on until the client's end, because closing with unread bytes sends a reset that destroys
//!   what the client has not read yet (RFC 1122 section 4.2.2.13).
//!
//! The order of calls, which every driver follows:
//!
//! ```
//! use common::core::conversation::{Conversation, Next};
//! use common::core::limits::Limits;
//! use common::core::service::*;
//! use common::core::work::AnyService;
//! # use std::sync::Arc;
//! # use std::time::Instant;
//! # struct Upper;
//! # impl Service for Upper {
//! #     type Request = Vec<u8>;
//! #     fn name(&self) -> &'static str { "upper" }
//! #     fn protocol(&self) -> impl Protocol<Request = Vec<u8>> { common::core::framing::Delimited::new(b'\n', 80) }
//! #     fn handle(&self, _: &Peer, request: Vec<u8>) -> Answer { Answer::new(request.to_ascii_uppercase()) }
//! # }
//! # let service: Arc<dyn AnyService> = Arc::new(Upper);
//! # let peer = Peer::new("127.0.0.1:4711".parse().unwrap());
//! # let mut network: std::collections::VecDeque<&[u8]> = [&b"hel"[..], b"lo\nwo", b"rld\n"].into();
//! # let mut sent = Vec::new();
//! let mut conversation = Conversation::open(&service, &Limits::default(), peer);
//! loop {
//!     let now = Instant::now();
//!     // 1. Handle what can be handled, here or elsewhere.
//!     while conversation.poll_request(now) {
//!         let answer = conversation.handle_request(); // elsewhere: conversation.take_work() and Work::run
//!         conversation.answer(answer);
//!     }
//!     // 2. Do the one thing that is next.
//!     match conversation.next(now) {
//!         Next::Send => {
//!             let count = conversation.transmit().len(); // what the socket took; a part will do
//!             sent.extend_from_slice(conversation.transmit());
//!             conversation.handle_sent(count);
//!         }
//!         Next::Receive => match network.pop_front() {
//!             Some(bytes) => conversation.handle_bytes(bytes, now),
//!             None => conversation.handle_end(), // read returned 0: the client has ended its stream
//!         },
//!         Next::HalfClose => conversation.handle_half_close(), // after shutdown(SHUT_WR)
//!         Next::Poll => {}                                     // step 1 again
//!         Next::Wait | Next::WaitUntil(_) => unreachable!("we answer at once"),
//!         Next::Close => break,
//!     }
//!     // 3. Where it has to wait: no longer than deadline(), then handle_timeout(now).
//! }
//! assert_eq!(sent, b"HELLOWORLD");
//! ```

// Read in this order: answering, sending, progress; the others are what they stand on.
mod answering;
mod clock;
mod layer;
mod output;
mod progress;
mod sending;

use std::sync::Arc;
use std::time::Instant;

use crate::core::budget::{Budget, Reservation};
use crate::core::input::Input;
use crate::core::limits::{LINGER_BYTES, Limits};
use crate::core::outbox::{Outbox, WhenFull};
use crate::core::service::{AfterAnswer, Answer, BodyStream, Decoded, Peer, Refusal, RequestCost};
use crate::core::work::Exchange;
use crate::core::work::{AnyService, Work};
use clock::Clock;
pub use layer::Layer;
use layer::Layered;
pub use output::GATHERED;
use output::Output;

/// While this many bytes wait to be sent, no further request is handled.
pub const HIGH_WATER: usize = 256 * 1024;

/// Most late answers that a client may have outstanding.
const LATE_ANSWERS: usize = 4096;

/// The state of one conversation.
pub struct Conversation {
    exchange: Box<dyn Exchange>,
    /// What stands between it and the socket, if anything does.
    layer: Option<Layered>,
    input: Input,
    output: Output,
    outbox: Option<Outbox>,
    /// The answer that is being produced, and what comes after it.
    stream: Option<(Box<dyn BodyStream>, AfterAnswer)>,
    /// When the stream has its next piece.
    not_before: Option<Instant>,
    late_answers: usize,
    /// A request is being handled somewhere.
    is_pending: bool,
    /// Memory of the pending request, bytes.
    pending_bytes: usize,
    /// The input holds no whole request: more must come first.
    exhausted: bool,
    has_asked: bool,
    /// Set once we shall send nothing after what is in the output.
    ending: Option<AfterAnswer>,
    half_closed: bool,
    /// Bytes that came after our end.
    dropped: usize,
    /// Why the connection is to be closed without further ado.
    failure: Option<Failure>,
    is_slow: bool,
    /// [`HIGH_WATER`], or the outbox limit if it is lower and exceeding it disconnects the client.
    high_water: usize,
    clock: Clock,
    reservation: Reservation,
    budget: Budget,
}

/// Why a connection ends that neither side has ended properly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failure {
    /// The client takes nothing of its answer.
    Stalled,
    /// It does not read what it is pushed.
    QueueFull,
    /// It does not end after we have.
    Lingers,
    /// The connection was cut, in the middle of a request, below a layer that would have said so.
    Truncated,
    /// The layer below cannot go on.
    Layer,
}

/// What a driver has to do next; see the loop in the [module's page](self).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Send some of [`Conversation::transmit`], then say how much with [`Conversation::handle_sent`].
    Send,
    /// Read from the client: [`Conversation::handle_bytes`], or [`Conversation::handle_end`] at its end.
    Receive,
    /// Shut down the sending half, then call [`Conversation::handle_half_close`].
    HalfClose,
    /// Call [`Conversation::poll_request`] again.
    Poll,
    /// Nothing is to be done until [`Conversation::answer`], or until the outbox wakes the driver.
    Wait,
    /// Nothing is to be done before this time; then [`Conversation::poll_request`].
    WaitUntil(Instant),
    /// Close the connection: see [`Conversation::outcome`].
    Close,
}

impl Conversation {
    /// A client has come: the service is told, and its greeting, if it has one, is ready to be sent.
    #[must_use]
    pub fn open(service: &Arc<dyn AnyService>, limits: &Limits, peer: Peer) -> Conversation {
        let outbox = service.outbox().map(Outbox::new);
        let disconnects =
            outbox.as_ref().map(Outbox::limit).filter(|limit| limit.when_full == WhenFull::Disconnect);
        let exchange = Arc::clone(service).connect(peer);
        let greeting = exchange.greet();
        let mut conversation = Conversation {
            exchange,
            layer: None,
            input: Input::default(),
            output: Output::default(),
            stream: None,
            not_before: None,
            late_answers: 0,
            is_pending: true,
            pending_bytes: 0,
            exhausted: true,
            has_asked: false,
            ending: None,
            half_closed: false,
            dropped: 0,
            failure: None,
            is_slow: service.request_cost() == RequestCost::Slow,
            high_water: disconnects.map_or(HIGH_WATER, |limit| limit.bytes.min(HIGH_WATER)),
            clock: Clock::new(service.timeouts(limits.timeouts)),
            reservation: limits.budget.reservation(),
            budget: limits.budget,
            outbox,
        };
        conversation.answer(greeting.unwrap_or_else(Answer::nothing));
        if let Some(outbox) = &conversation.outbox {
            conversation.exchange.arrive(outbox);
        }
        conversation
    }

    /// From now on the bytes of the socket go through this layer. To be called before anything is sent or has come.
    #[must_use]
    pub fn over(mut self, layer: Box<dyn Layer>) -> Conversation {
        self.layer = Some(Layered::new(layer));
        self
    }

    /// Whom it is with.
    #[must_use]
    pub fn peer(&self) -> &Peer {
        self.exchange.peer()
    }

    /// Where pushed bytes wait, for a driver that must be woken by them; `None` when the service never pushes.
    #[must_use]
    pub fn outbox(&self) -> Option<&Outbox> {
        self.outbox.as_ref()
    }

    /// Bytes have come from the client. After our end they are dropped.
    pub fn handle_bytes(&mut self, bytes: &[u8], now: Instant) {
        match &mut self.layer {
            Some(layer) if self.ending.is_none() => match layer.open(bytes) {
                Ok(plain) => {
                    let has_ended = layer.has_ended();
                    if !plain.is_empty() {
                        self.handle_plain(&plain, now);
                    }
                    if let Some(layer) = &mut self.layer {
                        layer.recycle(plain);
                    }
                    if has_ended {
                        self.input.end();
                        self.exhausted = false;
                    }
                }
                Err(why) => {
                    tracing::info!("client {}: {why}", self.peer());
                    self.stream = None;
                    (self.is_pending, self.pending_bytes) = (false, 0);
                    self.go_on(AfterAnswer::Close);
                }
            },
            _ => self.handle_plain(bytes, now),
        }
    }

    fn handle_plain(&mut self, bytes: &[u8], now: Instant) {
        if self.ending.is_some() {
            self.dropped += bytes.len();
            if self.dropped > LINGER_BYTES && self.ending == Some(AfterAnswer::Close) {
                self.failure = Some(Failure::Lingers);
            }
            return;
        }
        self.clock.receive(bytes.len(), now);
        let input = self.input.capacity_for(bytes.len());
        if self.reserve(input, self.output.own()).is_err() {
            return self.refuse(Refusal::NoRoom);
        }
        self.input.extend(bytes);
        self.exhausted = false;
        if self.clock.is_over(now) {
            self.handle_timeout(now);
        }
    }

    /// The client has ended its stream.
    pub fn handle_end(&mut self) {
        let is_cut = self.layer.as_ref().is_some_and(|layer| !layer.has_ended());
        if is_cut && (!self.input.bytes().is_empty() || self.exchange.is_inside_request()) {
            self.failure = Some(Failure::Truncated);
        }
        self.input.end();
        self.exhausted = false;
    }

    /// Looks for the next request. When it is there whole and may be handled now, it is pending, until
    /// [`answer`](Conversation::answer).
    pub fn poll_request(&mut self, now: Instant) -> bool {
        self.pull(self.high_water);
        if self.stream.is_some() {
            self.produce(now);
        }
        let held_back = self.is_pending
            || self.stream.is_some()
            || self.ending.is_some()
            || self.output.len() >= self.high_water
            || self.late_answers >= LATE_ANSWERS
            || (self.is_slow && !self.output.is_empty())
            || self.is_paused();
        if held_back || self.exhausted {
            return false;
        }
        let before = self.input.capacity();
        match self.exchange.decode(&mut self.input) {
            Decoded::Request(()) => {
                if let Some(outbox) = &self.outbox {
                    outbox.attend();
                }
                (self.is_pending, self.has_asked) = (true, true);
                self.pending_bytes = before.saturating_sub(self.input.capacity());
                self.clock.progress();
                true
            }
            Decoded::Incomplete => {
                self.exhausted = true;
                false
            }
            Decoded::Malformed { answer, why } => {
                tracing::info!("client {}: bad request: {why}", self.peer());
                self.answer(Answer::last(answer));
                false
            }
        }
    }

    /// Whether the service may take long over a request (see [`RequestCost`]).
    #[must_use]
    pub fn is_slow(&self) -> bool {
        self.is_slow
    }

    /// Handles the pending request where it stands.
    ///
    /// # Panics
    /// When none is pending; and a panic in the service comes out of here.
    #[must_use]
    pub fn handle_request(&mut self) -> Answer {
        self.exchange.handle()
    }

    /// Moves the pending request out, to be handled elsewhere.
    ///
    /// # Panics
    /// When none is pending.
    #[must_use]
    pub fn take_work(&mut self) -> Work {
        self.exchange.take_work()
    }

    /// The pending request for another process; `None` when the service has no codec.
    ///
    /// # Panics
    /// When none is pending.
    #[must_use]
    pub fn encode_request(&mut self) -> Option<Vec<u8>> {
        self.exchange.encode()
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        if self.outbox.is_some() {
            self.exchange.leave();
        }
    }
}

#[cfg(test)]
mod tests;
