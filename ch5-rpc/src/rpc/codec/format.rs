//! The two encodings: bincode as tarpc has it, and JSON. The only file of this chapter's RPC that names them.
//!
//! bincode is short and says nothing about itself: who reads has to know the types. JSON says the name of every member, and a client in
//! any language can write it; the same request is five times as long.

use std::io;

use bincode::{DefaultOptions, Options};
use bytes::BytesMut;
use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

/// How a message is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// bincode 1.3 with `DefaultOptions`: short integers, bytes left over are an error.
    Bincode,
    /// JSON.
    Json,
}

/// The message is longer than the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the message is longer than the {0} bytes of a frame")]
pub struct TooLong(pub usize);

impl Format {
    /// Reads a whole message.
    pub fn read<T: DeserializeOwned>(self, message: &[u8]) -> io::Result<T> {
        match self {
            // A list whose claimed length lies gets 1 MiB at most, and then the bytes are missing.
            Format::Bincode => DefaultOptions::new()
                .with_limit(message.len() as u64)
                .deserialize(message)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error)),
            Format::Json => serde_json::from_slice(message)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error)),
        }
    }

    /// Reads a value that bytes may follow.
    pub fn read_front<T: DeserializeOwned>(self, message: &[u8]) -> Option<T> {
        match self {
            Format::Bincode => DefaultOptions::new()
                .with_limit(message.len() as u64)
                .allow_trailing_bytes()
                .deserialize(message)
                .ok(),
            Format::Json => serde_json::Deserializer::from_slice(message).into_iter().next()?.ok(),
        }
    }

    /// Appends a message. After an error a part of it may have been written.
    pub fn write(self, value: &impl Serialize, limit: usize, out: &mut BytesMut) -> io::Result<()> {
        let mut bounded = Bounded { left: limit, limit, out };
        match self {
            Format::Bincode => {
                DefaultOptions::new().serialize_into(&mut bounded, value).map_err(|error| match *error {
                    bincode::ErrorKind::Io(error) => error,
                    other => io::Error::other(other),
                })
            }
            Format::Json => serde_json::to_writer(bounded, value).map_err(io::Error::from),
        }
    }

    /// The head of a request, with its id, is no longer than this.
    pub fn head_length(self) -> usize {
        match self {
            Format::Bincode => 64,
            Format::Json => 1024,
        }
    }
}

/// Refuses the byte that is over the limit: an answer of a gigabyte is not written to find out how long it is.
struct Bounded<'a> {
    left: usize,
    limit: usize,
    out: &'a mut BytesMut,
}

impl io::Write for Bounded<'_> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.left =
            self.left.checked_sub(bytes.len()).ok_or_else(|| io::Error::other(TooLong(self.limit)))?;
        self.out.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
