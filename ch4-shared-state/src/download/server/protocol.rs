//! The server's half of HTTP, sans-I/O: bytes become requests for files.

use common::core::input::Input;
use common::core::service::{Decoded, Protocol, Refusal};
use common::protocol::http::{FIELD_LIMIT, HEAD_LIMIT};

/// One connection's decoder.
#[derive(Debug)]
pub struct Http;

impl Protocol for Http {
    type Request = Wanted;

    fn decode(&mut self, input: &mut Input) -> Decoded<Wanted> {
        match parse(input.bytes()) {
            Ok(Some((length, wanted))) => {
                input.skip(length);
                Decoded::Request(wanted)
            }
            Ok(None) if input.bytes().len() >= HEAD_LIMIT => malformed(431, "a head beyond the limit"),
            Ok(None) if input.ended() && !input.bytes().is_empty() => {
                malformed(400, "the stream ended inside a head")
            }
            Ok(None) => Decoded::Incomplete,
            Err((status, why)) => malformed(status, why),
        }
    }

    fn refusal(&self, why: Refusal) -> Vec<u8> {
        let status = match why {
            Refusal::TimedOut => 408,
            Refusal::NoRoom => 503,
        };
        head(status, 0, true, BINARY).into_bytes()
    }
}

fn malformed(status: u16, why: &'static str) -> Decoded<Wanted> {
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
        408 => "Request Timeout",
        413 => "Content Too Large",
        431 => "Request Header Fields Too Large",
        503 => "Service Unavailable",
        505 => "HTTP Version Not Supported",
        _ => "Bad Request",
    };
    let allow = if status == 405 { "Allow: GET, HEAD\r\n" } else { "" };
    let close = if close { "Connection: close\r\n" } else { "" };
    format!(
        "HTTP/1.1 {status} {reason}\r\nContent-Length: {length}\r\nContent-Type: {kind}\r\n{allow}{close}\r\n"
    )
}

/// A request for a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Its name; empty for the list of all files.
    pub name: String,
    /// Only the head of the answer is wanted.
    pub only_head: bool,
    /// The connection ends with this answer.
    pub close: bool,
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
