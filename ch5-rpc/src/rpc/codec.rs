//! Frames with a limit: what turns bytes into requests and answers on both sides.
//!
//! ```text
//! ┌────────────────────┬──────────────────────────────┐
//! │ length: u32, big   │ one message of tarpc, in     │
//! │ endian (4 bytes)   │ bincode or JSON  (`format`)  │
//! └────────────────────┴──────────────────────────────┘
//! ```
//!
//! These are the bytes of tarpc's own transport, so its clients and servers understand ours. What differs is the end of patience:
//!
//! | what comes | tarpc's own codec | here |
//! |---|---|---|
//! | a deadline of 2^64 seconds | the task of the connection panics | this call is refused |
//! | a request that is too long | the connection is reset | this call is refused, then the connection ends |
//! | a request that cannot be read | the same | the same |
//! | an answer that is too long | all calls in flight fail | this call gets an error |
//!
//! A frame that is too long is refused when its head has come, and no memory is taken for the rest. So is one that finds no [`Room`]
//! beside the unfinished requests and the unread answers of others; and an answer that finds none becomes an error of its call.

pub mod body;
mod format;
mod incoming;
mod room;

use std::io;
use std::marker::PhantomData;

use bytes::{Buf, BufMut, BytesMut};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tarpc::{ClientMessage, Response, ServerError, context};
use thiserror::Error;
use tokio_util::codec::{Decoder, Encoder};

pub use format::Format;
pub use incoming::{LONGEST_DEADLINE, Received};
pub use room::Room;

use super::refusal::{NotBegun, Refusal};
use crate::misfit::what_answers;
use format::TooLong;
use room::{FREE, Place};

/// Bytes before the message: its length.
const HEADER: usize = 4;

/// The frames of a server: requests come, answers go.
#[derive(Debug)]
pub struct ServerCodec<M> {
    format: Format,
    limit: usize,
    /// A context to copy: tarpc makes one only by asking the tracing of the thread, which costs more than the call.
    context: context::Context,
    /// For a request that has begun and is not whole.
    request: Place,
    /// For answers that are not sent.
    answers: Place,
    message: PhantomData<fn() -> M>,
}

impl<M> ServerCodec<M> {
    /// Messages of at most `limit` bytes. Requests that are not whole and answers that are not sent share the room.
    #[must_use]
    pub fn new(format: Format, limit: usize, room: &Room) -> ServerCodec<M> {
        let (context, request, answers) = (context::current(), room.place(), room.place());
        ServerCodec { format, limit, context, request, answers, message: PhantomData }
    }

    /// All answers are sent, from this buffer. One that was long goes: a client that asks nothing more would hold it.
    pub fn sent(&mut self) -> Option<BytesMut> {
        if self.answers.is_empty() {
            return None;
        }
        self.answers.clear();
        Some(BytesMut::new())
    }

    /// The first bytes of a long message name its call, which is refused.
    fn refuse(&self, message: &[u8], length: usize, why: NotBegun) -> io::Result<Option<Received<M>>> {
        let wanted = self.format.head_length().min(length);
        let Some(head) = message.get(..wanted) else { return Ok(None) };
        let id = incoming::id(self.format, head).ok_or_else(|| too_long(length))?;
        Ok(Some(Received::Unreadable { id, why }))
    }
}

impl<M: DeserializeOwned> Decoder for ServerCodec<M> {
    type Item = Received<M>;
    type Error = io::Error;

    fn decode(&mut self, bytes: &mut BytesMut) -> io::Result<Option<Received<M>>> {
        let Some(length) = length(bytes) else { return Ok(None) };
        let message = &bytes[HEADER..];
        if length > self.limit {
            return self.refuse(message, length, NotBegun::RequestTooLong(self.limit as u64));
        }
        let Some(message) = message.get(..length) else {
            if message.len() > FREE && !self.request.grow(length) {
                return self.refuse(message, length, NotBegun::NoRoom);
            }
            return Ok(None);
        };
        let received = incoming::read(self.format, message, self.context)?;
        bytes.advance(HEADER + length);
        if length > FREE {
            *bytes = BytesMut::from(&bytes[..]); // the memory of the long request goes
            self.request.clear();
        }
        Ok(Some(received))
    }
}

impl<M, R: Serialize> Encoder<Response<R>> for ServerCodec<M> {
    type Error = io::Error;

    fn encode(&mut self, response: Response<R>, out: &mut BytesMut) -> io::Result<()> {
        let start = out.len();
        write_frame(out, |out| write_answer(self.format, &response, self.limit, self.limit, out))?;
        if out.len() <= FREE || self.answers.grow(out.len()) {
            return Ok(());
        }
        *out = BytesMut::from(&out[..start]);
        write_frame(out, |out| {
            write_refusal(self.format, response.request_id, &Refusal::NoRoomForAnswer, self.limit, out)
        })
    }
}

/// The frames of a client: requests go, answers come.
#[derive(Debug)]
pub struct ClientCodec<R> {
    format: Format,
    limit: usize,
    /// There was an answer: it is a board.
    has_answered: bool,
    answer: PhantomData<fn() -> R>,
}

/// What has come first is no answer of a board that speaks as we do: it cannot have read the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Misfit(pub &'static str);

impl<R> ClientCodec<R> {
    /// What answers, if it is the first answer.
    fn misfit(&self, bytes: &[u8]) -> Option<io::Error> {
        let other = what_answers(bytes).unwrap_or("what answers there is no board");
        (!self.has_answered).then(|| io::Error::new(io::ErrorKind::InvalidData, Misfit(other)))
    }

    /// Messages of at most `limit` bytes.
    #[must_use]
    pub fn new(format: Format, limit: usize) -> ClientCodec<R> {
        ClientCodec { format, limit, has_answered: false, answer: PhantomData }
    }
}

impl<R: DeserializeOwned> Decoder for ClientCodec<R> {
    type Item = Response<R>;
    type Error = io::Error;

    fn decode(&mut self, bytes: &mut BytesMut) -> io::Result<Option<Response<R>>> {
        let Some(length) = length(bytes) else { return Ok(None) };
        if length > self.limit {
            return Err(self.misfit(bytes).unwrap_or_else(|| too_long(length)));
        }
        let Some(message) = bytes[HEADER..].get(..length) else { return Ok(None) };
        let response: Response<R> =
            self.format.read(message).map_err(|error| self.misfit(bytes).unwrap_or(error))?;
        bytes.advance(HEADER + length);
        self.has_answered = true;
        Ok(Some(response))
    }
}

impl<M: Serialize, R> Encoder<ClientMessage<M>> for ClientCodec<R> {
    type Error = io::Error;

    /// A request that is too long is an error of its call alone: nothing of it has been written.
    fn encode(&mut self, message: ClientMessage<M>, out: &mut BytesMut) -> io::Result<()> {
        write_frame(out, |out| self.format.write(&message, self.limit, out))
    }
}

/// What the header says, once it has come.
fn length(bytes: &BytesMut) -> Option<usize> {
    bytes.first_chunk().map(|header| u32::from_be_bytes(*header) as usize)
}

fn too_long(length: usize) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("a frame of {length} bytes, which is over the limit"))
}

/// Appends an answer. In the place of one that is longer than `limit` it is an error, of `longest` bytes at most.
fn write_answer<R: Serialize>(
    format: Format,
    response: &Response<R>,
    limit: usize,
    longest: usize,
    out: &mut BytesMut,
) -> io::Result<()> {
    let start = out.len();
    let Err(error) = format.write(response, limit, out) else { return Ok(()) };
    out.truncate(start);
    let refusal = match error.get_ref() {
        Some(inner) if inner.is::<TooLong>() => Refusal::AnswerTooLong(limit as u64),
        _ => Refusal::Crashed(format!("its answer cannot be written: {error}")),
    };
    write_refusal(format, response.request_id, &refusal, longest, out)
}

/// Writes an error in the place of an answer.
fn write_refusal(
    format: Format,
    request_id: u64,
    refusal: &Refusal,
    longest: usize,
    out: &mut BytesMut,
) -> io::Result<()> {
    let message: Result<(), ServerError> = Err(ServerError::from(refusal));
    format.write(&Response { request_id, message }, longest, out)
}

/// Appends a frame, or nothing. The message is written once, and the header when its length is known.
fn write_frame(out: &mut BytesMut, write: impl FnOnce(&mut BytesMut) -> io::Result<()>) -> io::Result<()> {
    let start = out.len();
    out.put_u32(0);
    if let Err(error) = write(out) {
        out.truncate(start);
        return Err(error);
    }
    let length = u32::try_from(out.len() - start - HEADER).expect("a limit fits in 32 bits");
    out[start..start + HEADER].copy_from_slice(&length.to_be_bytes());
    Ok(())
}

#[cfg(test)]
mod tests;
