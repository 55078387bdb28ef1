//! A message as the body of a datagram: no length before it, since a datagram has one.
//!
//! ```text
//! ┌────────┬──────────────────────────────┐
//! │ 1      │ one message of tarpc, in     │     at most LONGEST bytes
//! │ 1 byte │ bincode                      │
//! └────────┴──────────────────────────────┘
//! ```
//!
//! The first byte tells it from the calls of `semantics serve`, which come in the same datagrams and begin with 0: a client that has found
//! the wrong one of the two servers is told that its call is not understood.

use std::io;

use bytes::{BufMut, BytesMut};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tarpc::{ClientMessage, Response, context};

use super::format::Format;
use super::incoming::{self, Received};
use super::write_answer;
use crate::semantics::datagram::LONGEST_BODY;

/// Bytes of a message that fit into one datagram.
pub const LONGEST: usize = LONGEST_BODY - 1;

/// What a message of tarpc begins with.
const TARPC: u8 = 1;

/// Writes a request.
///
/// # Errors
/// It does not fit into a datagram.
pub fn write_request<M: Serialize>(message: &ClientMessage<M>) -> io::Result<Vec<u8>> {
    let mut body = BytesMut::new();
    body.put_u8(TARPC);
    Format::Bincode.write(message, LONGEST, &mut body)?;
    Ok(body.to_vec())
}

/// Reads a request; `None` for what is none.
#[must_use]
pub fn read_request<M: DeserializeOwned>(body: &[u8], context: context::Context) -> Option<Received<M>> {
    incoming::read(Format::Bincode, message(body)?, context).ok()
}

/// Writes an answer; in the place of one that is longer than `limit`, that it is too long.
#[must_use]
pub fn write_response<R: Serialize>(response: &Response<R>, limit: usize) -> Vec<u8> {
    let mut body = BytesMut::new();
    body.put_u8(TARPC);
    // Without a message it is no answer, and the client says that it cannot read it.
    let _ = write_answer(Format::Bincode, response, limit, LONGEST, &mut body);
    body.to_vec()
}

/// Reads an answer; `None` for what is none.
#[must_use]
pub fn read_response<R: DeserializeOwned>(body: &[u8]) -> Option<Response<R>> {
    Format::Bincode.read(message(body)?).ok()
}

fn message(body: &[u8]) -> Option<&[u8]> {
    body.split_first().filter(|(first, _)| **first == TARPC).map(|(_, message)| message)
}
