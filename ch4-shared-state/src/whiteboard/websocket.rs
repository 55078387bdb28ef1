//! WebSocket, the server's half, sans-I/O: a [`Protocol`] whose first request is the head of an HTTP request, and whose
//! others are messages. RFC 6455; the heads of frames are read by the crate `tungstenite`.
//!
//! ```text
//!   GET /server HTTP/1.1 … ⏎⏎       ──► Incoming::Head       (the service answers 101, or with a page)
//!   ┌────┬────┬──────┬──────────┐
//!   │ op │ len│ mask │ payload ⊕│   ──► Incoming::Text, Ping, Pong, Close
//!   └────┴────┴──────┴──────────┘       a message may come in several frames, with control frames between them
//! ```
//!
//! The mask is no secret (it travels with the frame): it keeps a page from writing bytes of its choice through a proxy
//! that takes them for HTTP.

use std::io::Cursor;

use common::core::input::Input;
use common::core::service::{Decoded, Protocol, Refusal};
use common::protocol::http::{RequestHead, ResponseHead, Status};
use tungstenite::protocol::CloseFrame;
use tungstenite::protocol::frame::coding::{CloseCode, Control, Data, OpCode};
use tungstenite::protocol::frame::{Frame, FrameHeader};

use super::http;
use super::protocol::MESSAGE_LIMIT;

/// Most frames of one message. They may be empty, and what costs the sender nothing must not cost us much.
const FRAMES_LIMIT: usize = 1024;

/// Longest payload of a control frame, bytes (RFC 6455 section 5.5).
const CONTROL_LIMIT: u64 = 125;

/// What has come from a browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// The head of an HTTP request.
    Head(RequestHead),
    /// A whole text message.
    Text(String),
    /// "Are you there?", to be answered with the same bytes.
    Ping(Vec<u8>),
    /// "I am."
    Pong,
    /// The client ends the conversation; its code, if it says one.
    Close(Option<CloseCode>),
}

/// The decoder of one connection.
#[derive(Debug, Default)]
pub struct WebSocket {
    /// The head has come and was an upgrade: what follows are frames.
    upgraded: bool,
    /// A message in several frames, of which some have come.
    begun: Option<Begun>,
}

#[derive(Debug, Default)]
struct Begun {
    payload: Vec<u8>,
    frames: usize,
}

impl Protocol for WebSocket {
    type Request = Incoming;

    fn decode(&mut self, input: &mut Input) -> Decoded<Incoming> {
        if !self.upgraded {
            return self.head(input);
        }
        loop {
            match self.frame(input) {
                Ok(Some(incoming)) => return Decoded::Request(incoming),
                Ok(None) => {}
                Err(Stop::Incomplete) => return Decoded::Incomplete,
                Err(Stop::Broken(code, why)) => return Decoded::Malformed { answer: close(code, why), why },
            }
        }
    }

    fn is_inside_request(&self) -> bool {
        self.begun.is_some()
    }

    fn refusal(&self, why: Refusal) -> Vec<u8> {
        match (self.upgraded, why) {
            (true, Refusal::TimedOut) => close(CloseCode::Policy, "too slow"),
            (true, Refusal::NoRoom) => close(CloseCode::Again, "no memory left"),
            (false, Refusal::TimedOut) => ResponseHead::new(Status::RequestTimeout).refuse("", false),
            (false, Refusal::NoRoom) => ResponseHead::new(Status::ServiceUnavailable).refuse("", false),
        }
    }
}

/// Why there is no further message.
enum Stop {
    Incomplete,
    Broken(CloseCode, &'static str),
}

impl WebSocket {
    fn head(&mut self, input: &mut Input) -> Decoded<Incoming> {
        match RequestHead::parse(input.bytes(), &http::ACCEPTS) {
            Ok(Some((length, head))) => {
                self.upgraded = http::is_upgrade(&head);
                input.skip(length);
                Decoded::Request(Incoming::Head(head))
            }
            Ok(None) => Decoded::Incomplete,
            Err(rejection) => {
                let rejection = rejection.among(http::exists);
                Decoded::Malformed { answer: rejection.response(), why: rejection.why }
            }
        }
    }

    /// Takes one frame; `None` when it was a part of a message.
    fn frame(&mut self, input: &mut Input) -> Result<Option<Incoming>, Stop> {
        let broken = |why| Stop::Broken(CloseCode::Protocol, why);
        let mut cursor = Cursor::new(input.bytes());
        let (header, length) = FrameHeader::parse(&mut cursor)
            .map_err(|_| broken("an unknown kind of frame"))?
            .ok_or(Stop::Incomplete)?;
        let head = cursor.position() as usize;
        if !is_shortest_form(input.bytes()[1] & 0x7f, length) {
            return Err(broken("a length in a form that is not its shortest"));
        }
        if header.rsv1 || header.rsv2 || header.rsv3 {
            return Err(broken("an extension that was not agreed on"));
        }
        let mask = header.mask.ok_or(broken("a client masks its frames"))?;
        // Before the payload is awaited: no one makes us wait for, or hold, more than the limit.
        let held = self.begun.as_ref().map_or(0, |begun| begun.payload.len()) as u64;
        match header.opcode {
            OpCode::Control(_) if length > CONTROL_LIMIT || !header.is_final => {
                return Err(broken("a control frame is short and whole"));
            }
            OpCode::Data(_) if length.saturating_add(held) > MESSAGE_LIMIT as u64 => {
                return Err(Stop::Broken(CloseCode::Size, "a message longer than the limit"));
            }
            OpCode::Data(Data::Continue) if self.begun.is_none() => {
                return Err(broken("the continuation of nothing"));
            }
            OpCode::Data(Data::Text) if self.begun.is_some() => {
                return Err(broken("a message inside a message"));
            }
            OpCode::Data(Data::Binary) => {
                return Err(Stop::Broken(CloseCode::Unsupported, "messages are text here"));
            }
            _ => {}
        }
        let length = length as usize; // checked above
        if input.bytes().len() < head + length {
            return Err(Stop::Incomplete);
        }
        input.skip(head);
        let mut payload = input.take(length);
        for (byte, mask) in payload.iter_mut().zip(mask.iter().cycle()) {
            *byte ^= mask;
        }
        match header.opcode {
            OpCode::Control(Control::Ping) => Ok(Some(Incoming::Ping(payload))),
            OpCode::Control(Control::Pong) => Ok(Some(Incoming::Pong)),
            OpCode::Control(_) => close_code(&payload).map(|code| Some(Incoming::Close(code))),
            OpCode::Data(_) => self.part(payload, header.is_final),
        }
    }

    fn part(&mut self, payload: Vec<u8>, is_last: bool) -> Result<Option<Incoming>, Stop> {
        let mut begun = self.begun.take().unwrap_or_default();
        begun.frames += 1;
        if begun.payload.is_empty() {
            begun.payload = payload; // as nearly always: the one frame is the message
        } else {
            begun.payload.extend_from_slice(&payload); // in place: to copy all for each frame would be quadratic
        }
        if !is_last {
            if begun.frames >= FRAMES_LIMIT {
                return Err(Stop::Broken(CloseCode::Policy, "a message in too many frames"));
            }
            self.begun = Some(begun);
            return Ok(None);
        }
        match String::from_utf8(begun.payload) {
            Ok(text) => Ok(Some(Incoming::Text(text))),
            Err(_) => Err(Stop::Broken(CloseCode::Invalid, "text is UTF-8")),
        }
    }
}

/// Whether a length stands in its shortest form, and is below 2⁶³ (RFC 6455 section 5.2). `first` are the seven bits of the head:
/// the length itself, or 126 before two bytes, or 127 before eight.
fn is_shortest_form(first: u8, length: u64) -> bool {
    match first {
        126 => length >= 126,
        127 => (1 << 16..1 << 63).contains(&length),
        _ => true,
    }
}

/// The code in a close frame: none, or two bytes and a reason in UTF-8 (RFC 6455 section 5.5.1). Some numbers never travel, and those
/// of nobody are an error (section 7.4): 1004 to 1006 and 1015 are for a program's own use.
fn close_code(payload: &[u8]) -> Result<Option<CloseCode>, Stop> {
    let broken = |why| Stop::Broken(CloseCode::Protocol, why);
    match payload {
        [] => Ok(None),
        [_] => Err(broken("half a close code")),
        [first, second, reason @ ..] => {
            let code = u16::from_be_bytes([*first, *second]);
            if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
                return Err(broken("a close code that may not be sent"));
            }
            if str::from_utf8(reason).is_err() {
                return Err(Stop::Broken(CloseCode::Invalid, "a close reason is UTF-8"));
            }
            Ok(Some(code.into()))
        }
    }
}

/// A text message as bytes to send.
#[must_use]
pub fn text(message: String) -> Vec<u8> {
    bytes(Frame::message(message.into_bytes(), OpCode::Data(Data::Text), true))
}

/// "Are you there?"
#[must_use]
pub fn ping() -> Vec<u8> {
    bytes(Frame::ping(Vec::new()))
}

/// The answer to a ping: its own bytes.
#[must_use]
pub fn pong(payload: Vec<u8>) -> Vec<u8> {
    bytes(Frame::pong(payload))
}

/// The last frame, with its reason.
#[must_use]
pub fn close(code: CloseCode, reason: &str) -> Vec<u8> {
    // A close frame holds 125 bytes, two of them the code. Our reasons are shorter, but for serde's sentences.
    let mut end = reason.len().min(120);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    bytes(Frame::close(Some(CloseFrame { code, reason: reason[..end].to_owned().into() })))
}

fn bytes(frame: Frame) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(frame.len());
    frame.format(&mut bytes).expect("a Vec takes all that is written to it");
    bytes
}

#[cfg(test)]
mod tests;
