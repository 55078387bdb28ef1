//! From frames to commands, one channel at a time. Specification 0-9-1, section 4.2.6.
//!
//! ```text
//!            method without content ──────────────────────────► Command
//!   Method ──┤
//!            basic.publish ──► Header ──► Body ──► … ──► Body ──► Command
//!                                 └─ a body of 0 bytes ──────────► Command
//! ```
//!
//! The frames of different channels may come mixed, those of one may not: a method between a publish and the end of its body is
//! 505. What is half there is bounded: [`BODY_LIMIT`] for one body, a [`ContentBudget`] for all of them together, and as many
//! channels as were agreed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

use super::command::{Command, Content};
use super::exception::{Exception, ReplyCode};
use super::frame::{self, Frame, read_method};
use super::{AMQPClass, basic, table};

/// The longest body, as RabbitMQ has it.
pub const BODY_LIMIT: u64 = 128 * 1024 * 1024;

/// So much of a body is held without asking the budget.
const FREE: usize = 4 * 1024;

/// How much memory the unfinished contents of all connections may take together.
#[derive(Debug)]
pub struct ContentBudget {
    limit: u64,
    used: AtomicU64,
}

impl ContentBudget {
    /// So many bytes.
    #[must_use]
    pub fn new(limit: u64) -> ContentBudget {
        ContentBudget { limit, used: AtomicU64::new(0) }
    }

    /// How many are taken.
    #[must_use]
    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }
}

/// The channels of one connection on which a content is half there.
#[derive(Debug)]
pub struct Assembly {
    channel_max: u16,
    budget: Arc<ContentBudget>,
    unfinished: Vec<(u16, Unfinished)>,
}

#[derive(Debug)]
enum Unfinished {
    /// The method is there, the header is to come.
    Header(AMQPClass),
    /// The header is there.
    Body { method: AMQPClass, bytes: Vec<u8>, properties: usize, left: u64, reserved: Reserved },
    /// The content was refused: what comes of it is dropped.
    Refused,
}

/// A share of the budget. Dropped, it is given back.
#[derive(Debug)]
struct Reserved {
    budget: Arc<ContentBudget>,
    bytes: u64,
}

/// Frames that do not make a command, and on which channel they came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The channel.
    pub channel: u16,
    /// Why: a hard one ends the connection, a soft one the channel.
    pub exception: Exception,
}

impl Assembly {
    /// For a connection of at most so many channels.
    #[must_use]
    pub fn new(channel_max: u16, budget: Arc<ContentBudget>) -> Assembly {
        Assembly { channel_max, budget, unfinished: Vec::new() }
    }

    /// So many channels were agreed.
    pub fn agree(&mut self, channel_max: u16) {
        self.channel_max = channel_max;
    }

    /// Takes a frame; the command that it completes.
    ///
    /// # Errors
    /// It is not what has to come here.
    pub fn handle_frame(&mut self, frame: Frame<'_>) -> Result<Option<Command>, Refused> {
        let channel = frame.channel;
        let refuse = |exception| Err(Refused { channel, exception });
        if channel > self.channel_max {
            let why = format_args!("channel {channel} > channel_max {}", self.channel_max);
            return refuse(Exception::new(ReplyCode::NotAllowed, why));
        }
        let place = self.unfinished.iter().position(|(number, _)| *number == channel);
        let state = place.map(|place| &mut self.unfinished[place].1);
        match (frame.kind, state) {
            (frame::HEARTBEAT, _) if channel != 0 => refuse(unexpected("a heartbeat on a channel")),
            (frame::HEARTBEAT, _) if !frame.payload.is_empty() => {
                refuse(Exception::new(ReplyCode::FrameError, "a heartbeat that carries something"))
            }
            (frame::HEARTBEAT, _) => Ok(None),
            (frame::METHOD, None | Some(Unfinished::Refused)) => {
                if let Some(place) = place {
                    self.unfinished.swap_remove(place);
                }
                match read_method(frame.payload) {
                    Ok(method) if carries_content(&method) => {
                        self.unfinished.push((channel, Unfinished::Header(method)));
                        Ok(None)
                    }
                    Ok(method) => Ok(Some(Command { channel, method, content: None })),
                    Err(exception) => refuse(exception),
                }
            }
            (_, Some(Unfinished::Refused)) => Ok(None),
            (frame::HEADER, Some(Unfinished::Header(_))) => self.header(place.unwrap_or(0), frame),
            (frame::BODY, Some(Unfinished::Body { .. })) => self.body(place.unwrap_or(0), frame),
            (_, None) => refuse(unexpected("expected method frame, got content")),
            (_, Some(Unfinished::Header(_))) => {
                refuse(unexpected("expected content header for class 60, got non content header frame"))
            }
            (_, Some(Unfinished::Body { .. })) => {
                refuse(unexpected("expected content body, got non content body frame"))
            }
        }
    }

    fn header(&mut self, place: usize, frame: Frame<'_>) -> Result<Option<Command>, Refused> {
        let channel = frame.channel;
        let refuse = |exception| Err(Refused { channel, exception });
        let Some((head, properties)) = frame.payload.split_first_chunk::<12>() else {
            return refuse(Exception::new(ReplyCode::SyntaxError, "a content header that is too short"));
        };
        let class = u16::from_be_bytes([head[0], head[1]]);
        if class != 60 {
            let why = format_args!("expected content header for class 60, got one for class {class}");
            return refuse(unexpected(why));
        }
        if table::check_properties(properties).is_err() {
            return refuse(Exception::new(ReplyCode::SyntaxError, "properties that cannot be read"));
        }
        let left = u64::from_be_bytes(*head.last_chunk().expect("12 bytes are more than 8"));
        let state = &mut self.unfinished[place].1;
        let Unfinished::Header(method) = std::mem::replace(state, Unfinished::Refused) else {
            unreachable!("the caller has looked");
        };
        if left > BODY_LIMIT {
            let why = format_args!("message size {left} is larger than max size {BODY_LIMIT}");
            let exception = Exception::new(ReplyCode::PreconditionFailed, why);
            return refuse(Exception { method: (60, 40), ..exception });
        }
        let first = usize::try_from(left).expect("it is within the limit").min(FREE);
        let mut bytes = Vec::with_capacity(properties.len() + first);
        bytes.extend_from_slice(properties);
        let properties = properties.len();
        if left == 0 {
            self.unfinished.swap_remove(place);
            let content = Some(Content::new(bytes.into(), properties));
            return Ok(Some(Command { channel, method, content }));
        }
        let reserved = Reserved { budget: Arc::clone(&self.budget), bytes: 0 };
        *state = Unfinished::Body { method, bytes, properties, left, reserved };
        Ok(None)
    }

    fn body(&mut self, place: usize, frame: Frame<'_>) -> Result<Option<Command>, Refused> {
        let channel = frame.channel;
        let (_, state) = self.unfinished.swap_remove(place);
        let Unfinished::Body { method, mut bytes, properties, left, mut reserved } = state else {
            unreachable!("the caller has looked");
        };
        let Some(left) = left.checked_sub(frame.payload.len() as u64) else {
            let why = "a body that is longer than its header says";
            return Err(Refused { channel, exception: Exception::new(ReplyCode::FrameError, why) });
        };
        if bytes.capacity() - bytes.len() < frame.payload.len() {
            // It grows to twice its size, but never beyond what the header says: nothing of it is left over at the end.
            let to_come = usize::try_from(left).expect("it is within the limit");
            let more = frame.payload.len() + to_come.min(bytes.len());
            if !reserved.grow((bytes.len() + more) as u64) {
                let exception =
                    Exception::new(ReplyCode::ResourceError, "no memory left for unfinished messages");
                return Err(Refused { channel, exception });
            }
            bytes.reserve_exact(more);
        }
        bytes.extend_from_slice(frame.payload);
        if left > 0 {
            let body = Unfinished::Body { method, bytes, properties, left, reserved };
            self.unfinished.push((channel, body));
            return Ok(None);
        }
        let content = Some(Content::new(Bytes::from(bytes), properties));
        Ok(Some(Command { channel, method, content }))
    }

    /// How many contents are half there.
    #[must_use]
    pub fn unfinished(&self) -> usize {
        self.unfinished.len()
    }
}

impl Reserved {
    /// Whether there is room for so many bytes in all.
    fn grow(&mut self, bytes: u64) -> bool {
        let more = bytes.saturating_sub(self.bytes);
        if bytes <= FREE as u64 || more == 0 {
            return true;
        }
        let before = self.budget.used.fetch_add(more, Ordering::Relaxed);
        self.bytes += more; // given back at the end, in any case
        before + more <= self.budget.limit
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.budget.used.fetch_sub(self.bytes, Ordering::Relaxed);
        }
    }
}

fn unexpected(why: impl std::fmt::Display) -> Exception {
    Exception::new(ReplyCode::UnexpectedFrame, why)
}

/// Whether a content follows this method.
fn carries_content(method: &AMQPClass) -> bool {
    use basic::AMQPMethod::{Deliver, GetOk, Publish, Return};
    matches!(method, AMQPClass::Basic(Publish(_) | Deliver(_) | GetOk(_) | Return(_)))
}

#[cfg(test)]
mod tests;
