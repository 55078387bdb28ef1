//! The request that publishes a text.

use crate::notification::wire::{REQUEST_LIMIT, Request};

/// A text for which the server has no room under any circumstances.
#[derive(Debug, thiserror::Error)]
#[error("the message is too long for a notification board: at most {} bytes", REQUEST_LIMIT / 4 * 3 - 3)]
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
        let longest = REQUEST_LIMIT / 4 * 3 - 3;
        assert!(request(vec![0; longest]).is_ok());
        assert!(request(vec![0; longest + 1]).unwrap_err().to_string().contains(&longest.to_string()));
    }
}
