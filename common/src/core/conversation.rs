//! One conversation with one client, sans-I/O: bytes in, requests out; answers in, bytes out.
//!
//! A model moves the bytes and decides who handles the requests; the order, the limits and the end are decided here,
//! once for all models:
//!
//! - **One request is out at a time.** The next is yielded when the last has been answered, so that answers cannot
//!   overtake each other, whichever thread or process made them.
//! - **Backpressure per answer.** While [`HIGH_WATER`] bytes wait to be sent, no request is yielded and no byte is
//!   wanted from the client: one that sends and never reads fills the kernel's buffers and then its own.
//! - **The end.** The client's end is answered with ours after the last answer. When we end first, we shut down our
//!   sending half and read on until the client's end, because closing with unread bytes sends a reset that destroys
//!   what the client has not read yet (RFC 1122 section 4.2.2.13).
//!
//! The order of calls, which every driver follows:
//!
//! ```
//! use common::core::conversation::{Conversation, Next};
//! use common::core::service::*;
//! # use std::sync::Arc;
//! # struct Upper;
//! # impl Service for Upper {
//! #     fn name(&self) -> &'static str { "upper" }
//! #     fn protocol(&self) -> Box<dyn Protocol> { Box::new(common::core::framing::Delimited::new(b'\n', 80)) }
//! #     fn handle(&self, _: &Peer, request: Request) -> Answer { Answer::new(request.0.to_ascii_uppercase()) }
//! # }
//! # let service: Arc<dyn Service> = Arc::new(Upper);
//! # let client = Peer::new("127.0.0.1:4711".parse().unwrap());
//! # let mut network: std::collections::VecDeque<&[u8]> = [&b"hel"[..], b"lo\nwo", b"rld\n"].into();
//! # let mut sent = Vec::new();
//! let mut conversation = Conversation::open(&service, client);
//! loop {
//!     // 1. Handle what can be handled, here or elsewhere.
//!     while let Some(request) = conversation.poll_request() {
//!         conversation.answer(service.handle(&client, request));
//!     }
//!     // 2. Do the one thing that is next.
//!     match conversation.next() {
//!         Next::Send => {
//!             let count = conversation.transmit().len(); // what the socket took; a part will do
//!             sent.extend_from_slice(conversation.transmit());
//!             conversation.transmitted(count);
//!         }
//!         Next::Receive => match network.pop_front() {
//!             Some(bytes) => conversation.receive(bytes),
//!             None => conversation.finish(), // read returned 0: the client has ended its stream
//!         },
//!         Next::HalfClose => conversation.half_closed(), // after shutdown(SHUT_WR)
//!         Next::Discard { .. } => conversation.finish(), // read and drop until the client's end
//!         Next::Poll => {}                       // step 1 again
//!         Next::Wait => unreachable!("we answer at once"),
//!         Next::Close => break,
//!     }
//! }
//! assert_eq!(sent, b"HELLOWORLD");
//! ```

mod output;

use std::sync::Arc;

use crate::core::input::Input;
use crate::core::outbox::{Kind, Outbox, WhenFull};
use crate::core::service::{AfterAnswer, Answer, Decoded, Peer, Protocol, Request, RequestCost, Service};
use output::Output;

/// While so many bytes wait to be sent, no further request is handled.
pub const HIGH_WATER: usize = 256 * 1024;

/// The state of one conversation.
pub struct Conversation {
    service: Arc<dyn Service>,
    client: Peer,
    protocol: Box<dyn Protocol>,
    input: Input,
    output: Output,
    outbox: Option<Outbox>,
    /// A request is being handled somewhere.
    out: bool,
    /// The input holds no whole request: more must come first.
    exhausted: bool,
    /// Set once we shall send nothing after what is in the output.
    ending: Option<AfterAnswer>,
    half_closed: bool,
    one_by_one: bool,
    /// [`HIGH_WATER`], or less where a client is hung up on who has more than so many pushed bytes waiting.
    high_water: usize,
}

/// What a driver has to do next; see the loop in the [module's page](self).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Send some of [`Conversation::transmit`], then say how much with [`Conversation::transmitted`].
    Send,
    /// Read from the client: [`Conversation::receive`], or [`Conversation::finish`] at its end.
    Receive,
    /// Shut down the sending half, then call [`Conversation::half_closed`].
    HalfClose,
    /// Read and drop until the client's end; only for a short while when `brief`.
    Discard {
        /// Whether a client that does not end may be hung up on after a short while.
        brief: bool,
    },
    /// Call [`Conversation::poll_request`] again.
    Poll,
    /// A request is out; nothing is to be done until [`Conversation::answer`].
    Wait,
    /// Both sides have ended: close the connection.
    Close,
}

impl Conversation {
    /// A client has come: the service is told, and its greeting, if it has one, is ready to be sent.
    #[must_use]
    pub fn open(service: &Arc<dyn Service>, client: Peer) -> Conversation {
        let outbox = service.outbox().map(Outbox::new);
        let hangs_up =
            outbox.as_ref().map(Outbox::limit).filter(|limit| limit.when_full == WhenFull::Disconnect);
        let mut conversation = Conversation {
            protocol: service.protocol(),
            input: Input::default(),
            output: Output::new(service.departure()),
            out: true,
            exhausted: true,
            ending: None,
            half_closed: false,
            one_by_one: service.request_cost() == RequestCost::Slow,
            high_water: hangs_up.map_or(HIGH_WATER, |limit| limit.bytes.min(HIGH_WATER)),
            outbox,
            client,
            service: Arc::clone(service),
        };
        conversation.answer(service.greet(&client).unwrap_or(Answer::new(Vec::new())));
        if let Some(outbox) = &conversation.outbox {
            service.arrive(&client, outbox);
        }
        conversation
    }

    /// Whom it is with.
    #[must_use]
    pub fn client(&self) -> &Peer {
        &self.client
    }

    /// Where pushed bytes wait, for a driver that must be woken by them; `None` when the service never pushes.
    #[must_use]
    pub fn outbox(&self) -> Option<&Outbox> {
        self.outbox.as_ref()
    }

    /// Bytes have come from the client.
    pub fn receive(&mut self, bytes: &[u8]) {
        if self.ending.is_none() {
            self.input.extend(bytes);
            self.exhausted = false;
        }
    }

    /// The client has ended its stream.
    pub fn finish(&mut self) {
        self.input.end();
        self.exhausted = false;
    }

    /// The next request, if it is there whole and may be handled now.
    pub fn poll_request(&mut self) -> Option<Request> {
        self.pull(self.high_water);
        let held_back = self.out
            || self.ending.is_some()
            || self.output.len() >= self.high_water
            || (self.one_by_one && !self.output.is_empty());
        if held_back || self.exhausted {
            return None;
        }
        match self.protocol.decode(&mut self.input) {
            Decoded::Request(request) => {
                self.out = true;
                Some(request)
            }
            Decoded::Incomplete => {
                self.exhausted = true;
                None
            }
            Decoded::Malformed { answer, why } => {
                tracing::info!("client {}: bad request: {why}", self.client);
                self.out = true;
                self.answer(Answer::last(answer));
                None
            }
        }
    }

    /// Whether the service may take long over a request (see [`RequestCost`]).
    #[must_use]
    pub fn is_slow(&self) -> bool {
        self.one_by_one
    }

    /// The answer to the request that is out. It leaves behind everything that was pushed before this call.
    pub fn answer(&mut self, answer: Answer) {
        debug_assert!(self.out, "an answer belongs to a request");
        if answer.then != AfterAnswer::Continue
            && let Some(outbox) = &self.outbox
        {
            outbox.release_all(); // nothing is to be waited for, and nothing leaves behind it
        }
        // What was pushed while the request was handled leaves before its answer, however much it is; a last word leaves after it.
        self.pull(usize::MAX);
        self.out = false;
        self.output.append(answer.bytes);
        if answer.then != AfterAnswer::Continue {
            self.ending = Some(answer.then);
            self.input.skip(self.input.bytes().len());
        }
    }

    /// What is to be sent now, in one call; empty when there is nothing. Where messages leave apart
    /// (see [`Departure`](crate::core::service::Departure)) that is not all there is: the next follows when it is
    /// [`transmitted`](Conversation::transmitted).
    #[must_use]
    pub fn transmit(&self) -> &[u8] {
        self.output.bytes()
    }

    /// So many of those bytes were sent.
    pub fn transmitted(&mut self, count: usize) {
        if let Some(empty) = self.output.advance(count) {
            self.input.recycle(empty);
        }
    }

    /// Our sending half is shut down.
    pub fn half_closed(&mut self) {
        self.half_closed = true;
    }

    /// Whether the client is to be hung up on because it does not read what it is pushed. A driver that waits for room to send looks
    /// here now and then: its `send` alone would not say so.
    #[must_use]
    pub fn is_queue_full(&self) -> bool {
        self.outbox.as_ref().is_some_and(Outbox::overrun)
    }

    /// What is to be done next, after [`poll_request`](Conversation::poll_request) has returned `None`.
    #[must_use]
    pub fn next(&self) -> Next {
        if self.is_queue_full() {
            return Next::Close;
        }
        if !self.output.is_empty() {
            return Next::Send;
        }
        if self.out {
            return Next::Wait;
        }
        match self.ending {
            Some(_) if self.input.ended() => Next::Close,
            Some(_) if !self.half_closed => Next::HalfClose,
            Some(then) => Next::Discard { brief: then == AfterAnswer::Close },
            None if !self.exhausted => Next::Poll,
            None if self.input.ended() => Next::Close,
            None => Next::Receive,
        }
    }

    /// Moves pushed bytes to the output until so many wait there, and none after our last word: once our sending half is shut
    /// down, sending is an error that would cut the client's reading of that word short.
    fn pull(&mut self, most: usize) {
        if self.ending.is_some() {
            return;
        }
        let Some(outbox) = &self.outbox else { return };
        if self.input.ended() {
            outbox.release_all(); // nothing is to be waited for: the next we do is to end
        }
        while self.output.len() < most {
            match outbox.pop() {
                Some(push) if push.kind != Kind::Reminder => self.output.append_push(push.bytes),
                Some(reminder) => self.output.append_reminder(reminder.bytes),
                None => {
                    // Not while a request is out: its answer would come after the last word.
                    if !self.out
                        && let Some(last) = outbox.take_last()
                    {
                        self.answer_last(last);
                    }
                    return;
                }
            }
        }
    }

    /// The service has ended the conversation, unasked.
    fn answer_last(&mut self, last: Arc<[u8]>) {
        self.output.append_push(last);
        self.ending = Some(AfterAnswer::Close);
        self.input.skip(self.input.bytes().len());
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        if self.outbox.is_some() {
            self.service.leave(&self.client);
        }
    }
}

#[cfg(test)]
mod tests;
