//! The frames of Pyro 4 and Pyro 5, both read from one port. Sans-I/O.
//!
//! ```text
//!   Pyro 4   PYRO │ version 48  │ type:2 │ flags:2 │ sequence:2 │ data length:4 │ serializer:2 │ annotations length:2
//!                 │ reserved:2 │ checksum:2                                                             = 24 bytes
//!   Pyro 5   PYRO │ version 502 │ type:1 │ serializer:1 │ flags:2 │ sequence:2 │ data length:4
//!                 │ annotations length:4 │ correlation id:16 │ reserved:2 │ 0x4dc5                      = 40 bytes
//!   then     annotations: (4 letters, length:2 or :4, bytes)*      skipped
//!            data: serpent, compressed with zlib if a flag says so
//! ```
//!
//! All numbers are big endian. The checksum of Pyro 4 is a sum of the header's fields and 0x34e9.

use std::io::Read;

use flate2::read::ZlibDecoder;
use thiserror::Error;

/// Longest request, bytes, also after its decompression.
pub const REQUEST_LIMIT: usize = 1024 * 1024;
/// Longest answer, bytes.
pub const ANSWER_LIMIT: usize = 16 * 1024 * 1024;

/// The result is an exception.
pub const EXCEPTION: u16 = 1;
/// The data is compressed. Ours never is.
pub const COMPRESSED: u16 = 2;
/// The caller waits for no result.
pub const ONE_WAY: u16 = 4;
/// Several calls in one, and their results.
pub const BATCH: u16 = 8;
/// Pyro 4: the answer to a connect carries the object's metadata. (Pyro 5 always does so, and has another use for the bit.)
pub const META_ON_CONNECT: u16 = 0x10;
/// Pyro 5: there is a correlation id.
const CORRELATION: u16 = 0x40;

/// The serializer that is spoken here.
pub const SERPENT: u16 = 1;

const HEADERS: [usize; 2] = [24, 40];
const CHECKSUM: u32 = 0x34e9;
const MAGIC: u16 = 0x4dc5;

/// Which Pyro.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// Pyro 4, wire version 48: the notes' client.
    Four,
    /// Pyro 5, wire version 502.
    Five,
}

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the protocol's own words")]
pub enum Kind {
    Connect = 1,
    ConnectOk = 2,
    ConnectFail = 3,
    Invoke = 4,
    Result = 5,
    Ping = 6,
}

/// What stands before the data, without the lengths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The sender's; the answer has the same.
    pub version: Version,
    /// What the message is.
    pub kind: Kind,
    /// [`EXCEPTION`] and the others.
    pub flags: u16,
    /// Number of the request; its answer has the same.
    pub sequence: u16,
    /// How the data is written: [`SERPENT`], or something else that we do not read.
    pub serializer: u16,
    /// Pyro 5: what the caller follows its call by.
    pub correlation: Option<[u8; 16]>,
}

/// A whole message. What was compressed is inflated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What stands before the data.
    pub header: Header,
    /// Arguments or result, in the words of the serializer.
    pub data: Vec<u8>,
}

/// Why bytes are no message. The stream is lost after it: close it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{why}")]
pub struct BadMessage {
    /// What is wrong.
    pub why: &'static str,
    /// The message's header, if that could be read: then its sender can be told.
    pub header: Option<Header>,
}

impl Version {
    /// The name of its Python package, which stands before the names of its classes.
    #[must_use]
    pub fn package(self) -> &'static str {
        match self {
            Version::Four => "Pyro4",
            Version::Five => "Pyro5",
        }
    }

    fn header_length(self) -> usize {
        HEADERS[self as usize]
    }
}

impl Header {
    /// A header of a request.
    #[must_use]
    pub fn new(version: Version, kind: Kind, flags: u16, sequence: u16) -> Header {
        Header { version, kind, flags, sequence, serializer: SERPENT, correlation: None }
    }

    /// The header of an answer to this message.
    #[must_use]
    pub fn answer(&self, kind: Kind, flags: u16) -> Header {
        Header { kind, flags, serializer: SERPENT, ..*self }
    }

    /// Whether a flag is set.
    #[must_use]
    pub fn has(&self, flag: u16) -> bool {
        self.flags & flag != 0
    }

    /// The bytes of a message with this header and this data.
    #[must_use]
    pub fn frame(&self, data: &[u8]) -> Vec<u8> {
        let length = u32::try_from(data.len()).expect("data has a limit far below 4 GiB");
        let mut out = Vec::with_capacity(self.version.header_length() + data.len());
        out.extend_from_slice(b"PYRO");
        match self.version {
            Version::Four => {
                let fields = [48, self.kind as u16, self.flags, self.sequence];
                out.extend(fields.iter().flat_map(|field| field.to_be_bytes()));
                out.extend(length.to_be_bytes());
                out.extend(
                    [self.serializer, 0, 0, self.checksum(length, 0)]
                        .iter()
                        .flat_map(|field| field.to_be_bytes()),
                );
            }
            Version::Five => {
                let flags =
                    self.flags & !CORRELATION | if self.correlation.is_some() { CORRELATION } else { 0 };
                out.extend(502u16.to_be_bytes());
                out.extend([self.kind as u8, self.serializer as u8]);
                out.extend([flags, self.sequence].iter().flat_map(|field| field.to_be_bytes()));
                out.extend([length, 0].iter().flat_map(|field| field.to_be_bytes()));
                out.extend(self.correlation.unwrap_or_default());
                out.extend([0, MAGIC].iter().flat_map(|field| field.to_be_bytes()));
            }
        }
        out.extend_from_slice(data);
        out
    }

    /// Of Pyro 4.
    fn checksum(&self, data: u32, annotations: u16) -> u16 {
        let fields = [48, self.kind as u16, self.flags, self.sequence, self.serializer, annotations];
        fields.iter().fold(CHECKSUM.wrapping_add(data), |sum, &field| sum.wrapping_add(field.into())) as u16
    }

    fn bad(&self, why: &'static str) -> BadMessage {
        BadMessage { why, header: Some(*self) }
    }
}

/// Takes one message from the front of `bytes`: `None` while it is incomplete, else the message and how many bytes it took.
///
/// `limit` is the longest data with its annotations, and the longest that compressed data may become. It is checked as soon as
/// the header is here.
///
/// # Errors
/// [`BadMessage`].
pub fn decode(bytes: &[u8], limit: usize) -> Result<Option<(Message, usize)>, BadMessage> {
    let Some((header, annotations, data)) = decode_header(bytes)? else { return Ok(None) };
    if annotations.saturating_add(data) > limit {
        return Err(header.bad("the message is longer than the limit"));
    }
    let start = header.version.header_length();
    let end = start + annotations + data;
    let Some(body) = bytes.get(start..end) else { return Ok(None) };
    let (notes, data) = body.split_at(annotations);
    check_annotations(notes, header)?;
    let mut data = data.to_vec();
    if header.has(COMPRESSED) {
        data = inflate(&data, limit).map_err(|why| header.bad(why))?;
    }
    let header = Header { flags: header.flags & !COMPRESSED, ..header };
    Ok(Some((Message { header, data }, end)))
}

/// The header, the length of the annotations and that of the data.
fn decode_header(bytes: &[u8]) -> Result<Option<(Header, usize, usize)>, BadMessage> {
    let bad = |why| BadMessage { why, header: None };
    let known = bytes.len().min(4);
    if bytes[..known] != b"PYRO"[..known] {
        return Err(bad("no Pyro message"));
    }
    let Some(number) = bytes.get(4..6) else { return Ok(None) };
    let version = match number {
        [0, 48] => Version::Four,
        [1, 0xf6] => Version::Five,
        _ => return Err(bad("a version that is not spoken here")),
    };
    let Some(fields) = bytes.get(6..version.header_length()) else { return Ok(None) };
    let short = |at: usize| u16::from_be_bytes([fields[at - 6], fields[at - 5]]);
    let long = |at: usize| u32::from(short(at)) << 16 | u32::from(short(at + 2));
    let number = if version == Version::Four { short(6) } else { fields[0].into() };
    let kind = match number {
        1 => Kind::Connect,
        2 => Kind::ConnectOk,
        3 => Kind::ConnectFail,
        4 => Kind::Invoke,
        5 => Kind::Result,
        6 => Kind::Ping,
        _ => return Err(bad("a message of an unknown type")),
    };
    let (header, annotations, data) = match version {
        Version::Four => {
            let header = Header { serializer: short(16), ..Header::new(version, kind, short(8), short(10)) };
            if header.checksum(long(12), short(18)) != short(22) {
                return Err(bad("a wrong checksum"));
            }
            (header, short(18).into(), long(12))
        }
        Version::Five => {
            let mut header =
                Header { serializer: fields[1].into(), ..Header::new(version, kind, short(8), short(10)) };
            if short(38) != MAGIC {
                return Err(bad("a wrong magic number"));
            }
            if header.has(CORRELATION) {
                header.correlation = fields[14..30].try_into().ok();
            }
            (header, long(16), long(12))
        }
    };
    Ok(Some((header, annotations as usize, data as usize)))
}

/// Each is whole, and nothing is left over.
fn check_annotations(mut notes: &[u8], header: Header) -> Result<(), BadMessage> {
    let width = if header.version == Version::Four { 2 } else { 4 };
    while !notes.is_empty() {
        let length =
            notes.get(4..4 + width).map(|bytes| bytes.iter().fold(0, |n, &byte| n << 8 | usize::from(byte)));
        let rest = length.and_then(|length| notes.get(4 + width + length..));
        notes = rest.ok_or_else(|| header.bad("an annotation longer than all of them"))?;
    }
    Ok(())
}

/// Thousand bytes may become a million: it is stopped at the limit, not looked at afterwards.
fn inflate(data: &[u8], limit: usize) -> Result<Vec<u8>, &'static str> {
    let mut inflated = Vec::new();
    let mut reader = ZlibDecoder::new(data).take(limit as u64 + 1);
    reader.read_to_end(&mut inflated).map_err(|_| "the data cannot be decompressed")?;
    if inflated.len() > limit { Err("the decompressed data is longer than the limit") } else { Ok(inflated) }
}

#[cfg(test)]
mod tests;
