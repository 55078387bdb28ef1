//! `factor`: the notes' example of a request that costs the processor and not the network. A line with a decimal number
//! comes back with its prime factors, as factor(1) writes them.
//!
//! ```text
//!   in:   360\n                out:  360: 2 2 2 3 3 5\n
//!   in:   many\n               out:  ERROR …\n        (and the next line may come)
//! ```

use crate::factor;
use common::core::framing::Delimited;
use common::core::service::{Answer, Peer, Protocol, RequestCodec, RequestCost, Service};

/// Longest line, bytes: the largest 128-bit number has 39 digits.
const LINE: usize = 64;

/// Factorises numbers.
#[derive(Debug)]
pub struct Factor;

impl Service for Factor {
    type Request = Vec<u8>;

    fn name(&self) -> &'static str {
        "factor"
    }

    fn request_cost(&self) -> RequestCost {
        RequestCost::Slow
    }

    fn protocol(&self) -> impl Protocol<Request = Vec<u8>> {
        Delimited::new(b'\n', LINE)
    }

    fn codec(&self) -> Option<RequestCodec<Vec<u8>>> {
        Some(RequestCodec::serde())
    }

    fn handle(&self, _peer: &Peer, request: Vec<u8>) -> Answer {
        Answer::new(match factor::parse(request.trim_ascii()) {
            Ok(number) => format!("{}\n", factor::factor(number, factor::DEFAULT_STEPS)).into_bytes(),
            Err(error) => format!("ERROR {error}\n").into_bytes(),
        })
    }
}
