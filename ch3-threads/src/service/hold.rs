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
use common::core::service::{AfterAnswer, Answer, Peer, Protocol, Request, Service};

/// Offers a service and waits for the client's end.
#[derive(Debug)]
pub struct Hold;

impl Service for Hold {
    fn name(&self) -> &'static str {
        "hold"
    }

    fn protocol(&self) -> Box<dyn Protocol> {
        Box::new(Silent)
    }

    fn greet(&self, _client: &Peer) -> Option<Answer> {
        Some(Answer { then: AfterAnswer::AwaitEnd, ..Answer::new(b"1".to_vec()) })
    }

    fn handle(&self, _client: &Peer, _request: Request) -> Answer {
        unreachable!("a silent protocol yields no request")
    }
}
