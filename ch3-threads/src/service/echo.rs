//! `echo`: every byte back, until the client's end (RFC 862). The service that does nothing, and so measures the model.

use common::core::framing::AsItComes;
use common::core::service::{Answer, Peer, Protocol, RequestCodec, Service};

/// Sends back what comes.
#[derive(Debug)]
pub struct Echo;

impl Service for Echo {
    type Request = Vec<u8>;

    fn name(&self) -> &'static str {
        "echo"
    }

    fn protocol(&self) -> impl Protocol<Request = Vec<u8>> {
        AsItComes
    }

    fn codec(&self) -> Option<RequestCodec<Vec<u8>>> {
        Some(RequestCodec::serde())
    }

    fn handle(&self, _peer: &Peer, request: Vec<u8>) -> Answer {
        Answer::new(request)
    }
}
