//! A message to another node, and its answer.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use common::protocol::frame;

use super::message::{self, Fault, MESSAGE_LIMIT, Message, Outcome};
use crate::deadline::DeadlineStream;

/// Ctrl-C ends the whole node.
static NEVER: AtomicBool = AtomicBool::new(false);

/// How long to wait for an answer where the caller has no deadline.
const PATIENCE: Duration = Duration::from_secs(10);

/// Sends a message, and waits for its answer as long as the caller does.
///
/// # Errors
/// [`Fault::Refused`] when the message is too long or nobody listens, [`Fault::Lost`] or [`Fault::Late`] when it has been sent and no
/// answer comes.
pub fn ask(address: SocketAddr, message: &Message, left: Option<Duration>) -> Outcome {
    let end = Instant::now() + left.unwrap_or(PATIENCE).min(PATIENCE);
    let mut bytes = Vec::new();
    frame::encode(message, MESSAGE_LIMIT, &mut bytes).map_err(|error| Fault::Refused(error.to_string()))?;
    let stream = DeadlineStream::connect(address, remaining(end)?, &NEVER);
    let mut stream =
        stream.map_err(|error| Fault::Refused(format!("cannot connect to {address}: {error}")))?;
    stream.end_at(end);
    exchange(&mut stream, &bytes).map_err(|error| match error.kind() {
        io::ErrorKind::TimedOut => {
            Fault::Late("no answer has come, and whether it has run is not known".into())
        }
        _ => Fault::Lost(error.to_string()),
    })?
}

fn exchange(stream: &mut DeadlineStream<'_>, bytes: &[u8]) -> io::Result<Outcome> {
    stream.write_all(bytes)?;
    let (mut received, mut part) = (Vec::new(), [0; 16 * 1024]);
    loop {
        if let Some((outcome, _)) = message::decode(&received).map_err(io::Error::other)? {
            return Ok(outcome);
        }
        match stream.read(&mut part)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            length => received.extend_from_slice(&part[..length]),
        }
    }
}

/// The time until then, and never none: the kernel takes zero for no limit.
fn remaining(end: Instant) -> Result<Duration, Fault> {
    let left = end.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(Fault::Late("no time is left".into())) } else { Ok(left) }
}
