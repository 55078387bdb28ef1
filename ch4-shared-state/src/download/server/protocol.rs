//! The server's half of HTTP, sans-I/O: bytes become requests for *pieces* of files.
//!
//! ```text
//!   bytes in:    GET /file-1.bin …           (nothing more comes)
//!   requests:    [head + bytes 0..64K] [64K..128K] [128K..192K] … [last piece]
//! ```
//!
//! A conversation takes an answer as a whole, and a file may be larger than memory. So one request for a file is
//! decoded into one per piece: the next is asked for when the last has been sent, which is the backpressure, and a pause
//! in the handling of each is the rate. The connection needs one piece of memory, however large the file.

use std::sync::Arc;

use common::core::input::Input;
use common::core::service::{Decoded, Protocol, Request};

use super::catalogue::Catalogue;
use common::protocol::http::{FIELD_LIMIT, HEAD_LIMIT};

/// What the service is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// 200, or why there is no file: then nothing but a head is sent.
    pub status: u16,
    /// The number of the file; [`LIST`] for the list of files.
    pub file: u32,
    /// The first byte.
    pub from: u64,
    /// How many bytes; 0 for an empty file, and when only the head was asked for.
    pub count: u32,
    /// The length of the whole file, when this piece is the first and the head goes before it.
    pub head: Option<u64>,
    /// The connection ends with this file; the head says so.
    pub close: bool,
    /// It is the last piece of its file.
    pub last: bool,
}

/// The file that lists the others.
pub const LIST: u32 = u32::MAX;

impl Piece {
    /// As bytes, because a request may cross a process boundary; 35 of them.
    #[must_use]
    pub fn to_request(self) -> Request {
        let mut bytes = Vec::with_capacity(35);
        bytes.extend_from_slice(&self.status.to_be_bytes());
        bytes.extend_from_slice(&self.file.to_be_bytes());
        bytes.extend_from_slice(&self.from.to_be_bytes());
        bytes.extend_from_slice(&self.count.to_be_bytes());
        bytes.extend_from_slice(&self.head.unwrap_or(u64::MAX).to_be_bytes());
        bytes.extend([u8::from(self.close), u8::from(self.last)]);
        Request(bytes)
    }

    /// What [`to_request`](Piece::to_request) wrote; `None` for anything else.
    #[must_use]
    pub fn from_request(request: &Request) -> Option<Piece> {
        let (status, rest) = request.0.split_first_chunk()?;
        let (file, rest) = rest.split_first_chunk()?;
        let (from, rest) = rest.split_first_chunk()?;
        let (count, rest) = rest.split_first_chunk()?;
        let (head, rest) = rest.split_first_chunk()?;
        let [close, last] = rest else { return None };
        Some(Piece {
            status: u16::from_be_bytes(*status),
            file: u32::from_be_bytes(*file),
            from: u64::from_be_bytes(*from),
            count: u32::from_be_bytes(*count),
            head: Some(u64::from_be_bytes(*head)).filter(|&length| length != u64::MAX),
            close: *close != 0,
            last: *last != 0,
        })
    }
}

/// One connection's decoder.
#[derive(Debug)]
pub struct Http {
    catalogue: Arc<Catalogue>,
    /// The longest piece, bytes.
    chunk: u32,
    /// What is left of the file that is being sent.
    sending: Option<Sending>,
}

#[derive(Debug)]
struct Sending {
    file: u32,
    from: u64,
    end: u64,
    close: bool,
}

impl Http {
    /// A decoder of requests for the files of `catalogue` in pieces of `chunk` bytes.
    #[must_use]
    pub fn new(catalogue: Arc<Catalogue>, chunk: u32) -> Http {
        Http { catalogue, chunk, sending: None }
    }

    /// The next piece, `head` before it if it is the first.
    fn next_piece(&mut self, mut sending: Sending, head: Option<u64>) -> Piece {
        let left = sending.end - sending.from;
        let count = u32::try_from(left).map_or(self.chunk, |left| left.min(self.chunk));
        let Sending { file, from, end, close } = sending;
        sending.from += u64::from(count);
        let last = sending.from == end;
        self.sending = (!last).then_some(sending);
        Piece { status: 200, file, from, count, head, close, last }
    }
}

impl Protocol for Http {
    fn decode(&mut self, input: &mut Input) -> Decoded {
        if let Some(sending) = self.sending.take() {
            return Decoded::Request(self.next_piece(sending, None).to_request());
        }
        let (length, wanted) = match parse(input.bytes()) {
            Ok(Some(parsed)) => parsed,
            Ok(None) if input.bytes().len() >= HEAD_LIMIT => {
                return malformed(431, "a head beyond the limit");
            }
            Ok(None) if input.ended() && !input.bytes().is_empty() => {
                return malformed(400, "the stream ended inside a head");
            }
            Ok(None) => return Decoded::Incomplete,
            Err((status, why)) => return malformed(status, why),
        };
        input.skip(length);
        let Wanted { name, only_head, close } = wanted;
        let found = if name.is_empty() {
            Some((LIST, self.catalogue.list().len() as u64))
        } else {
            self.catalogue.find(&name)
        };
        let piece = match found {
            None => Piece { status: 404, file: 0, from: 0, count: 0, head: Some(0), close, last: true },
            Some((file, length)) => {
                let end = if only_head { 0 } else { length };
                self.next_piece(Sending { file, from: 0, end, close }, Some(length))
            }
        };
        Decoded::Request(piece.to_request())
    }
}

fn malformed(status: u16, why: &'static str) -> Decoded {
    Decoded::Malformed { answer: head(status, 0, true, BINARY).into_bytes(), why }
}

/// What a file is, for a browser: something to keep. And the list: something to show.
pub const BINARY: &str = "application/octet-stream";
/// See [`BINARY`].
pub const TEXT: &str = "text/plain; charset=utf-8";

/// The head of an answer.
pub fn head(status: u16, length: u64, close: bool, kind: &str) -> String {
    let reason = match status {
        200 => "OK",
        404 => "Not Found",
        405 => "Method Not Allowed",
        413 => "Content Too Large",
        431 => "Request Header Fields Too Large",
        505 => "HTTP Version Not Supported",
        _ => "Bad Request",
    };
    let allow = if status == 405 { "Allow: GET, HEAD\r\n" } else { "" };
    let close = if close { "Connection: close\r\n" } else { "" };
    format!(
        "HTTP/1.1 {status} {reason}\r\nContent-Length: {length}\r\nContent-Type: {kind}\r\n{allow}{close}\r\n"
    )
}

struct Wanted {
    name: String,
    only_head: bool,
    close: bool,
}

/// The request at the front of `bytes` and the length of its head; `None` while its end has not come.
fn parse(bytes: &[u8]) -> Result<Option<(usize, Wanted)>, (u16, &'static str)> {
    let mut fields = [httparse::EMPTY_HEADER; FIELD_LIMIT];
    let mut request = httparse::Request::new(&mut fields);
    let length = match request.parse(&bytes[..bytes.len().min(HEAD_LIMIT)]) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err((431, "too many fields")),
        Err(httparse::Error::Version) => return Err((505, "a version other than 1.0 and 1.1")),
        Err(_) => return Err((400, "not a request")),
    };
    let is_old = request.version == Some(0);
    let (mut close, mut hosts) = (is_old, 0);
    for field in request.headers.iter() {
        let says = |word: &str| field.value.trim_ascii().eq_ignore_ascii_case(word.as_bytes());
        match field.name {
            name if name.eq_ignore_ascii_case("host") => hosts += 1,
            name if name.eq_ignore_ascii_case("connection") => close = says("close") || is_old,
            name if name.eq_ignore_ascii_case("transfer-encoding") => {
                return Err((413, "a request with a body"));
            }
            name if name.eq_ignore_ascii_case("content-length") && !says("0") => {
                return Err((413, "a request with a body"));
            }
            _ => {}
        }
    }
    // RFC 9112 section 3.2: exactly one, or the request is refused.
    if hosts != 1 && !is_old {
        return Err((400, "not one field Host"));
    }
    let only_head = match request.method {
        Some("GET") => false,
        Some("HEAD") => true,
        _ => return Err((405, "neither GET nor HEAD")),
    };
    let path = request.path.unwrap_or_default().split('?').next().unwrap_or_default();
    let name = path.strip_prefix('/').ok_or((400, "a target that is no path"))?.to_owned();
    Ok(Some((length, Wanted { name, only_head, close })))
}

#[cfg(test)]
mod tests;
