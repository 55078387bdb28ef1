//! The request that publishes a text.

use crate::notification::wire::{REQUEST_LIMIT, Request};

/// The longest text, in bytes: the frame has it in base64.
pub const LONGEST: usize = REQUEST_LIMIT / 4 * 3 - 3;

/// A text for which the server has no room under any circumstances.
#[derive(Debug, thiserror::Error)]
#[error("the message is too long for a notification board: at most {LONGEST} bytes")]
pub struct TooLong;

/// The frame that publishes a text.
pub fn request(text: Vec<u8>) -> Result<Vec<u8>, TooLong> {
    let mut frame = Vec::new();
    Request::Publish(text).encode(&mut frame);
    if frame.len() > REQUEST_LIMIT { Err(TooLong) } else { Ok(frame) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_message_is_as_long_as_is_said() {
        assert!(request(vec![0; LONGEST]).is_ok());
        assert!(request(vec![0; LONGEST + 1]).unwrap_err().to_string().contains(&LONGEST.to_string()));
    }
}
