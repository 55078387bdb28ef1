//! The notification board's messages, in the frames of [`textframe`]. Notes, chapter 4: *notification board*.
//!
//! ```text
//! client                               server
//! 2:;              what is new?      → 1:MTc5…IGE=:MTc5…IGI=;     base64 of `<time> <ip> <port> <text>`, each once
//!                                      1:;                        nothing
//! 1:SGVsbG8=;      publish           → 0:;
//!                                    ⇠ 7:;                        pushed to every client: there is news. It asks `2:;`
//!                                      2:;  4:;                   makes no sense; no such code
//! ```
//!
//! Answers come in the order of the requests, notifications at any time. A notification carries nothing: whoever asks gets all
//! that this connection has not got yet, and so a late or double `7:;` loses and doubles no message.
//!
//! A client finds the ends of messages itself: TCP keeps no borders of messages. The notes' client does not, it takes one `recv` for
//! one message. `board-server --legacy-clients` makes that work most of the time ([`legacy_pacing`](super::legacy_pacing)).
//!
//! Line breaks inside a payload are ignored. A frame that makes no sense costs one answer; only one without an end is fatal.

use common::protocol::mboard::response::Posted;
use common::protocol::textframe::{self, Decoder, Frame, NotBase64, TooLong};

pub use common::protocol::textframe::{REQUEST_LIMIT, RESPONSE_LIMIT};

/// Request: what is new?
pub const GET: &[u8] = b"2:;";
/// Response: it is published.
pub const PUBLISHED: &[u8] = b"0:;";
/// Response: nothing is new.
pub const NOTHING_NEW: &[u8] = b"1:;";
/// Response: the request makes no sense, or the board has no room for its text; the protocol has no code of its own for that.
pub const BAD_FORMAT: &[u8] = b"2:;";
/// Response: no request has this code.
pub const UNKNOWN_CONTROL: &[u8] = b"4:;";
/// Pushed: there is news.
pub const NOTIFY: &[u8] = b"7:;";

/// What a client asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// `1`: put this text on the board. It may be empty, and may be any bytes.
    Publish(Vec<u8>),
    /// `2`: all that this connection has not got yet.
    Get,
}

/// Why a frame is no request, and with that how it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadRequest {
    /// [`BAD_FORMAT`].
    Format,
    /// [`UNKNOWN_CONTROL`].
    UnknownControl,
}

/// What a frame from a client is.
pub type Incoming = Result<Request, BadRequest>;

/// What the server says. The messages borrow from the bytes received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Response<'a> {
    /// `0`: it is on the board.
    Published,
    /// `1`: what is new, the oldest first.
    Messages(Messages<'a>),
    /// `2`: the request made no sense, or the board is full.
    BadFormat,
    /// `4`: no request has that code.
    UnknownControl,
    /// `7`: ask what is new.
    Notify,
}

/// The messages of one response, still encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Messages<'a>(&'a [u8]);

/// The server said something that the board's server would not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotTheBoard {
    /// A frame that is no response.
    #[error("the server's answer makes no sense: it is not a notification board")]
    Senseless,
    /// A frame without an end.
    #[error(transparent)]
    TooLong(#[from] TooLong),
}

/// Takes requests from the front of the bytes received so far: the server's side.
///
/// ```
/// use ch4_shared_state::notification::wire::{Request, Requests};
///
/// let mut received = b"2:;1:SGVs\nbG8=;2:".to_vec();
/// let (mut requests, mut read) = (Requests::default(), Vec::new());
/// while let Some((request, consumed)) = requests.decode(&received)? {
///     read.push(request);
///     received.drain(..consumed);
/// }
/// assert_eq!(read, [Ok(Request::Get), Ok(Request::Publish(b"Hello".to_vec()))]);
/// assert_eq!(received, b"2:");
/// # Ok::<(), common::protocol::textframe::TooLong>(())
/// ```
#[derive(Debug, Clone)]
pub struct Requests(Decoder);

impl Default for Requests {
    fn default() -> Self {
        Requests(Decoder::new(REQUEST_LIMIT))
    }
}

impl Requests {
    /// The request at the front, or why it is none, and how many bytes it took; `None` while its end has not come. Call it as
    /// [`Decoder::decode`].
    ///
    /// # Errors
    /// [`TooLong`]: nobody knows where the next request begins.
    pub fn decode(&mut self, bytes: &[u8]) -> Result<Option<(Incoming, usize)>, TooLong> {
        Ok(self.0.decode(bytes)?.map(|(frame, consumed)| (Request::parse(frame), consumed)))
    }
}

/// Takes responses from the front of the bytes received so far: the client's side.
#[derive(Debug, Clone)]
pub struct Responses(Decoder);

impl Default for Responses {
    fn default() -> Self {
        Responses(Decoder::new(RESPONSE_LIMIT))
    }
}

impl Responses {
    /// The response at the front and how many bytes it took; `None` while its end has not come. Call it as
    /// [`Decoder::decode`].
    ///
    /// # Errors
    /// [`NotTheBoard`]: the other side does not speak this protocol.
    pub fn decode<'a>(&mut self, bytes: &'a [u8]) -> Result<Option<(Response<'a>, usize)>, NotTheBoard> {
        let Some((frame, consumed)) = self.0.decode(bytes)? else { return Ok(None) };
        Ok(Some((Response::parse(frame).ok_or(NotTheBoard::Senseless)?, consumed)))
    }
}

impl Request {
    /// What a frame from a client means.
    ///
    /// # Errors
    /// [`BadRequest`]: it is answered, and the next one is read.
    pub fn parse(frame: Frame<'_>) -> Result<Request, BadRequest> {
        match frame {
            Frame::Unformed(_) => Err(BadRequest::Format),
            Frame::Coded { code: b'1', payload } => {
                textframe::piece(payload).map(Request::Publish).map_err(|_| BadRequest::Format)
            }
            Frame::Coded { code: b'2', payload } => match textframe::pieces(payload).next() {
                None => Ok(Request::Get),
                Some(_) => Err(BadRequest::Format), // it asks for something, and there is nothing to be asked for
            },
            Frame::Coded { .. } => Err(BadRequest::UnknownControl),
        }
    }

    /// Appends the frame of this request.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Request::Publish(text) => textframe::encode(b'1', [text], out),
            Request::Get => out.extend_from_slice(GET),
        }
    }
}

impl BadRequest {
    /// The frame it is answered with.
    #[must_use]
    pub fn response(self) -> &'static [u8] {
        match self {
            BadRequest::Format => BAD_FORMAT,
            BadRequest::UnknownControl => UNKNOWN_CONTROL,
        }
    }
}

impl<'a> Response<'a> {
    /// What a frame from a server means; `None` when it is no response.
    #[must_use]
    pub fn parse(frame: Frame<'a>) -> Option<Response<'a>> {
        let Frame::Coded { code, payload } = frame else { return None };
        match code {
            b'0' => Some(Response::Published),
            b'1' => Some(Response::Messages(Messages(payload))),
            b'2' => Some(Response::BadFormat),
            b'4' => Some(Response::UnknownControl),
            b'7' => Some(Response::Notify),
            _ => None,
        }
    }
}

impl<'a> Messages<'a> {
    /// As they came, with `:` between them and perhaps line breaks.
    #[must_use]
    pub fn encoded(self) -> &'a [u8] {
        self.0
    }

    /// Each decoded: what [`Posted::parse_line`] reads.
    pub fn lines(self) -> impl Iterator<Item = Result<Vec<u8>, NotBase64>> {
        textframe::pieces(self.0)
    }
}

/// Appends a message as a response carries it, with the colon before it: `:` and base64 of `<time> <ip> <port> <text>`. Such
/// pieces one behind the other, `1` before them and `;` behind them, are a response.
///
/// This is done once for a message. `scratch` is overwritten; one that is kept saves an allocation per message.
pub fn encode_message(message: &Posted<'_>, scratch: &mut Vec<u8>, out: &mut Vec<u8>) {
    scratch.clear();
    message.encode_line(scratch);
    textframe::encode_piece(scratch, out);
}

/// The response of those pieces, which [`encode_message`] made.
#[must_use]
pub fn response<'a>(pieces: impl Iterator<Item = &'a [u8]> + Clone) -> Vec<u8> {
    let length: usize = pieces.clone().map(<[u8]>::len).sum();
    if length == 0 {
        return NOTHING_NEW.to_vec();
    }
    let mut out = Vec::with_capacity(length + 2);
    out.push(b'1');
    for piece in pieces {
        out.extend_from_slice(piece);
    }
    out.push(b';');
    out
}

#[cfg(test)]
mod tests;
