//! Frames: how bytes become methods, and methods and messages bytes. Specification 0-9-1, section 2.3.
//!
//! ```text
//!   0      1         3             7                  size+7 size+8
//!   ┌──────┬─────────┬─────────────┬──────────────────┬─────┐
//!   │ type │ channel │ size (u32)  │ payload          │ 206 │
//!   └──────┴─────────┴─────────────┴──────────────────┴─────┘
//!     1 method      class, method, arguments
//!     2 header      class, weight 0, length of the body (u64), properties
//!     3 body        bytes
//!     8 heartbeat   nothing, on channel 0
//! ```
//!
//! Methods, tables and properties are written and read by `amq-protocol`; what a message passes through is written here, straight
//! from the shared message. The size is checked against what was agreed before anything is awaited, the class and the method
//! before they are read, and the depth of tables before a reader that calls itself sees them.

use amq_protocol::frame::{BackToTheBuffer, WriteContext};
use amq_protocol::protocol::{gen_class, parse_class};
use bytes::Bytes;

use super::command::Content;
use super::exception::{Exception, ReplyCode};
use super::{AMQPClass, basic, known, table};

/// A method frame.
pub const METHOD: u8 = 1;
/// A content header frame.
pub const HEADER: u8 = 2;
/// A content body frame.
pub const BODY: u8 = 3;
/// A heartbeat frame.
pub const HEARTBEAT: u8 = 8;
/// The last byte of every frame.
pub const END: u8 = 0xCE;
/// What a frame has around its payload, bytes.
pub const OVERHEAD: usize = 8;
/// The smallest frame size that may be agreed on.
pub const SMALLEST_MAX: usize = 4096;
/// What a client sends first, and a server answers to anything else.
pub const PROTOCOL_HEADER: [u8; 8] = *b"AMQP\0\0\x09\x01";

/// One frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Its type: one of the four.
    pub kind: u8,
    /// Its channel.
    pub channel: u16,
    /// What it carries.
    pub payload: &'a [u8],
}

impl<'a> Frame<'a> {
    /// The frame at the front of `bytes`, if it is there whole; `limit` is the largest that was agreed, its overhead counted.
    ///
    /// # Errors
    /// 501: it has an unknown type, is too long, or does not end where it should. Nothing behind it can be read.
    pub fn read(bytes: &'a [u8], limit: usize) -> Result<Option<Frame<'a>>, Exception> {
        let Some(&kind) = bytes.first() else { return Ok(None) };
        if !matches!(kind, METHOD | HEADER | BODY | HEARTBEAT) {
            return Err(Exception::new(ReplyCode::FrameError, format_args!("unknown frame type {kind}")));
        }
        let Some((head, rest)) = bytes.split_first_chunk::<7>() else { return Ok(None) };
        let channel = u16::from_be_bytes([head[1], head[2]]);
        let size = u32::from_be_bytes([head[3], head[4], head[5], head[6]]) as usize;
        if size > limit - OVERHEAD {
            let why = format_args!("type {kind}, {size} octets > the agreed {}", limit - OVERHEAD);
            return Err(Exception::new(ReplyCode::FrameError, why));
        }
        let Some(&end) = rest.get(size) else { return Ok(None) };
        if end != END {
            let why = format_args!("type {kind}, {size} octets, end octet {end} where {END} is expected");
            return Err(Exception::new(ReplyCode::FrameError, why));
        }
        Ok(Some(Frame { kind, channel, payload: &rest[..size] }))
    }

    /// How long it is, its overhead counted.
    #[must_use]
    pub fn length(&self) -> usize {
        self.payload.len() + OVERHEAD
    }
}

/// The method in a method frame.
///
/// # Errors
/// 503 for a class that is not known, 540 for a method that is not, 502 for arguments that cannot be read.
pub fn read_method(payload: &[u8]) -> Result<AMQPClass, Exception> {
    let Some((ids, arguments)) = payload.split_first_chunk::<4>() else {
        return Err(Exception::new(ReplyCode::SyntaxError, "a method frame without a method"));
    };
    let class = u16::from_be_bytes([ids[0], ids[1]]);
    let method = u16::from_be_bytes([ids[2], ids[3]]);
    let refuse = |code, why: &str| {
        let exception = Exception::new(code, format_args!("{why} {class}, {method}"));
        Err(Exception { method: (class, method), ..exception })
    };
    match known::arguments(class, method) {
        known::Arguments::UnknownClass => return refuse(ReplyCode::CommandInvalid, "unknown class"),
        known::Arguments::UnknownMethod => return refuse(ReplyCode::NotImplemented, "unknown method"),
        known::Arguments::Known(table) => {
            if table.is_some_and(|place| table::check_argument(arguments, place).is_err()) {
                return refuse(ReplyCode::SyntaxError, "a table that cannot be read in method");
            }
        }
    }
    match parse_class(payload) {
        // The crate does not keep it, and nobody has it.
        Ok(([], _)) if (class, method) == (60, 10) && !arguments.starts_with(&[0; 4]) => {
            refuse(ReplyCode::NotImplemented, "prefetch_size!=0 in method")
        }
        Ok(([], method)) => Ok(method),
        _ => refuse(ReplyCode::SyntaxError, "arguments that cannot be read of method"),
    }
}

/// What frames are written to.
pub trait Sink {
    /// Where small bytes are appended.
    fn buffer(&mut self) -> &mut Vec<u8>;

    /// Appends a part of a body, which is held elsewhere too.
    fn share(&mut self, body: &Bytes) {
        self.buffer().extend_from_slice(body);
    }
}

impl Sink for Vec<u8> {
    fn buffer(&mut self) -> &mut Vec<u8> {
        self
    }
}

/// Writes a frame around what `payload` writes.
fn write_frame(out: &mut Vec<u8>, kind: u8, channel: u16, payload: impl FnOnce(&mut Vec<u8>)) {
    let [high, low] = channel.to_be_bytes();
    out.extend_from_slice(&[kind, high, low, 0, 0, 0, 0]);
    let start = out.len();
    payload(out);
    let size = u32::try_from(out.len() - start).expect("a payload is shorter than 4 GiB");
    out[start - 4..start].copy_from_slice(&size.to_be_bytes());
    out.push(END);
}

/// Writes a method frame.
pub fn write_method(out: &mut Vec<u8>, channel: u16, method: &AMQPClass) {
    write_frame(out, METHOD, channel, |out| match method {
        // Confirms and acknowledgements are sent by the million.
        AMQPClass::Basic(basic::AMQPMethod::Ack(ack)) => {
            out.extend_from_slice(&[0, 60, 0, 80]);
            out.extend_from_slice(&ack.delivery_tag.to_be_bytes());
            out.push(u8::from(ack.multiple));
        }
        method => append(out, gen_class(method)),
    });
}

/// Appends what a serializer of `amq-protocol` writes.
pub(super) fn append<F>(out: &mut Vec<u8>, write: F)
where
    F: FnOnce(WriteContext<Vec<u8>>) -> amq_protocol::frame::GenResult<Vec<u8>>,
    Vec<u8>: BackToTheBuffer,
{
    let written = write(WriteContext { write: std::mem::take(out), position: 0 });
    *out = written.expect("a buffer in memory takes everything").into_inner().0;
}

/// Writes a heartbeat.
pub fn write_heartbeat(out: &mut Vec<u8>) {
    out.extend_from_slice(&[HEARTBEAT, 0, 0, 0, 0, 0, 0, END]);
}

/// Where a message goes: what `basic.deliver` and `basic.get-ok` have in front of the names.
#[derive(Debug, Clone, Copy)]
pub enum Delivery<'a> {
    /// `basic.deliver`, to this consumer.
    Deliver {
        /// Its tag.
        consumer_tag: &'a str,
        /// What the client acknowledges it by.
        delivery_tag: u64,
        /// Whether it was delivered before.
        redelivered: bool,
    },
    /// `basic.get-ok`.
    GetOk {
        /// What the client acknowledges it by.
        delivery_tag: u64,
        /// Whether it was delivered before.
        redelivered: bool,
        /// How many messages are left.
        message_count: u32,
    },
    /// `basic.return`, 312.
    Return,
}

/// Writes the method of a delivery.
pub fn write_delivery(
    out: &mut Vec<u8>,
    channel: u16,
    delivery: Delivery<'_>,
    exchange: &str,
    routing_key: &str,
) {
    write_frame(out, METHOD, channel, |out| {
        match delivery {
            Delivery::Deliver { consumer_tag, delivery_tag, redelivered } => {
                out.extend_from_slice(&[0, 60, 0, 60]);
                write_short(out, consumer_tag);
                out.extend_from_slice(&delivery_tag.to_be_bytes());
                out.push(u8::from(redelivered));
            }
            Delivery::GetOk { delivery_tag, redelivered, .. } => {
                out.extend_from_slice(&[0, 60, 0, 71]);
                out.extend_from_slice(&delivery_tag.to_be_bytes());
                out.push(u8::from(redelivered));
            }
            Delivery::Return => {
                out.extend_from_slice(&[0, 60, 0, 50]);
                out.extend_from_slice(&(ReplyCode::NoRoute as u16).to_be_bytes());
                write_short(out, ReplyCode::NoRoute.name());
            }
        }
        write_short(out, exchange);
        write_short(out, routing_key);
        if let Delivery::GetOk { message_count, .. } = delivery {
            out.extend_from_slice(&message_count.to_be_bytes());
        }
    });
}

/// Writes the header and the body of a message, in frames of at most `limit` bytes.
pub fn write_content(out: &mut impl Sink, channel: u16, properties: &[u8], content: &Content, limit: usize) {
    let body = content.body();
    write_frame(out.buffer(), HEADER, channel, |out| {
        out.extend_from_slice(&[0, 60, 0, 0]);
        out.extend_from_slice(&(body.len() as u64).to_be_bytes());
        out.extend_from_slice(properties);
    });
    let most = limit - OVERHEAD;
    if body.len() <= SHORT && body.len() <= most {
        if !body.is_empty() {
            write_frame(out.buffer(), BODY, channel, |out| out.extend_from_slice(body));
        }
        return;
    }
    let mut rest = content.bytes().slice(content.properties().len()..);
    while !rest.is_empty() {
        let part = rest.split_to(rest.len().min(most));
        let [high, low] = channel.to_be_bytes();
        let [a, b, c, d] = u32::try_from(part.len()).expect("no longer than a frame").to_be_bytes();
        out.buffer().extend_from_slice(&[BODY, high, low, a, b, c, d]);
        out.share(&part);
        out.buffer().push(END);
    }
}

/// A body of at most this length is copied in one go, and no handle on it is made.
const SHORT: usize = 4 * 1024;

/// As much of a text as fits into a short string, whole characters.
#[must_use]
pub fn cut_short(text: &str) -> &str {
    let longest = (0..=text.len().min(255)).rev().find(|&end| text.is_char_boundary(end));
    &text[..longest.unwrap_or(0)]
}

/// A short string; what does not fit is cut.
pub fn write_short(out: &mut Vec<u8>, text: &str) {
    let text = cut_short(text);
    out.push(u8::try_from(text.len()).expect("it was cut"));
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests;
