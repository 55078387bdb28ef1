//! `hold`: the notes' "service offered" (figure 4.4). The server sends one byte, `1`, and is busy with the client for
//! as long as the client stays.
//!
//! ```text
//!   client                 server
//!     │ ◄──────── '1' ───────┤   service offered
//!     │ ◄──────── FIN ───────┤   shutdown(SHUT_WR): there is nothing more to say
//!     │   … stays …          │
//!     ├────────── FIN ──────►│   finished
//! ```

use common::core::framing::Silent;
use common::core::limits::Timeouts;
use common::core::service::{AfterAnswer, Answer, Peer, Protocol, RequestCodec, Service};

/// Offers a service and waits for the client's end.
#[derive(Debug)]
pub struct Hold;

impl Service for Hold {
    type Request = Vec<u8>;

    fn name(&self) -> &'static str {
        "hold"
    }

    fn protocol(&self) -> impl Protocol<Request = Vec<u8>> {
        Silent
    }

    fn greet(&self, _peer: &Peer) -> Option<Answer> {
        Some(Answer { then: AfterAnswer::AwaitEnd, ..Answer::new(b"1".to_vec()) })
    }

    /// A client may stay as long as it likes without a word: that is what the service offers.
    fn timeouts(&self, server: Timeouts) -> Timeouts {
        server.for_silent_clients()
    }

    fn codec(&self) -> Option<RequestCodec<Vec<u8>>> {
        Some(RequestCodec::serde())
    }

    fn handle(&self, _peer: &Peer, _request: Vec<u8>) -> Answer {
        Answer::nothing() // a silent client asks nothing
    }
}
