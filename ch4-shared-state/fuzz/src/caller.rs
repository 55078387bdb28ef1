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
use std::time::Instant;

use common::core::conversation::{Conversation, Next};
use common::core::limits::Limits;
use common::core::service::Peer;
use common::core::work::AnyService;

/// One connection.
pub struct Caller {
    pub client: Peer,
    /// What has come back and was not taken yet.
    pub heard: Vec<u8>,
    conversation: Conversation,
    under_way: VecDeque<u8>,
    /// The server has said its last.
    has_ended: bool,
    /// Delivered bytes that are in no handled request yet.
    pub undecoded: Vec<u8>,
}

impl Caller {
    /// Connects. No two callers have one port.
    pub fn connect(service: &Arc<dyn AnyService>, port: u16) -> Caller {
        let client = Peer::new(([127, 0, 0, 1], port).into());
        Caller {
            client,
            heard: Vec::new(),
            conversation: Conversation::open(service, &Limits::default(), client),
            under_way: VecDeque::new(),
            has_ended: false,
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
        self.conversation.handle_bytes(&bytes, Instant::now());
    }

    /// All bytes under way arrive, and then the end of the stream.
    pub fn finish(&mut self) {
        self.deliver(usize::MAX);
        self.conversation.handle_end();
    }

    /// Lets the server handle one request, if one is there: it is at the front of the undecoded bytes, from where the caller of this
    /// takes it.
    pub fn step(&mut self) -> bool {
        loop {
            if self.conversation.poll_request(Instant::now()) {
                let answer = self.conversation.handle_request();
                self.conversation.answer(answer);
                return true;
            }
            match self.conversation.next(Instant::now()) {
                Next::Poll => {}
                Next::HalfClose => {
                    self.has_ended = true;
                    self.conversation.handle_half_close();
                }
                Next::Wait | Next::WaitUntil(_) => unreachable!("every request is answered at once"),
                Next::Send | Next::Receive | Next::Close => return false,
            }
        }
    }

    /// Reads so many bytes, or all there are. Call [`step`](Caller::step) before it until nothing is left to be handled.
    pub fn read(&mut self, mut count: usize) {
        while count > 0 && self.conversation.next(Instant::now()) == Next::Send {
            let taken = self.conversation.transmit().len().min(count);
            self.heard.extend_from_slice(&self.conversation.transmit()[..taken]);
            self.conversation.handle_sent(taken);
            count -= taken;
        }
    }

    /// Whether the server has nothing more to say, ever.
    pub fn is_over(&mut self) -> bool {
        self.has_ended || matches!(self.conversation.next(Instant::now()), Next::HalfClose | Next::Close)
    }
}
