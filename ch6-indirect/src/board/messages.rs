//! What is in the board's queues: a byte that says the version, then a frame of bincode.
//!
//! ```text
//! ┌─────────┬────────────────┬──────────────┐
//! │ version │ length, 4 bytes│ the value    │
//! └─────────┴────────────────┴──────────────┘
//! ```
//!
//! Messages may wait in a queue for longer than a program lives: so a newer program must know what it reads. A version that it does not
//! know it leaves alone, with a word in the log.

use anyhow::{Context, ensure};
use common::protocol::frame;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::MOST_BYTES;

const VERSION: u8 = 1;

/// What a client asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The client's number for it: never used twice.
    pub id: u128,
    /// What.
    pub ask: Ask,
}

/// What a client asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ask {
    /// Put this text on the board.
    Publish(String),
    /// The last so many messages, 0 for all; from a board that has at least `seen` messages.
    Last { count: u64, seen: u64 },
}

/// What stands in the stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Entry {
    /// A message on the board.
    Message(Message),
    /// A server has come. When it reads its own mark, it has read all that was there before it.
    Mark(u128),
}

/// A message on the board.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The number of the request.
    pub id: u128,
    /// When a server took it, milliseconds since 1970.
    pub posted: u64,
    /// The text.
    pub text: String,
}

/// What a server answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The number of the request.
    pub id: u128,
    /// How many messages the board has.
    pub length: u64,
    /// What has come of it.
    pub outcome: Outcome,
}

/// What has come of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// The message is on the board, the so-manyth from 0.
    Published(u64),
    /// The messages that were asked for: place, time, text.
    Messages(Vec<(u64, u64, String)>),
}

/// The bytes of a value.
///
/// # Errors
/// It is too long.
pub fn encode<T: Serialize>(value: &T) -> anyhow::Result<Vec<u8>> {
    let mut bytes = vec![VERSION];
    frame::encode(value, MOST_BYTES, &mut bytes)?;
    Ok(bytes)
}

/// The value of these bytes.
///
/// # Errors
/// They are of another version, or no such value.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> anyhow::Result<T> {
    let (version, bytes) = bytes.split_first().context("it is empty")?;
    ensure!(*version == VERSION, "its version is {version}, and this program knows {VERSION}");
    let (value, length) = frame::decode(bytes, MOST_BYTES)?.context("it is cut")?;
    ensure!(length == bytes.len(), "there is more behind it");
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_comes_back_and_another_version_does_not() {
        let request = Request { id: 7, ask: Ask::Publish("ä".into()) };
        let mut bytes = encode(&request).unwrap();
        assert_eq!(decode::<Request>(&bytes).unwrap(), request);
        assert!(decode::<Request>(&bytes[..bytes.len() - 1]).is_err());
        bytes.push(0);
        assert!(decode::<Request>(&bytes).is_err());
        bytes.pop();
        bytes[0] = 2;
        assert!(decode::<Request>(&bytes).unwrap_err().to_string().contains("version is 2"));
    }
}
