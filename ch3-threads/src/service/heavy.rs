//! `heavy`: the notes' heavy request. 36 bytes (a UUID as text) come back after a delay, which stands for the work.
//!
//! Whoever handles the request is busy for the delay: the one thread of a sequential server or of an event loop is
//! then deaf to everybody, and a thread of its own per request is not.

use std::time::Duration;

use common::core::framing::Fixed;
use common::core::service::{Answer, Peer, Protocol, RequestCodec, RequestCost, Service};

/// Length of a request and of its answer, bytes.
pub const LENGTH: usize = 36;

/// Sends a request back after a delay.
#[derive(Debug)]
pub struct Heavy {
    /// How long a request takes.
    pub delay: Duration,
}

impl Service for Heavy {
    type Request = Vec<u8>;

    fn name(&self) -> &'static str {
        "heavy"
    }

    fn request_cost(&self) -> RequestCost {
        RequestCost::Slow
    }

    fn protocol(&self) -> impl Protocol<Request = Vec<u8>> {
        Fixed { length: LENGTH }
    }

    fn codec(&self) -> Option<RequestCodec<Vec<u8>>> {
        Some(RequestCodec::serde())
    }

    fn handle(&self, _peer: &Peer, request: Vec<u8>) -> Answer {
        std::thread::sleep(self.delay);
        Answer::new(request)
    }
}
