//! What requests and responses have in common: a payload that is text, and a frame that is nothing but its code.

use common::protocol::textframe::piece;

/// The text of a payload in base64; `None` when it is none.
pub fn text(payload: &[u8]) -> Option<String> {
    String::from_utf8(piece(payload).ok()?).ok()
}

/// Appends the frame of a code without a payload.
pub fn encode_code(code: u8, out: &mut Vec<u8>) {
    out.extend_from_slice(&[code, b':', b';']);
}
