//! Short datagrams that a server answers with at once, kept without an allocation each.

use std::collections::VecDeque;
use std::net::SocketAddr;

use super::super::batch::{BATCH_BYTES, Batch};
use super::super::pdu::padded;

/// Replies that wait to be sent, at most: what is more is dropped, as UDP may.
const CAPACITY: usize = 1024;
/// Bytes of the longest reply.
pub const REPLY: usize = 24;

/// Replies that wait to be sent.
#[derive(Debug, Default)]
pub struct Replies(VecDeque<Reply>);

#[derive(Debug, Clone, Copy)]
struct Reply {
    to: SocketAddr,
    length: usize,
    bytes: [u8; REPLY],
    /// It is filled up to this length; 0 leaves it as it is.
    filled_up: usize,
}

impl Replies {
    /// Adds a datagram of at most [`REPLY`] bytes.
    pub fn push(&mut self, to: SocketAddr, datagram: &[u8]) {
        self.push_padded(to, datagram, 0);
    }

    /// Adds a text PDU with a number, filled up with zeros to a length of at most [`BATCH_BYTES`].
    pub fn push_padded(&mut self, to: SocketAddr, datagram: &[u8], filled_up: usize) {
        if self.0.len() < CAPACITY {
            let mut bytes = [0; REPLY];
            bytes[..datagram.len()].copy_from_slice(datagram);
            self.0.push_back(Reply {
                to,
                length: datagram.len(),
                bytes,
                filled_up: filled_up.min(BATCH_BYTES),
            });
        }
    }

    /// Makes `batch` the next reply; `false` if there is none.
    pub fn poll_transmit(&mut self, batch: &mut Batch) -> bool {
        let Some(Reply { to, length, bytes, filled_up }) = self.0.pop_front() else { return false };
        match filled_up {
            0 => batch.single(to, &bytes[..length]),
            _ => batch.single(to, &padded(&bytes[..length], filled_up)),
        }
        true
    }
}
