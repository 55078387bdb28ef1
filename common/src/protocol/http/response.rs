//! The head of an answer, as the server writes it (RFC 9112 section 4).
//!
//! ```
//! use common::protocol::http::{Keep, ResponseHead, Status};
//!
//! let head = ResponseHead::new(Status::Ok).content("text/plain", 5).keep(Keep::Close).end();
//! assert_eq!(head, b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\nConnection: close\r\n\r\n");
//! ```
//!
//! Not here: `Date`. This room has no clock, and RFC 9110 section 6.6.1 forbids a date from a server without one.

use std::fmt::{self, Display};

use super::keep::Keep;

/// Room for the heads that are usual, bytes.
const USUAL: usize = 128;

/// What becomes of a request.
#[allow(missing_docs, reason = "RFC 9110 section 15 says what each is")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    SwitchingProtocols = 101,
    Ok = 200,
    Created = 201,
    NoContent = 204,
    BadRequest = 400,
    Unauthorized = 401,
    Forbidden = 403,
    NotFound = 404,
    MethodNotAllowed = 405,
    RequestTimeout = 408,
    LengthRequired = 411,
    ContentTooLarge = 413,
    UriTooLong = 414,
    UnsupportedMediaType = 415,
    ExpectationFailed = 417,
    UpgradeRequired = 426,
    RequestHeaderFieldsTooLarge = 431,
    NotImplemented = 501,
    ServiceUnavailable = 503,
    HttpVersionNotSupported = 505,
}

impl Status {
    fn words(self) -> &'static str {
        match self {
            Status::SwitchingProtocols => "101 Switching Protocols",
            Status::Ok => "200 OK",
            Status::Created => "201 Created",
            Status::NoContent => "204 No Content",
            Status::BadRequest => "400 Bad Request",
            Status::Unauthorized => "401 Unauthorized",
            Status::Forbidden => "403 Forbidden",
            Status::NotFound => "404 Not Found",
            Status::MethodNotAllowed => "405 Method Not Allowed",
            Status::RequestTimeout => "408 Request Timeout",
            Status::LengthRequired => "411 Length Required",
            Status::ContentTooLarge => "413 Content Too Large",
            Status::UriTooLong => "414 URI Too Long",
            Status::UnsupportedMediaType => "415 Unsupported Media Type",
            Status::ExpectationFailed => "417 Expectation Failed",
            Status::UpgradeRequired => "426 Upgrade Required",
            Status::RequestHeaderFieldsTooLarge => "431 Request Header Fields Too Large",
            Status::NotImplemented => "501 Not Implemented",
            Status::ServiceUnavailable => "503 Service Unavailable",
            Status::HttpVersionNotSupported => "505 HTTP Version Not Supported",
        }
    }
}

impl Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

/// A head that is being written.
#[derive(Debug)]
pub struct ResponseHead {
    status: Status,
    lines: String,
    /// The elements of the field `Connection`.
    connection: Vec<&'static str>,
}

impl ResponseHead {
    /// The status line.
    #[must_use]
    pub fn new(status: Status) -> ResponseHead {
        let mut lines = String::with_capacity(USUAL);
        lines.extend(["HTTP/1.1 ", status.words(), "\r\n"]);
        ResponseHead { status, lines, connection: Vec::new() }
    }

    /// A field. Its value comes from this program: a line end in it would end the field early.
    #[must_use]
    pub fn field(mut self, name: &str, value: impl AsRef<str>) -> ResponseHead {
        self.lines.extend([name, ": ", value.as_ref(), "\r\n"]);
        self
    }

    /// The type and the length in bytes of the content.
    #[must_use]
    pub fn content(self, kind: &str, length: u64) -> ResponseHead {
        self.field("Content-Type", kind).field("Content-Length", length.to_string())
    }

    /// The protocol that follows (101), or that the client has to ask for (426).
    #[must_use]
    pub fn upgrade(mut self, protocol: &str) -> ResponseHead {
        self.connection.push("Upgrade"); // the field goes to the next hop only (RFC 9110 section 7.8)
        self.field("Upgrade", protocol)
    }

    /// What becomes of the connection.
    #[must_use]
    pub fn keep(mut self, keep: Keep) -> ResponseHead {
        self.connection.extend(keep.option());
        self
    }

    /// The bytes of the head.
    #[must_use]
    pub fn end(mut self) -> Vec<u8> {
        if !self.connection.is_empty() {
            let options = self.connection.join(", ");
            self = self.field("Connection", options);
        }
        self.lines.push_str("\r\n");
        self.lines.into_bytes()
    }

    /// The bytes of an answer that is nothing but its status and a reason, for the reader; the connection ends with it. An answer to HEAD
    /// has the same head and no content.
    #[must_use]
    pub fn refuse(self, why: &str, is_head: bool) -> Vec<u8> {
        let text = match why {
            "" => format!("{}\n", self.status),
            why => format!("{}: {why}\n", self.status),
        };
        let head = self.content("text/plain; charset=utf-8", text.len() as u64).keep(Keep::Close);
        let mut bytes = head.end();
        if !is_head {
            bytes.extend_from_slice(text.as_bytes());
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: Vec<u8>) -> String {
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_refusal_says_why_and_ends_the_connection() {
        let head = "HTTP/1.1 405 Method Not Allowed\r\nAllow: GET\r\nContent-Type: text/plain; charset=utf-8\r\n\
                    Content-Length: 27\r\nConnection: close\r\n\r\n";
        let refuse = |is_head| {
            text(ResponseHead::new(Status::MethodNotAllowed).field("Allow", "GET").refuse("no", is_head))
        };
        assert_eq!(refuse(false), format!("{head}405 Method Not Allowed: no\n"));
        assert_eq!(refuse(true), head);
        assert!(
            text(ResponseHead::new(Status::NotFound).refuse("", false)).ends_with("\r\n\r\n404 Not Found\n")
        );
    }

    #[test]
    fn the_options_of_the_connection_are_one_list() {
        let head = |status| ResponseHead::new(status).upgrade("websocket");
        assert_eq!(
            text(head(Status::SwitchingProtocols).end()),
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
        );
        let refused = text(head(Status::UpgradeRequired).refuse("", false));
        assert!(refused.contains("\r\nConnection: Upgrade, close\r\n"), "{refused}");
    }

    #[test]
    fn the_connection_is_spoken_of_when_it_is_not_as_usual() {
        let head = |keep| text(ResponseHead::new(Status::Ok).keep(keep).end());
        assert_eq!(head(Keep::Open), "HTTP/1.1 200 OK\r\n\r\n");
        assert_eq!(head(Keep::OpenSaid), "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\n");
        assert_eq!(head(Keep::Close), "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    }
}
