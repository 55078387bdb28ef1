//! The ways a stream of bytes is cut into requests: TCP keeps the order of the bytes and forgets where a message ended.
//!
//! | framing | a request is | used by |
//! |---|---|---|
//! | [`AsItComes`] | whatever has come so far | echo |
//! | [`UntilEnd`] | everything up to the client's half-close | the board over TCP |
//! | [`Fixed`] | so many bytes | heavy |
//! | [`Delimited`] | what stands before a delimiter | factor |
//! | [`LengthPrefixed`] | a 4-byte length and so many bytes | RPC, bincode frames |
//! | [`Silent`] | nothing: the client only listens, or ends | hold, random |
//!
//! A limit stands in each that needs one, and is checked before more bytes are awaited.

use crate::core::input::Input;
use crate::core::service::{Decoded, Protocol};

/// Whatever has come is a request.
#[derive(Debug, Clone, Copy)]
pub struct AsItComes;

impl Protocol for AsItComes {
    type Request = Vec<u8>;

    fn decode(&mut self, input: &mut Input) -> Decoded<Vec<u8>> {
        match input.bytes().len() {
            0 => Decoded::Incomplete,
            count => Decoded::Request(input.take(count)),
        }
    }
}

/// The whole stream up to the client's `shutdown(SHUT_WR)` is one request.
#[derive(Debug, Clone)]
pub struct UntilEnd {
    /// Longest request, bytes.
    pub limit: usize,
    /// What a longer one is answered.
    pub refusal: &'static [u8],
    /// Whether the one request has been taken.
    pub done: bool,
}

impl Protocol for UntilEnd {
    type Request = Vec<u8>;

    fn decode(&mut self, input: &mut Input) -> Decoded<Vec<u8>> {
        let length = input.bytes().len();
        if length > self.limit {
            return Decoded::Malformed {
                answer: self.refusal.to_vec(),
                why: "request longer than the limit",
            };
        }
        if self.done || !input.ended() {
            return Decoded::Incomplete;
        }
        self.done = true;
        Decoded::Request(input.take(length))
    }
}

/// Every request has the same length.
#[derive(Debug, Clone, Copy)]
pub struct Fixed {
    /// Length of a request, bytes, at least 1.
    pub length: usize,
}

impl Protocol for Fixed {
    type Request = Vec<u8>;

    fn decode(&mut self, input: &mut Input) -> Decoded<Vec<u8>> {
        if input.bytes().len() >= self.length {
            return Decoded::Request(input.take(self.length));
        }
        if input.ended() && !input.bytes().is_empty() {
            return Decoded::Malformed {
                answer: format!("ERROR a request has {} bytes\n", self.length).into_bytes(),
                why: "the stream ended inside a request",
            };
        }
        Decoded::Incomplete
    }
}

/// A request ends with a delimiter, which is not part of it. A last one without it, before the client's end, counts.
#[derive(Debug, Clone, Copy)]
pub struct Delimited {
    delimiter: u8,
    limit: usize,
    /// Bytes at the front known to hold no delimiter: a line that comes byte by byte is looked through once.
    searched: usize,
}

impl Delimited {
    /// Requests of at most `limit` bytes, each ended by `delimiter`.
    #[must_use]
    pub fn new(delimiter: u8, limit: usize) -> Delimited {
        Delimited { delimiter, limit, searched: 0 }
    }

    fn too_long(&self) -> Decoded<Vec<u8>> {
        Decoded::Malformed {
            answer: format!("ERROR a request has at most {} bytes\n", self.limit).into_bytes(),
            why: "no delimiter within the limit",
        }
    }
}

impl Protocol for Delimited {
    type Request = Vec<u8>;

    fn decode(&mut self, input: &mut Input) -> Decoded<Vec<u8>> {
        let bytes = input.bytes();
        let found = bytes[self.searched..].iter().position(|&byte| byte == self.delimiter);
        let length = match found {
            Some(offset) => self.searched + offset,
            None if input.ended() && !bytes.is_empty() => bytes.len(),
            None if bytes.len() > self.limit => return self.too_long(),
            None => {
                self.searched = bytes.len();
                return Decoded::Incomplete;
            }
        };
        if length > self.limit {
            return self.too_long();
        }
        self.searched = 0;
        let request = input.take(length);
        if found.is_some() {
            input.skip(1);
        }
        Decoded::Request(request)
    }
}

/// A request is its length as four bytes, most significant first, and then so many bytes.
#[derive(Debug, Clone, Copy)]
pub struct LengthPrefixed {
    /// Longest request, bytes, the length itself not counted.
    pub limit: u32,
}

impl Protocol for LengthPrefixed {
    type Request = Vec<u8>;

    fn decode(&mut self, input: &mut Input) -> Decoded<Vec<u8>> {
        let bytes = input.bytes();
        if let Some(head) = bytes.first_chunk::<4>() {
            let length = u32::from_be_bytes(*head);
            if length > self.limit {
                return Decoded::Malformed { answer: Vec::new(), why: "frame longer than the limit" };
            }
            if bytes.len() - 4 >= length as usize {
                input.skip(4);
                return Decoded::Request(input.take(length as usize));
            }
        }
        if input.ended() && !input.bytes().is_empty() {
            return Decoded::Malformed { answer: Vec::new(), why: "the stream ended inside a frame" };
        }
        Decoded::Incomplete
    }
}

/// The client has nothing to ask. What it sends all the same is read and dropped, so that it cannot fill our memory.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

impl Protocol for Silent {
    type Request = Vec<u8>;

    fn decode(&mut self, input: &mut Input) -> Decoded<Vec<u8>> {
        input.skip(input.bytes().len());
        Decoded::Incomplete
    }
}

#[cfg(test)]
mod tests;
