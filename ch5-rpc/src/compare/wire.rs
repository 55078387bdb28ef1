//! Each wire: its client, and its minimal server where there is no other.

pub mod bare;
pub mod bare_bytes;
pub mod echo;
pub mod framed;
pub mod http;
pub mod mboard;
pub mod ours;
pub mod pyro;
pub mod stream;
pub mod udp;

use std::sync::Arc;
use std::time::Duration;

use common::board::Message;

use crate::rpc::interface::{Posting, Text};

/// The longest message, of each wire that has a limit to choose.
pub const FRAME: usize = 16 << 20;

/// How long an answer is waited for. Then the measurement has failed.
pub const TIMEOUT: Duration = Duration::from_secs(10);

/// A message as the interface has it.
fn posting(id: u64, message: &Message) -> Posting {
    Posting { id, time: message.time.0, from: message.from, text: Text(Arc::clone(&message.text)) }
}

/// The context of a call over tarpc: its client gives each a trace and a span of its own.
fn traced() -> tarpc::context::Context {
    let mut context = tarpc::context::current();
    context.trace_context.trace_id = tarpc::trace::TraceId::random(&mut rand::rng());
    context.trace_context.span_id = tarpc::trace::SpanId::random(&mut rand::rng());
    context
}
