//! Values to bytes, and bytes to values.

use std::io::{self, Read};

use super::reply::Malformed;

/// The longest message, bytes without its length.
pub const MESSAGE_LIMIT: u32 = 8 * 1024 * 1024;

// BEGIN marshalling
/// Packs values into the bytes of a message.
#[derive(Debug, Default)]
pub struct Marshal(Vec<u8>);

impl Marshal {
    /// 8 bytes, big endian.
    pub fn number(&mut self, number: u64) {
        self.0.extend_from_slice(&number.to_be_bytes());
    }

    /// 1 byte.
    pub fn flag(&mut self, flag: bool) {
        self.0.push(flag.into());
    }

    /// 4 bytes of length, then the text itself: a pointer to it would mean nothing there.
    pub fn text(&mut self, text: &str) {
        self.0.extend_from_slice(&(text.len() as u32).to_be_bytes());
        self.0.extend_from_slice(text.as_bytes());
    }

    /// 4 bytes of count, then 8 for each number.
    pub fn numbers(&mut self, numbers: &[u64]) {
        self.0.extend_from_slice(&(numbers.len() as u32).to_be_bytes());
        numbers.iter().for_each(|number| self.number(*number));
    }

    /// Bytes that are packed already.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// The message, its length in front.
    pub fn message(self) -> Vec<u8> {
        let mut message = (self.0.len() as u32).to_be_bytes().to_vec();
        message.extend_from_slice(&self.0);
        message
    }

    /// The bytes without a length in front.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}
// END marshalling

/// Unpacks the bytes of a message.
#[derive(Debug)]
pub struct Unmarshal<'a>(pub &'a [u8]);

impl<'a> Unmarshal<'a> {
    /// The next bytes.
    pub fn bytes(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Malformed("it ends too early"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        Ok(self.bytes(N)?.try_into().expect("so many bytes have been taken"))
    }

    /// A `u8`.
    pub fn byte(&mut self) -> Result<u8, Malformed> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// A `u16`.
    pub fn short(&mut self) -> Result<u16, Malformed> {
        self.array().map(u16::from_be_bytes)
    }

    /// A `u32`.
    pub fn word(&mut self) -> Result<u32, Malformed> {
        self.array().map(u32::from_be_bytes)
    }

    /// A `u64`.
    pub fn number(&mut self) -> Result<u64, Malformed> {
        self.array().map(u64::from_be_bytes)
    }

    /// Yes or no.
    pub fn flag(&mut self) -> Result<bool, Malformed> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed("a flag is 0 or 1")),
        }
    }

    /// A text.
    pub fn text(&mut self) -> Result<String, Malformed> {
        let length = self.word()? as usize;
        let bytes = self.bytes(length)?.to_vec();
        String::from_utf8(bytes).map_err(|_| Malformed("a text is UTF-8"))
    }

    /// A list of numbers.
    pub fn numbers(&mut self) -> Result<Vec<u64>, Malformed> {
        let count = self.word()?;
        (0..count).map(|_| self.number()).collect()
    }

    /// Nothing may be left over.
    pub fn end(&self) -> Result<(), Malformed> {
        if self.0.is_empty() { Ok(()) } else { Err(Malformed("bytes are left over")) }
    }
}

/// Reads the next message, in as many parts as the network brings it; `None` when the peer has closed.
pub fn receive(stream: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let (mut received, mut part) = (Vec::new(), vec![0; 64 * 1024]);
    loop {
        if let Some((length, rest)) = received.split_first_chunk::<4>() {
            let length = u32::from_be_bytes(*length);
            if length > MESSAGE_LIMIT {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "a message over the limit"));
            }
            if rest.len() >= length as usize {
                return Ok(Some(rest.to_vec()));
            }
        }
        match stream.read(&mut part)? {
            0 if received.is_empty() => return Ok(None),
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            length => received.extend_from_slice(&part[..length]),
        }
    }
}
