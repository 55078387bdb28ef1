//! `echo`: every byte back, until the client's end (RFC 862). The service that does nothing, and so measures the model.

use common::core::framing::AsItComes;
use common::core::service::{Answer, Peer, Protocol, Request, Service};

/// Sends back what comes.
#[derive(Debug)]
pub struct Echo;

impl Service for Echo {
    fn name(&self) -> &'static str {
        "echo"
    }

    fn protocol(&self) -> Box<dyn Protocol> {
        Box::new(AsItComes)
    }

    fn handle(&self, _client: &Peer, request: Request) -> Answer {
        Answer::new(request.0)
    }
}
