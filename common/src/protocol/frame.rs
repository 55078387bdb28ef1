//! Frames for our own protocols: a length, then one value in bincode. The only file that names bincode.
//!
//! ```text
//! ┌────────────────────┬──────────────────────────┐
//! │ length: u32, big   │ value: bincode 1.3,      │
//! │ endian (4 bytes)   │ DefaultOptions (length)  │
//! └────────────────────┴──────────────────────────┘
//! ```
//!
//! TCP carries bytes, not messages: one `recv` may bring half a frame or three. The length says where a frame ends, and it is
//! compared with a limit before a byte of memory is taken for it, because who sends it may be lying.
//!
//! The trap of bincode 1: `bincode::serialize` writes integers at full width, `DefaultOptions` writes small ones short. Each
//! reads the other's bytes as nonsense and seldom notices. So the options are written once, here.
//!
//! A list inside the value has a length of its own, which may lie as well: serde then reserves 1 MiB at most and finds the
//! bytes missing. But do not frame a list of values that take no bytes, such as `Vec<()>`: nothing bounds its claimed length.

use bincode::{DefaultOptions, Options};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Bytes before the value: its length.
pub const HEADER: usize = 4;

/// Why bytes are no frame, or a value makes none. After an error in decoding the stream is lost: close it.
#[derive(Debug, Error)]
pub enum FrameError {
    /// The value takes, or claims to take, more bytes than the limit.
    #[error("a frame of {length} bytes, the limit is {limit}")]
    TooLong {
        /// Bytes of the value, without the header.
        length: u64,
        /// The limit that was given.
        limit: u32,
    },
    /// The bytes are not the value, or more than the value. Or serde refuses to write it.
    #[error("not a well-formed value")]
    Malformed(#[source] bincode::Error),
}

/// Appends the frame of `value` to `out`, unless the value is longer than `limit` bytes.
///
/// # Errors
/// [`FrameError`]; `out` is then as it was.
pub fn encode<T: Serialize>(value: &T, limit: u32, out: &mut Vec<u8>) -> Result<(), FrameError> {
    // Counted first: a value over the limit must not be half written, and bincode's own limit would not say how long it is.
    let length = options(u64::MAX).serialized_size(value).map_err(FrameError::Malformed)?;
    let header = match u32::try_from(length) {
        Ok(length) if length <= limit => length.to_be_bytes(),
        _ => return Err(FrameError::TooLong { length, limit }),
    };
    let start = out.len();
    out.extend_from_slice(&header);
    options(length).serialize_into(&mut *out, value).map_err(|error| {
        out.truncate(start);
        FrameError::Malformed(error)
    })
}

/// Takes one frame from the front of `bytes`: `None` while it is incomplete, else the value and how many bytes it took.
///
/// The value may borrow from `bytes`. Nothing is allocated before the whole frame is here, and a frame longer than `limit`
/// is refused as soon as its header is.
///
/// ```
/// use common::protocol::frame;
///
/// let mut received = Vec::new();
/// frame::encode(&("guess", 'e'), 100, &mut received)?;
/// frame::encode(&("guess", 'x'), 100, &mut received)?;
///
/// let mut letters = Vec::new();
/// while let Some(((_, letter), consumed)) = frame::decode::<(&str, char)>(&received, 100)? {
///     letters.push(letter);
///     received.drain(..consumed);
/// }
/// assert_eq!(letters, ['e', 'x']);
/// # Ok::<(), frame::FrameError>(())
/// ```
///
/// # Errors
/// [`FrameError`]; bytes left over inside a frame are malformed too.
pub fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8], limit: u32) -> Result<Option<(T, usize)>, FrameError> {
    let Some((header, rest)) = bytes.split_first_chunk::<HEADER>() else { return Ok(None) };
    let length = u32::from_be_bytes(*header);
    if length > limit {
        return Err(FrameError::TooLong { length: length.into(), limit });
    }
    let Some(value) = rest.get(..length as usize) else { return Ok(None) };
    let value = options(length.into()).deserialize(value).map_err(FrameError::Malformed)?;
    Ok(Some((value, HEADER + length as usize)))
}

/// `DefaultOptions`: short integers, little endian, left-over bytes refused.
fn options(limit: u64) -> impl Options {
    DefaultOptions::new().with_limit(limit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    enum Message {
        Ping,
        Text(String),
        Numbers { list: Vec<u64>, last: Option<i32> },
    }

    fn message() -> impl Strategy<Value = Message> {
        prop_oneof![
            Just(Message::Ping),
            ".{0,40}".prop_map(Message::Text),
            (prop::collection::vec(any::<u64>(), 0..20), any::<Option<i32>>())
                .prop_map(|(list, last)| Message::Numbers { list, last }),
        ]
    }

    const LIMIT: u32 = 1024;

    #[test]
    fn the_bytes_are_these() {
        let mut out = Vec::new();
        encode(&Message::Text("hi".into()), LIMIT, &mut out).unwrap();
        assert_eq!(out, [0, 0, 0, 4, 1, 2, b'h', b'i']);
    }

    #[test]
    fn a_claimed_length_over_the_limit_is_refused_at_the_header() {
        let refused = decode::<Message>(&[0xff; HEADER], LIMIT);
        assert!(matches!(refused, Err(FrameError::TooLong { length: 0xffff_ffff, limit: LIMIT })));
        assert!(decode::<Message>(&LIMIT.to_be_bytes(), LIMIT).unwrap().is_none());
    }

    #[test]
    fn a_claimed_length_inside_the_value_is_refused_too() {
        // Variant 1, then a string of 2^63 bytes (253: an integer of 64 bits follows).
        let lie = [0, 0, 0, 10, 1, 253, 0, 0, 0, 0, 0, 0, 0, 0x80];
        assert!(matches!(decode::<Message>(&lie, LIMIT), Err(FrameError::Malformed(_))));
        // Variant 2, then a list of 2^63 numbers.
        let lie = [0, 0, 0, 10, 2, 253, 0, 0, 0, 0, 0, 0, 0, 0x80];
        assert!(matches!(decode::<Message>(&lie, LIMIT), Err(FrameError::Malformed(_))));
    }

    #[test]
    fn a_value_over_the_limit_is_not_written() {
        let mut out = vec![7];
        let refused = encode(&"x".repeat(100), 100, &mut out);
        assert!(matches!(refused, Err(FrameError::TooLong { length: 101, limit: 100 })));
        assert_eq!(out, [7]);
    }

    #[test]
    fn bytes_left_over_are_an_error() {
        assert!(matches!(decode::<Message>(&[0, 0, 0, 2, 0, 0], LIMIT), Err(FrameError::Malformed(_))));
        assert_eq!(decode::<Message>(&[0, 0, 0, 1, 0, 9], LIMIT).unwrap(), Some((Message::Ping, 5)));
    }

    proptest! {
        #[test]
        fn any_bytes_do_no_harm(bytes: Vec<u8>) {
            let _ = decode::<Message>(&bytes, LIMIT);
        }

        #[test]
        fn every_split_gives_the_same_values(messages in prop::collection::vec(message(), 0..6), step in 1usize..40) {
            let mut stream = Vec::new();
            for message in &messages {
                encode(message, LIMIT, &mut stream).unwrap();
            }
            let (mut received, mut decoded) = (Vec::new(), Vec::new());
            for piece in stream.chunks(step) {
                received.extend_from_slice(piece);
                while let Some((message, consumed)) = decode::<Message>(&received, LIMIT).unwrap() {
                    decoded.push(message);
                    received.drain(..consumed);
                }
            }
            prop_assert_eq!(decoded, messages);
            prop_assert!(received.is_empty());
        }
    }
}
