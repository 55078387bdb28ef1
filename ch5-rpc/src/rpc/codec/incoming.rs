//! A message of a client, read with care.
//!
//! ```text
//!   bincode:  00           fc…   16 bytes   fd…       01        00    00       05 'h' 'e' 'l' 'l' 'o'
//!             Request      deadline:        trace id  span id   sampled   call id   method   arguments
//!             (01 Cancel)  seconds, nanoseconds
//! ```
//!
//! These types mirror those of tarpc, because tarpc adds the deadline to the clock while it reads: a deadline of 2^64 seconds is
//! a panic there, and one of a few years is a panic in its timers.
//!
//! The id comes before the arguments. So a request whose arguments cannot be read can still be answered.

use std::io;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use tarpc::{ClientMessage, Request, context, trace};

use super::format::Format;
use crate::rpc::refusal::NotBegun;

/// A deadline may be so far away.
pub const LONGEST_DEADLINE: Duration = Duration::from_secs(86_400);

/// What has come.
#[derive(Debug)]
pub enum Received<M> {
    /// A call, or the cancellation of one.
    Message(ClientMessage<M>),
    /// A call that is refused; the next message can be read.
    Refused {
        /// Which call.
        id: u64,
        /// Why.
        why: NotBegun,
    },
    /// A call that cannot be read. It is refused, and nothing that comes after it is read.
    Unreadable {
        /// Which call.
        id: u64,
        /// Why.
        why: NotBegun,
    },
}

/// As `tarpc::ClientMessage`.
#[derive(Deserialize)]
enum Incoming<M> {
    Request(IncomingRequest<M>),
    Cancel {
        #[serde(default)]
        #[expect(dead_code, reason = "it is on the wire")]
        trace_context: trace::Context,
        request_id: u64,
    },
}

/// As `tarpc::Request`.
#[derive(Deserialize)]
struct IncomingRequest<M> {
    context: IncomingContext,
    id: u64,
    message: M,
}

/// As `tarpc::context::Context`, with the deadline as it is on the wire: a duration.
#[derive(Deserialize)]
struct IncomingContext {
    #[serde(default = "ten_seconds")]
    deadline: Duration,
    trace_context: trace::Context,
}

/// What tarpc takes where JSON names no deadline.
fn ten_seconds() -> Duration {
    Duration::from_secs(10)
}

/// Nothing is read of the arguments.
struct Unread;

impl<'de> Deserialize<'de> for Unread {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Unread, D::Error> {
        if deserializer.is_human_readable() {
            IgnoredAny::deserialize(deserializer)?;
        }
        Ok(Unread)
    }
}

/// Reads one message.
///
/// # Errors
/// It cannot be read, not even its id.
pub fn read<M: DeserializeOwned>(
    format: Format,
    message: &[u8],
    mut context: context::Context,
) -> io::Result<Received<M>> {
    let request = match format.read(message) {
        Ok(Incoming::Request(request)) => request,
        Ok(Incoming::Cancel { request_id, .. }) => {
            let trace_context = trace::Context::default();
            return Ok(Received::Message(ClientMessage::Cancel { trace_context, request_id }));
        }
        Err(error) => {
            let id = id(format, message).ok_or(error)?;
            // What serde says may name types and values of ours; a stranger is told no more than this.
            let why = NotBegun::Unreadable("no such method, or other arguments".into());
            return Ok(Received::Unreadable { id, why });
        }
    };
    let IncomingRequest { context: incoming, id, message } = request;
    if incoming.deadline > LONGEST_DEADLINE {
        return Ok(Received::Refused { id, why: NotBegun::DeadlineTooFar });
    }
    // tarpc's own timer would drop the answer that says so.
    if incoming.deadline.is_zero() {
        return Ok(Received::Refused { id, why: NotBegun::DeadlinePassed });
    }
    context.deadline = Instant::now() + incoming.deadline;
    context.trace_context = incoming.trace_context;
    Ok(Received::Message(ClientMessage::Request(Request { context, id, message })))
}

/// The id of a request of which only the front is there, or can be read.
pub fn id(format: Format, front: &[u8]) -> Option<u64> {
    match format.read_front(front) {
        Some(Incoming::Request(IncomingRequest { id, message: Unread, .. })) => Some(id),
        Some(Incoming::Cancel { .. }) => None,
        None if format == Format::Json => id_in_text(front),
        None => None,
    }
}

/// JSON that is cut off has no value; the member `id` is looked for in the text. (`"trace_id":` has no quote before `id`.)
fn id_in_text(front: &[u8]) -> Option<u64> {
    const NAME: &[u8] = b"\"id\":";
    let at = front.windows(NAME.len()).position(|window| window == NAME)? + NAME.len();
    let digits: Vec<u8> = front[at..].iter().copied().take_while(u8::is_ascii_digit).collect();
    let is_whole = front.get(at + digits.len()).is_some();
    std::str::from_utf8(&digits).ok()?.parse().ok().filter(|_| is_whole)
}
