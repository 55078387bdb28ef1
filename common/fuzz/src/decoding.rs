//! A stream decoded whole and in pieces, and messages compared: what targets of several chapters check alike.

use std::fmt::Debug;

use common::protocol::mboard::response::Posted;

/// Messages, and the error that ended them if one did.
pub(super) type Decoded<T> = (Vec<T>, Option<String>);

/// Decodes the stream behind the first byte whole, and in pieces as long as this byte says.
pub(super) fn both_ways<T: Debug + PartialEq>(
    bytes: &[u8],
    decode: impl Fn(std::slice::Chunks<'_, u8>) -> Decoded<T>,
) -> Decoded<T> {
    let Some((&step, stream)) = bytes.split_first() else { return (Vec::new(), None) };
    let whole = decode(stream.chunks(stream.len().max(1)));
    assert_eq!(decode(stream.chunks(usize::from(step).max(1))), whole);
    whole
}

/// Decodes a stream that comes in these pieces.
pub(super) fn decode<T>(
    pieces: std::slice::Chunks<'_, u8>,
    mut decode: impl FnMut(&[u8]) -> Result<Option<(T, usize)>, String>,
) -> Decoded<T> {
    let (mut received, mut found) = (Vec::new(), Vec::new());
    for piece in pieces {
        received.extend_from_slice(piece);
        loop {
            match decode(&received) {
                Ok(None) => break,
                Ok(Some((value, consumed))) => {
                    assert!(0 < consumed && consumed <= received.len());
                    received.drain(..consumed);
                    found.push(value);
                }
                Err(error) => return (found, Some(error)),
            }
        }
    }
    (found, None)
}

/// The time is cut to two decimals when it is written, and an IPv4 client of an IPv6 socket becomes an IPv4 client.
pub(super) fn assert_same(one: &Posted<'_>, other: &Posted<'_>) {
    assert_eq!(one.text, other.text);
    assert_eq!(one.from.ip().to_canonical(), other.from.ip().to_canonical());
    assert_eq!(one.from.port(), other.from.port());
    assert_eq!(one.time.to_string(), other.time.to_string());
}
