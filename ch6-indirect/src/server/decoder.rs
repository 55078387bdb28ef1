//! The bytes of one connection: the protocol header, then frames, then commands.
//!
//! ```text
//!   "AMQP" 0 0 9 1 ──► Hello        anything else: that header is the answer, and the end
//!   frame* ──► command              several that have come together are one request: the broker is locked once for them
//! ```
//!
//! A method of the class connection ends a request: what is agreed in it holds for the next frame.

use std::sync::Arc;

use common::core::input::Input;
use common::core::service::{Decoded, Protocol};

use super::traffic::Traffic;
use crate::amqp::assembly::{Assembly, ContentBudget, Refused};
use crate::amqp::command::Command;
use crate::amqp::frame::{Frame, METHOD, PROTOCOL_HEADER, SMALLEST_MAX};
use crate::amqp::{AMQPClass, connection};

/// What we offer: channels.
pub const CHANNEL_MAX: u16 = 2047;
/// What we offer: the size of a frame, bytes.
pub const FRAME_MAX: u32 = 131_072;
/// The largest frame before a size is agreed on; RabbitMQ has the same.
const FIRST_FRAME_MAX: usize = 8192;
/// The largest frame of a client that wants no limit: a whole body of the longest kind.
const UNLIMITED_FRAME: usize = 128 * 1024 * 1024 + 8;
/// Most commands of one request, and the bytes behind which no further one is begun.
const COMMANDS: usize = 64;
const BYTES: usize = 64 * 1024;

/// What a client sends.
#[derive(Debug, PartialEq)]
pub enum Incoming {
    /// The protocol header. What comes from this client is counted there.
    Hello(Arc<Traffic>),
    /// A command.
    Command(Command),
    /// Frames that make none.
    Refused(Refused),
    /// A frame that cannot be read, so nothing behind it can be.
    Unreadable(Refused),
}

impl PartialEq for Traffic {
    fn eq(&self, other: &Traffic) -> bool {
        std::ptr::eq(self, other)
    }
}

/// One connection's decoder.
pub struct Decoder {
    traffic: Arc<Traffic>,
    assembly: Assembly,
    frame_max: usize,
    has_begun: bool,
    is_unreadable: bool,
    /// Bytes that were taken from the input.
    taken: u64,
}

impl Decoder {
    /// For a connection that has just come.
    #[must_use]
    pub fn new(budget: Arc<ContentBudget>) -> Decoder {
        Decoder {
            traffic: Arc::default(),
            assembly: Assembly::new(CHANNEL_MAX, budget),
            frame_max: FIRST_FRAME_MAX,
            has_begun: false,
            is_unreadable: false,
            taken: 0,
        }
    }

    fn hello(&mut self, input: &mut Input) -> Decoded<Vec<Incoming>> {
        let bytes = input.bytes();
        let begun = bytes.len().min(PROTOCOL_HEADER.len());
        if bytes[..begun] != PROTOCOL_HEADER[..begun] {
            return Decoded::Malformed {
                answer: PROTOCOL_HEADER.to_vec(),
                why: "it does not speak AMQP 0-9-1",
            };
        }
        if begun < PROTOCOL_HEADER.len() {
            return Decoded::Incomplete;
        }
        input.skip(begun);
        self.taken += begun as u64;
        self.has_begun = true;
        Decoded::Request(vec![Incoming::Hello(Arc::clone(&self.traffic))])
    }

    /// What was agreed holds from the next frame on. Whether it may be agreed is for the service to say.
    fn agree(&mut self, tune: &connection::TuneOk) {
        self.frame_max = match tune.frame_max {
            0 => UNLIMITED_FRAME,
            agreed => (agreed.min(FRAME_MAX) as usize).max(SMALLEST_MAX),
        };
        self.assembly.agree(if tune.channel_max == 0 { CHANNEL_MAX } else { tune.channel_max });
    }
}

impl Protocol for Decoder {
    type Request = Vec<Incoming>;

    fn decode(&mut self, input: &mut Input) -> Decoded<Vec<Incoming>> {
        self.traffic.saw_bytes(self.taken + input.bytes().len() as u64);
        if !self.has_begun {
            return self.hello(input);
        }
        if self.is_unreadable {
            input.skip(input.bytes().len());
            return Decoded::Incomplete;
        }
        let (mut incoming, mut frames, mut length) = (Vec::new(), 0, 0);
        // Without a command it goes on to the last whole frame: "incomplete" means that there is none left.
        while incoming.is_empty() || (incoming.len() < COMMANDS && length < BYTES) {
            let rest = &input.bytes()[length..];
            let frame = match Frame::read(rest, self.frame_max) {
                Ok(Some(frame)) => frame,
                Ok(None) => break,
                Err(exception) => {
                    self.is_unreadable = true;
                    incoming.push(Incoming::Unreadable(Refused { channel: 0, exception }));
                    length += rest.len();
                    break;
                }
            };
            length += frame.length();
            frames += 1;
            if self.traffic.is_closing() && !is_end(&frame) {
                continue;
            }
            match self.assembly.handle_frame(frame) {
                Ok(None) => {}
                Ok(Some(command)) => {
                    if let AMQPClass::Connection(connection::AMQPMethod::TuneOk(tune)) = &command.method {
                        self.agree(tune);
                    }
                    let is_last = matches!(command.method, AMQPClass::Connection(_));
                    incoming.push(Incoming::Command(command));
                    if is_last {
                        break;
                    }
                }
                Err(refused) => {
                    let is_last = refused.exception.is_hard();
                    incoming.push(Incoming::Refused(refused));
                    if is_last {
                        break;
                    }
                }
            }
        }
        input.skip(length);
        self.taken += length as u64;
        self.traffic.saw_frames(frames);
        if incoming.is_empty() { Decoded::Incomplete } else { Decoded::Request(incoming) }
    }
}

/// Whether it is `connection.close` or `connection.close-ok`.
fn is_end(frame: &Frame<'_>) -> bool {
    frame.kind == METHOD && matches!(frame.payload, [0, 10, 0, 50 | 51, ..])
}
