//! One `send(2)` for a conversation, and the error of a client that takes nothing.

use std::io::{self, IoSlice, Write};
use std::net::TcpStream;

use crate::core::conversation::{Conversation, GATHERED};

/// One `send` of what the conversation wants to send; returns how many bytes it took.
pub(super) fn send(mut stream: &TcpStream, conversation: &Conversation) -> io::Result<usize> {
    let first = conversation.transmit();
    if first.len() == conversation.unsent() {
        return stream.write(first);
    }
    let mut slices = [IoSlice::new(&[]); GATHERED];
    let count = conversation.gather(&mut slices);
    stream.write_vectored(&slices[..count])
}

/// The error of a connection whose client does not take its answer.
#[must_use]
pub fn stalled() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "it does not read its answer")
}
