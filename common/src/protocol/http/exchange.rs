//! One request and its answer, seen from the client: bytes in, content out.
//!
//! The order of calls is the same for a client that blocks and for one that awaits:
//!
//! ```
//! use common::protocol::http::{Exchange, Progress};
//!
//! let mut network = [&b"HTTP/1.1 200 OK\r\nContent-Le"[..], b"ngth: 5\r\n\r\nhel", b"lo"].into_iter();
//! let (mut exchange, mut file) = (Exchange::new(1_000_000), Vec::new());
//! loop {
//!     match network.next() {
//!         Some(bytes) => match exchange.receive(bytes, &mut file)? {
//!             Progress::More => {}
//!             Progress::Complete => break,
//!         },
//!         None => break exchange.finish()?, // the server has closed the connection
//!     }
//! }
//! assert_eq!(file, b"hello");
//! # Ok::<(), common::protocol::http::Fault>(())
//! ```

use std::io::{self, Write};

use thiserror::Error;

use super::body::{Body, Malformed};
use super::fields::{FIELD_LIMIT, Fields, HEAD_LIMIT};
use super::keep::Keep;
use super::url::Url;

/// The bytes of a request for a file.
#[must_use]
pub fn get(url: &Url, keep: Keep) -> Vec<u8> {
    let connection = keep.option().map_or(String::new(), |option| format!("Connection: {option}\r\n"));
    let (target, host) = (&url.target, url.authority());
    format!(
        "GET {target} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: ch4\r\nAccept-Encoding: identity\r\n{connection}\r\n"
    )
    .into_bytes()
}

/// The state of one exchange.
#[derive(Debug)]
pub struct Exchange {
    limit: u64,
    received: u64,
    expected: Option<u64>,
    is_kept: bool,
    state: State,
}

#[derive(Debug)]
enum State {
    Head(Vec<u8>),
    Body(Body),
}

/// Whether the answer is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// More is to come.
    More,
    /// It is all there.
    Complete,
}

/// Why an exchange failed.
#[derive(Debug, Error)]
pub enum Fault {
    /// No end of the head within [`HEAD_LIMIT`] bytes.
    #[error("the head of the answer is longer than {HEAD_LIMIT} bytes")]
    HeadTooLong,
    /// Not HTTP/1, or fields that contradict each other.
    #[error("the answer is not HTTP/1.1: {0}")]
    NotHttp(&'static str),
    /// An answer that brings no file.
    #[error("the server answered {0}")]
    Status(String),
    /// Longer than we are ready to take, announced or not.
    #[error("the file is larger than the limit of {0} bytes")]
    TooLarge(u64),
    /// Bytes behind the end that was announced.
    #[error("the server sent more than the {0} bytes that it announced")]
    Excess(u64),
    /// The connection ended before the answer did.
    #[error("the server closed the connection after {0} of {1} bytes")]
    Cut(u64, u64),
    /// The same, where no length was announced.
    #[error("the server closed the connection before the end of its answer, after {0} bytes of the file")]
    CutAnywhere(u64),
    /// A broken chunk.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The content could not be written.
    #[error("cannot write the file: {0}")]
    Sink(#[source] io::Error),
}

impl Exchange {
    /// Before the first byte of the answer, whose content may be `limit` bytes long.
    #[must_use]
    pub fn new(limit: u64) -> Exchange {
        Exchange { limit, received: 0, expected: None, is_kept: false, state: State::Head(Vec::new()) }
    }

    /// Bytes of content so far.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.received
    }

    /// How many there will be, once the head has come and if it says so.
    #[must_use]
    pub fn expected(&self) -> Option<u64> {
        self.expected
    }

    /// Whether the server leaves the connection open for another exchange, once this one is complete.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.is_kept
    }

    /// Bytes have come; their content goes to `sink`.
    ///
    /// # Errors
    /// [`Fault`]: the exchange is over then, and the connection cannot be used for another.
    pub fn receive(&mut self, bytes: &[u8], sink: &mut dyn Write) -> Result<Progress, Fault> {
        let State::Head(head) = &mut self.state else { return self.content(bytes, sink) };
        head.extend_from_slice(bytes);
        let head = std::mem::take(head);
        let mut rest = &head[..];
        loop {
            match parse(rest)? {
                None if rest.len() >= HEAD_LIMIT => return Err(Fault::HeadTooLong),
                None => {
                    self.state = State::Head(rest.to_vec());
                    return Ok(Progress::More);
                }
                // Not the answer, only news of it (RFC 9110 section 15.2).
                Some((length, Head { code: 100..200, .. })) => rest = &rest[length..],
                Some((length, head)) => {
                    if head.code != 200 {
                        return Err(Fault::Status(head.status));
                    }
                    self.expected = match head.body {
                        Body::Length(expected) if expected > self.limit => {
                            return Err(Fault::TooLarge(self.limit));
                        }
                        Body::Length(expected) => Some(expected),
                        Body::Chunked(_) | Body::UntilEnd => None,
                    };
                    self.is_kept = head.is_kept && head.body != Body::UntilEnd;
                    self.state = State::Body(head.body);
                    return self.content(&rest[length..], sink);
                }
            }
        }
    }

    /// The server has closed the connection.
    ///
    /// # Errors
    /// [`Fault::Cut`] and [`Fault::CutAnywhere`] when that was not all.
    pub fn finish(&self) -> Result<(), Fault> {
        match (&self.state, self.expected) {
            (State::Body(body), _) if body.is_complete() || matches!(body, Body::UntilEnd) => Ok(()),
            (_, Some(expected)) => Err(Fault::Cut(self.received, expected)),
            (_, None) => Err(Fault::CutAnywhere(self.received)),
        }
    }

    fn content(&mut self, mut bytes: &[u8], sink: &mut dyn Write) -> Result<Progress, Fault> {
        let State::Body(body) = &mut self.state else { return Ok(Progress::More) };
        loop {
            let piece = body.take(&mut bytes)?;
            if piece.is_empty() {
                break;
            }
            self.received += piece.len() as u64;
            if self.received > self.limit {
                return Err(Fault::TooLarge(self.limit)); // before it is on the disk
            }
            sink.write_all(piece).map_err(Fault::Sink)?;
        }
        if !bytes.is_empty() {
            return Err(Fault::Excess(self.received));
        }
        Ok(if body.is_complete() { Progress::Complete } else { Progress::More })
    }
}

struct Head {
    code: u16,
    status: String,
    body: Body,
    is_kept: bool,
}

/// The head at the front of `bytes` and its length; `None` while its end has not come.
fn parse(bytes: &[u8]) -> Result<Option<(usize, Head)>, Fault> {
    let mut fields = [httparse::EMPTY_HEADER; FIELD_LIMIT];
    let mut response = httparse::Response::new(&mut fields);
    let length = match response.parse(&bytes[..bytes.len().min(HEAD_LIMIT)]) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(Fault::NotHttp("too many fields")),
        Err(_) => return Err(Fault::NotHttp("its head is malformed")),
    };
    let code = response.code.unwrap_or_default();
    let mut status = format!("{code} {}", response.reason.unwrap_or_default());
    let fields = Fields::new(response.headers);
    let body = Body::announced(&fields).map_err(Fault::NotHttp)?.unwrap_or(Body::UntilEnd);
    if let Some(place) = fields.values("location").next().filter(|_| (300..400).contains(&code)) {
        status += &format!(" (it is at {})", String::from_utf8_lossy(place)); // shown as any text of a peer: `support::terminal`
    }
    let is_kept = match response.version {
        Some(0) => fields.lists("connection", "keep-alive"),
        _ => !fields.lists("connection", "close"),
    };
    Ok(Some((length, Head { code, status, body, is_kept })))
}

#[cfg(test)]
mod tests;
