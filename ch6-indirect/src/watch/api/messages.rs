//! Messages that were got by hand, as they are answered: one at a time.

use std::sync::Arc;
use std::time::Instant;
use std::vec::IntoIter;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use common::core::service::{BodyStream, Piece};
use serde_json::{Value, json};

use crate::broker::{Message, Output};
use crate::watch::properties;

/// A message that was got.
pub struct Got {
    message: Arc<Message>,
    is_redelivered: bool,
    left: u32,
}

impl Got {
    /// It, if that is what was put out.
    pub fn of(output: Output) -> Option<Got> {
        match output {
            Output::GetOk { redelivered: is_redelivered, message_count: left, message, .. } => {
                Some(Got { message, is_redelivered, left })
            }
            _ => None,
        }
    }

    fn json(&self, is_base64: bool, truncate: Option<usize>) -> Value {
        let Message { exchange, routing_key, content, .. } = &*self.message;
        let body = content.body();
        let shown = &body[..truncate.unwrap_or(usize::MAX).min(body.len())];
        let (payload, encoding) = match std::str::from_utf8(shown) {
            Ok(text) if !is_base64 => (text.to_owned(), "string"),
            _ => (BASE64.encode(shown), "base64"),
        };
        json!({
            "payload_bytes": body.len(),
            "redelivered": self.is_redelivered,
            "exchange": exchange,
            "routing_key": routing_key,
            "message_count": self.left,
            "properties": properties::to_object(content),
            "payload": payload,
            "payload_encoding": encoding,
        })
    }
}

/// Messages as an array of JSON, in chunks (RFC 9112 section 7.1), one at a time: thousands of long ones are not held twice.
pub struct Messages {
    head: Vec<u8>,
    got: IntoIter<Got>,
    /// What stands before the next one; 0 behind the end.
    separator: u8,
    is_base64: bool,
    truncate: Option<usize>,
}

impl Messages {
    /// These, as texts or in base64, cut after so many bytes.
    #[must_use]
    pub fn new(got: Vec<Got>, is_base64: bool, truncate: Option<usize>) -> Messages {
        Messages { head: Vec::new(), got: got.into_iter(), separator: b'[', is_base64, truncate }
    }

    /// With the head of an answer before them.
    #[must_use]
    pub fn behind(mut self, head: Vec<u8>) -> Messages {
        self.head = head;
        self
    }
}

impl BodyStream for Messages {
    fn poll_piece(&mut self, _now: Instant) -> Piece {
        let mut piece = std::mem::take(&mut self.head);
        match self.got.next() {
            Some(got) => {
                let text = got.json(self.is_base64, self.truncate).to_string();
                piece.extend_from_slice(format!("{:x}\r\n", text.len() + 1).as_bytes());
                piece.push(std::mem::replace(&mut self.separator, b','));
                piece.extend_from_slice(text.as_bytes());
                piece.extend_from_slice(b"\r\n");
            }
            None => match std::mem::take(&mut self.separator) {
                0 => return Piece::End,
                b'[' => piece.extend_from_slice(b"2\r\n[]\r\n0\r\n\r\n"),
                _ => piece.extend_from_slice(b"1\r\n]\r\n0\r\n\r\n"),
            },
        }
        Piece::Bytes(piece)
    }
}
