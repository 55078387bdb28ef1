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

mod clock;
mod layer;
mod output;

use std::io::{self, IoSlice};
use std::sync::Arc;
use std::time::Instant;

use crate::core::budget::{Budget, NoRoom, Reservation};
use crate::core::input::Input;
use crate::core::limits::{LINGER_BYTES, Limits};
use crate::core::outbox::{Outbox, WhenFull};
use crate::core::service::{
    AfterAnswer, Answer, Body, BodyStream, Decoded, Peer, Piece, Refusal, RequestCost,
};
use crate::core::work::Exchange;
use crate::core::work::{AnyService, Work};
use clock::{Clock, Phase};
pub use layer::Layer;
use layer::Layered;
pub use output::GATHERED;
use output::Output;

/// While this many bytes wait to be sent, no further request is handled.
pub const HIGH_WATER: usize = 256 * 1024;

/// While fewer bytes wait to be sent, a streamed answer is asked for its next piece.
const STREAM_AHEAD: usize = 64 * 1024;

/// What a conversation may hold without a reservation, bytes: the buffers of small requests and answers.
const FREE: usize = 16 * 1024;

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

    /// Makes ready to be sent what the service has pushed: for the end, when no request is looked for any more.
    pub fn pull_pushes(&mut self) {
        self.pull(usize::MAX);
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

    /// The answer to the pending request. It leaves behind everything that was pushed before this call.
    pub fn answer(&mut self, answer: Answer) {
        // What was pushed while the request was handled leaves before its answer, however much it is; a last word leaves after it.
        self.pull(usize::MAX);
        self.is_pending = false;
        self.pending_bytes = 0;
        let Answer { body, then } = answer;
        if self.append(body, then).is_err() {
            return self.refuse(Refusal::NoRoom);
        }
        if self.stream.is_none() {
            self.go_on(then);
        }
    }

    fn append(&mut self, body: Body, then: AfterAnswer) -> Result<(), NoRoom> {
        match body {
            Body::Own(bytes) => {
                self.reserve(self.input.capacity(), self.output.own() + bytes.capacity())?;
                self.output.append(bytes);
            }
            Body::Shared(bytes) => {
                bytes.charge(self.budget)?;
                self.output.append_shared(bytes);
            }
            Body::Headed(head, bytes) => {
                bytes.charge(self.budget)?;
                self.output.append(head);
                self.output.append_shared(bytes);
            }
            Body::Stream(stream) => {
                self.stream = Some((stream, then));
                self.not_before = None;
            }
            Body::Late(late) => {
                self.late_answers += 1;
                self.output.append_late(late);
            }
        }
        Ok(())
    }

    fn go_on(&mut self, then: AfterAnswer) {
        if then != AfterAnswer::Continue {
            self.ending = Some(then);
            self.input.skip(self.input.bytes().len());
        }
    }

    /// Asks the streamed answer for its next pieces, as far as they are wanted and there.
    fn produce(&mut self, now: Instant) {
        if self.not_before.is_some_and(|then| now < then) {
            return;
        }
        self.not_before = None;
        while self.output.len() < STREAM_AHEAD
            && let Some((stream, then)) = &mut self.stream
        {
            let then = *then;
            match stream.poll_piece(now) {
                Piece::Bytes(bytes) => {
                    if self.append(Body::Own(bytes), then).is_err() {
                        return self.refuse(Refusal::NoRoom);
                    }
                }
                Piece::NotBefore(then) => {
                    self.not_before = Some(then);
                    return;
                }
                Piece::End => {
                    self.stream = None;
                    self.go_on(then);
                }
                Piece::Broken => {
                    self.stream = None;
                    self.go_on(AfterAnswer::Close);
                }
            }
        }
    }

    /// What is to be sent next; empty when there is nothing. There may be more behind it: see [`gather`](Conversation::gather).
    #[must_use]
    pub fn transmit(&self) -> &[u8] {
        self.layer.as_ref().map_or_else(|| self.output.bytes(), Layered::bytes)
    }

    /// What is to be sent next, for one gathering write: how many of the slices are filled.
    #[must_use]
    pub fn gather<'a>(&'a self, slices: &mut [IoSlice<'a>; GATHERED]) -> usize {
        match &self.layer {
            None => self.output.gather(slices),
            Some(layer) => {
                slices[0] = IoSlice::new(layer.bytes());
                1
            }
        }
    }

    /// How many bytes wait to be sent.
    #[must_use]
    pub fn unsent(&self) -> usize {
        self.output.len() + self.layer.as_ref().map_or(0, |layer| layer.bytes().len())
    }

    /// `count` bytes were sent.
    pub fn handle_sent(&mut self, count: usize) {
        if count > 0 {
            self.clock.progress();
        }
        match &mut self.layer {
            None => self.advance(count),
            Some(layer) => layer.advance(count),
        }
    }

    /// `count` bytes of the output have left.
    fn advance(&mut self, count: usize) {
        if let Some(empty) = self.output.advance(count) {
            self.input.recycle(empty);
        }
        let _ = self.reserve(self.input.capacity(), self.output.own()); // it never needs more than before
    }

    /// Has the layer seal what is to be sent, as far as the socket will soon take it.
    fn seal(&mut self) -> io::Result<()> {
        while let Some(layer) = &mut self.layer
            && layer.has_room()
        {
            let count = layer.seal(self.output.bytes())?;
            if count == 0 {
                break;
            }
            self.advance(count);
        }
        Ok(())
    }

    /// Our sending half is shut down.
    pub fn handle_half_close(&mut self) {
        self.half_closed = true;
    }

    /// When [`handle_timeout`](Conversation::handle_timeout) is to be called, if what [`next`](Conversation::next) has asked for
    /// has not come by then.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.clock.deadline()
    }

    /// The time is `now`. If the deadline has come, the client is refused or the connection is to be closed: go on with
    /// [`next`](Conversation::next).
    pub fn handle_timeout(&mut self, now: Instant) {
        if !self.clock.is_over(now) {
            return;
        }
        match self.clock.phase() {
            Phase::Sending => self.failure = Some(Failure::Stalled),
            Phase::Lingering => self.failure = Some(Failure::Lingers),
            Phase::FirstRequest | Phase::Request | Phase::Idle => self.refuse(Refusal::TimedOut),
            Phase::Untimed => {}
        }
    }

    /// Says the protocol's last words and ends the conversation.
    fn refuse(&mut self, why: Refusal) {
        let what = match (why, self.clock.phase()) {
            (Refusal::NoRoom, _) => "there is no memory for its request",
            (_, Phase::FirstRequest) => "it has not asked in its time",
            (_, Phase::Request) => "its request does not come in its time",
            _ => "it was idle for too long",
        };
        tracing::info!("client {} is disconnected: {what}", self.peer());
        let words = self.exchange.refusal(why);
        self.stream = None;
        (self.is_pending, self.pending_bytes) = (false, 0);
        self.output.append(words);
        self.go_on(AfterAnswer::Close);
        let _ = self.reserve(self.input.capacity(), self.output.own());
    }

    /// What is to be done next, after [`poll_request`](Conversation::poll_request) has returned `false`.
    #[must_use]
    pub fn next(&mut self, now: Instant) -> Next {
        if self.outbox.as_ref().is_some_and(Outbox::is_full) {
            self.failure = Some(Failure::QueueFull);
        }
        if self.layer.is_some() && self.seal().is_err() {
            self.failure = Some(Failure::Layer);
        }
        if self.failure.is_some() {
            return Next::Close;
        }
        let (mut next, mut phase) = self.what_is_next();
        if matches!(next, Next::HalfClose | Next::Close) && self.layer.as_mut().is_some_and(Layered::close) {
            (next, phase) = (Next::Send, Phase::Sending);
        }
        self.clock.wait_for(phase, now);
        next
    }

    fn what_is_next(&self) -> (Next, Phase) {
        if !self.transmit().is_empty() {
            return (Next::Send, Phase::Sending);
        }
        if self.stream.is_some() {
            return (self.not_before.map_or(Next::Poll, Next::WaitUntil), Phase::Untimed);
        }
        if self.is_pending {
            return (Next::Wait, Phase::Untimed);
        }
        if self.output.is_late()
            && (self.ending.is_some() || self.input.ended() || self.late_answers >= LATE_ANSWERS)
        {
            return (Next::Wait, Phase::Untimed);
        }
        match self.ending {
            Some(_) if self.input.ended() => (Next::Close, Phase::Untimed),
            Some(_) if !self.half_closed => (Next::HalfClose, Phase::Untimed),
            Some(AfterAnswer::Close) => (Next::Receive, Phase::Lingering),
            Some(_) => (Next::Receive, Phase::Untimed),
            None if self.is_paused() => (Next::Wait, Phase::Untimed),
            None if !self.exhausted => (Next::Poll, Phase::Untimed),
            None if self.input.ended() => (Next::Close, Phase::Untimed),
            None if !self.input.bytes().is_empty() || self.exchange.is_inside_request() => {
                (Next::Receive, Phase::Request)
            }
            None if self.has_asked => (Next::Receive, Phase::Idle),
            None => (Next::Receive, Phase::FirstRequest),
        }
    }

    /// How it has ended, for the log.
    ///
    /// # Errors
    /// `TimedOut` for a client that does not take what it is sent.
    pub fn outcome(&self) -> io::Result<()> {
        let why = match self.failure {
            None | Some(Failure::Lingers) => return Ok(()),
            Some(Failure::Stalled) => "it does not read its answer",
            Some(Failure::QueueFull) => "it does not read what is pushed to it",
            Some(Failure::Truncated) => "its connection was cut in the middle of a request",
            Some(Failure::Layer) => "the layer below cannot go on",
        };
        Err(io::Error::new(io::ErrorKind::TimedOut, why))
    }

    /// Whether the client is to be disconnected because it does not read what it is pushed. A driver that waits for room to send
    /// looks here now and then: its `send` alone would not say so.
    #[must_use]
    pub fn is_queue_full(&self) -> bool {
        self.outbox.as_ref().is_some_and(Outbox::is_full)
    }

    fn is_paused(&self) -> bool {
        self.outbox.as_ref().is_some_and(Outbox::is_paused)
    }

    /// Reserves what is held beyond the free allowance.
    fn reserve(&mut self, input: usize, output: usize) -> Result<(), NoRoom> {
        self.reservation.resize((input + output + self.pending_bytes).saturating_sub(FREE))
    }

    /// Moves pushed bytes to the output until this many wait there, and none after our last word: once our sending half is shut
    /// down, sending is an error that would cut the client's reading of that word short.
    fn pull(&mut self, most: usize) {
        let Some(outbox) = &self.outbox else { return };
        if self.late_answers > 0 {
            self.output.poll_late();
            self.late_answers = self.output.late();
        }
        if self.ending.is_some() {
            return;
        }
        while self.output.len() < most {
            match outbox.pop() {
                Some(push) if !push.is_reminder => self.output.append_push(push.bytes),
                Some(reminder) => self.output.append_reminder(reminder.bytes),
                None => {
                    // Not while a request is pending: its answer would come after the last word.
                    if !self.is_pending
                        && self.stream.is_none()
                        && let Some(last) = outbox.take_last()
                    {
                        self.output.append_push(last);
                        self.go_on(AfterAnswer::Close);
                    }
                    break;
                }
            }
        }
        if let Some(outbox) = &self.outbox
            && outbox.take_room()
        {
            self.exchange.handle_room();
        }
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
