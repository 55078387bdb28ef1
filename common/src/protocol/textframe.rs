//! Frames of text that a person can type: `code:payload;`. Notes, chapter 4: notification board and guess-word game.
//!
//! ```text
//! 1:SGVsbG8=;2:;          two frames
//! │ └──────┴ payload, up to the `;`: base64 pieces with `:` between, or for a guess one raw letter
//! └ code, one byte
//! ```
//!
//! The end is a mark instead of a length, so the payload must not contain it: hence base64, which costs a third more bytes and
//! can carry anything. Decoding goes in two steps, because a guess (`B:e;`) is not base64: [`Decoder`] finds the frame, and
//! [`pieces`] or [`piece`] reads its payload.
//!
//! After a frame that means nothing the next one is still found behind the `;`: a slip of the fingers costs one answer, not the
//! connection. Only a frame without an end is fatal.

use base64::prelude::{BASE64_STANDARD, Engine};
use thiserror::Error;

/// The longest frame a server takes, in bytes with its `;`: base64 of a message of about 768 KiB.
pub const REQUEST_LIMIT: usize = 1 << 20;

/// The longest frame a client takes, in bytes with its `;`: the answer to GET carries a whole board.
pub const RESPONSE_LIMIT: usize = 256 << 20;

/// What stands between two `;`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame<'a> {
    /// `code:payload`
    Coded {
        /// The byte before the first colon.
        code: u8,
        /// Everything behind the first colon, raw.
        payload: &'a [u8],
    },
    /// Anything else, such as nothing at all, or a code of two letters: answer "bad format" and go on.
    Unformed(&'a [u8]),
}

/// A frame with no end within the limit. Nobody knows where the next one begins: close the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("no end of the frame within {limit} bytes")]
pub struct TooLong {
    /// The limit that was given.
    pub limit: usize,
}

/// The payload is not base64 (RFC 4648, section 4: the standard alphabet, with padding).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the payload is not base64")]
pub struct NotBase64;

/// A raw payload that would end its frame early, or lose a line break on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a raw payload cannot contain `;` or a line break")]
pub struct Unframable;

/// Takes frames from the front of the bytes received so far, in time that is linear in the bytes.
///
/// ```
/// use common::protocol::textframe::{Decoder, Frame, REQUEST_LIMIT};
///
/// let mut received = b"B:e;2:;1:SGVs".to_vec();
/// let mut decoder = Decoder::new(REQUEST_LIMIT);
/// let mut codes = Vec::new();
/// while let Some((frame, consumed)) = decoder.decode(&received)? {
///     if let Frame::Coded { code, .. } = frame {
///         codes.push(code);
///     }
///     received.drain(..consumed);
/// }
/// assert_eq!((codes, received), (b"B2".to_vec(), b"1:SGVs".to_vec()));
/// # Ok::<(), common::protocol::textframe::TooLong>(())
/// ```
#[derive(Debug, Clone)]
pub struct Decoder {
    limit: usize,
    /// So many bytes at the front are known to hold no `;`. Without it a long frame that comes in small segments would be
    /// searched from its start after each: a client could keep a core busy with a slow upload.
    searched: usize,
}

impl Decoder {
    /// A decoder of frames up to `limit` bytes, the `;` and the line breaks included.
    pub fn new(limit: usize) -> Decoder {
        Decoder { limit, searched: 0 }
    }

    /// The frame at the front of `bytes` and how many bytes it took; `None` while its end has not come.
    ///
    /// After `None` call again with the same bytes and more behind them; after a frame, with its bytes dropped. Line breaks
    /// before a frame are skipped.
    ///
    /// # Errors
    /// [`TooLong`], for ever after.
    pub fn decode<'a>(&mut self, bytes: &'a [u8]) -> Result<Option<(Frame<'a>, usize)>, TooLong> {
        let within = &bytes[..bytes.len().min(self.limit)];
        let unseen = within.get(self.searched..).unwrap_or_default();
        let Some(end) = unseen.iter().position(|&byte| byte == b';').map(|at| self.searched + at) else {
            self.searched = within.len();
            return if bytes.len() < self.limit { Ok(None) } else { Err(TooLong { limit: self.limit }) };
        };
        self.searched = 0;
        Ok(Some((Frame::parse(&within[..end]), end + 1)))
    }
}

impl<'a> Frame<'a> {
    fn parse(frame: &'a [u8]) -> Frame<'a> {
        let start = frame.iter().position(|&byte| !is_line_break(byte)).unwrap_or(frame.len());
        match &frame[start..] {
            [code, b':', payload @ ..] => Frame::Coded { code: *code, payload },
            unformed => Frame::Unformed(unformed),
        }
    }
}

/// The pieces of a payload, decoded. An empty payload has none: `1:;` is the answer "nothing new".
pub fn pieces(payload: &[u8]) -> impl Iterator<Item = Result<Vec<u8>, NotBase64>> {
    let empty = payload.iter().all(|&byte| is_line_break(byte));
    payload.split(|&byte| byte == b':').filter(move |_| !empty).map(piece)
}

/// A payload of one piece, decoded; it may be empty. Line breaks are ignored, as encoders for mail put one every 76 letters.
///
/// # Errors
/// [`NotBase64`], also when there is a second piece.
pub fn piece(payload: &[u8]) -> Result<Vec<u8>, NotBase64> {
    let decoded = if payload.iter().any(|&byte| is_line_break(byte)) {
        let letters: Vec<u8> = payload.iter().copied().filter(|&byte| !is_line_break(byte)).collect();
        BASE64_STANDARD.decode(letters)
    } else {
        BASE64_STANDARD.decode(payload)
    };
    decoded.map_err(|_| NotBase64)
}

/// Appends a frame whose payload is `pieces` in base64 with `:` between them.
pub fn encode(code: u8, pieces: impl IntoIterator<Item = impl AsRef<[u8]>>, out: &mut Vec<u8>) {
    out.push(code);
    let empty = out.len();
    for piece in pieces {
        encode_piece(piece.as_ref(), out);
    }
    if out.len() == empty {
        out.push(b':');
    }
    out.push(b';');
}

/// Appends one piece and the colon before it: for whoever keeps pieces to put them together later.
pub fn encode_piece(piece: &[u8], out: &mut Vec<u8>) {
    out.push(b':');
    let start = out.len();
    out.resize(start + piece.len().div_ceil(3) * 4, 0);
    BASE64_STANDARD.encode_slice(piece, &mut out[start..]).expect("four letters for every three bytes");
}

/// Appends a frame with the payload as it is: a guessed letter, or the `1` of `b:1;`.
///
/// # Errors
/// [`Unframable`], and `out` is as it was.
pub fn encode_raw(code: u8, payload: &[u8], out: &mut Vec<u8>) -> Result<(), Unframable> {
    if payload.iter().any(|&byte| byte == b';' || is_line_break(byte)) {
        return Err(Unframable);
    }
    out.extend_from_slice(&[code, b':']);
    out.extend_from_slice(payload);
    out.push(b';');
    Ok(())
}

fn is_line_break(byte: u8) -> bool {
    byte == b'\n' || byte == b'\r'
}

#[cfg(test)]
mod tests;
