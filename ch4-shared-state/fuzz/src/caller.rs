//! A client of a service without sockets, with the bytes that are under way between them.
//!
//! ```text
//!   say ──► under way ──► deliver(n) ──► Conversation ──► step: one request is handled
//!                  heard ◄── read(n) ◄── what waits to be sent
//! ```
//!
//! Both ways a script decides how many bytes arrive, so that requests and answers of several clients are cut and interleaved
//! in every way in which a network does it.

use std::collections::VecDeque;
use std::sync::Arc;

use common::core::conversation::{Conversation, Next};
use common::core::service::{Peer, Request, Service};

/// One connection.
pub struct Caller {
    pub client: Peer,
    /// What has come back and was not taken yet.
    pub heard: Vec<u8>,
    service: Arc<dyn Service>,
    conversation: Conversation,
    under_way: VecDeque<u8>,
    /// Delivered bytes that are in no request yet.
    undecoded: Vec<u8>,
}

impl Caller {
    /// Connects. No two callers have one port.
    pub fn connect(service: &Arc<dyn Service>, port: u16) -> Caller {
        let client = Peer::new(([127, 0, 0, 1], port).into());
        Caller {
            client,
            heard: Vec::new(),
            service: Arc::clone(service),
            conversation: Conversation::open(service, client),
            under_way: VecDeque::new(),
            undecoded: Vec::new(),
        }
    }

    /// Sends bytes, which do not arrive yet.
    pub fn say(&mut self, bytes: &[u8]) {
        self.under_way.extend(bytes);
    }

    /// Of the bytes under way, so many arrive.
    pub fn deliver(&mut self, count: usize) {
        let count = count.min(self.under_way.len());
        let bytes: Vec<u8> = self.under_way.drain(..count).collect();
        self.undecoded.extend_from_slice(&bytes);
        self.conversation.receive(&bytes);
    }

    /// All bytes under way arrive, and then the end of the stream.
    pub fn finish(&mut self) {
        self.deliver(usize::MAX);
        self.conversation.finish();
    }

    /// Lets the server handle one request, if one is there. It is the next of the bytes that were said: none is lost on the way, none
    /// comes twice, and none is changed.
    pub fn step(&mut self) -> Option<Request> {
        loop {
            if let Some(request) = self.conversation.poll_request() {
                assert!(self.undecoded.starts_with(&request.0), "a request that was not said so");
                self.undecoded.drain(..request.0.len());
                let answer = self.service.handle(&self.client, request.clone());
                self.conversation.answer(answer);
                return Some(request);
            }
            match self.conversation.next() {
                Next::Poll => {}
                Next::HalfClose => self.conversation.half_closed(),
                Next::Wait => unreachable!("every request is answered at once"),
                Next::Send | Next::Receive | Next::Discard { .. } | Next::Close => return None,
            }
        }
    }

    /// Reads so many bytes, or all there are. Call [`step`](Caller::step) before it until nothing is left to be handled.
    pub fn read(&mut self, mut count: usize) {
        while count > 0 && self.conversation.next() == Next::Send {
            let taken = self.conversation.transmit().len().min(count);
            self.heard.extend_from_slice(&self.conversation.transmit()[..taken]);
            self.conversation.transmitted(taken);
            count -= taken;
        }
    }

    /// Whether the server has nothing more to say, ever.
    pub fn is_over(&self) -> bool {
        matches!(self.conversation.next(), Next::HalfClose | Next::Discard { .. } | Next::Close)
    }
}
