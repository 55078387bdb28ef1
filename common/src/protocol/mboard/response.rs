//! The message board's text PDUs, responses: written by servers, read by clients.
//!
//! ```text
//! 0                                         OK: published, or an empty list
//! 0:7:8:9                                   OK: ids
//! 0:1795198052.42:127.0.0.1:34234:a:b       OK: one message; three fields are split off and the rest is the text
//! 0:1795198060.17                           OK: a time
//! 1   2   3   4                             bad format, no such message, unknown code, transmission error
//! ```
//!
//! No response is longer than its transport carries. A text is cut at its end. A list keeps its newest items whole, because
//! the newest are what LAST is about; the client that wants more asks for each message alone.
//!
//! Each is appended to a buffer that its server keeps, so that a small answer allocates nothing.
//!
//! An IPv6 address stands in brackets, since it has colons of its own. The notes know only IPv4; their client shows such a
//! message with its fields shifted.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};

use super::{BadRequest, Id, Transport};
use crate::protocol::UnixTime;

/// The first byte of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Status {
    /// Done; what was asked for follows.
    Ok = b'0',
    /// The request makes no sense, or the board has no room for its text: the protocol has no code of its own for that.
    BadFormat = b'1',
    /// No message has this id.
    MessageNotFound = b'2',
    /// No request has this code.
    UnknownControl = b'3',
    /// The session protocol lost a part of the request. Only over UDP with sessions.
    TransmissionError = b'4',
}

impl From<BadRequest> for Status {
    fn from(bad: BadRequest) -> Status {
        match bad {
            BadRequest::Format => Status::BadFormat,
            BadRequest::UnknownControl => Status::UnknownControl,
        }
    }
}

/// A message with who left it when. The text borrows from the board or from the response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Posted<'a> {
    /// When it reached the board.
    pub time: UnixTime,
    /// Who sent it.
    pub from: SocketAddr,
    /// What was sent, any bytes.
    pub text: &'a [u8],
}

/// A response without contents.
pub fn encode_status(status: Status, out: &mut Vec<u8>) {
    out.push(status as u8);
}

/// The response to LAST: the ids, or as many of the newest as fit.
pub fn encode_ids(ids: impl Items<Id>, transport: Transport, out: &mut Vec<u8>) {
    let (ids, size) = newest_that_fit(ids, |id| 1 + decimal_digits(id.0), transport);
    out.reserve(size);
    out.push(Status::Ok as u8);
    for id in ids {
        write(out, format_args!(":{id}"));
    }
}

/// The response to GET: the text cut to what fits.
pub fn encode_message(message: &Posted<'_>, transport: Transport, out: &mut Vec<u8>) {
    let begin = out.len();
    encode_message_head(message, out);
    let room = transport.response_limit() - (out.len() - begin);
    out.extend_from_slice(&message.text[..message.text.len().min(room)]);
}

/// The response to GET without the text, which follows it.
pub fn encode_message_head(message: &Posted<'_>, out: &mut Vec<u8>) {
    write(out, format_args!("0:{}:{}:{}:", message.time, Host(message.from), message.from.port()));
}

/// The response to CURRENT TIME and to DELIVERY TIME.
pub fn encode_time(time: UnixTime, out: &mut Vec<u8>) {
    write(out, format_args!("0:{time}"));
}

/// The response to code 4: the messages, or as many of the newest as fit, with `:` between them. Flawed, see
/// [`Request::LastJoined`](super::Request::LastJoined). An IPv6 author has hyphens here, `2001-db8--1`: its colons would break the list
/// for every client, and an old one shows what stands there.
pub fn encode_joined<'a>(messages: impl Items<Posted<'a>>, transport: Transport, out: &mut Vec<u8>) {
    let (messages, size) = newest_that_fit(messages, |message| 1 + message.line_length(), transport);
    out.reserve(size);
    out.push(Status::Ok as u8);
    for message in messages {
        out.push(b':');
        write(out, format_args!("{} {} {} ", message.time, JoinedHost(message.from), message.from.port()));
        out.extend_from_slice(message.text);
    }
}

/// The response to code 5: the messages, or as many of the newest as fit, each with its length in bytes before it.
pub fn encode_counted<'a>(messages: impl Items<Posted<'a>>, transport: Transport, out: &mut Vec<u8>) {
    let item_length = |message: &Posted<'_>| {
        let length = message.line_length();
        decimal_digits(length as u64) + 1 + length
    };
    let (messages, size) = newest_that_fit(messages, item_length, transport);
    out.reserve(size);
    out.push(Status::Ok as u8);
    for (index, message) in messages.enumerate() {
        if index == 0 {
            out.push(b':');
        }
        write(out, format_args!("{}:", message.line_length()));
        message.encode_line(out);
    }
}

impl<'a> Posted<'a> {
    /// Appends `<time> <ip> <port> <text>`: how lists and notifications carry a message.
    pub fn encode_line(&self, out: &mut Vec<u8>) {
        write(out, format_args!("{} {} {} ", self.time, Host(self.from), self.from.port()));
        out.extend_from_slice(self.text);
    }

    /// Reads what [`encode_line`](Posted::encode_line) writes; `None` if it is something else.
    pub fn parse_line(line: &'a [u8]) -> Option<Posted<'a>> {
        let mut fields = line.splitn(4, |&byte| byte == b' ');
        Posted::from_fields(fields.next()?, fields.next()?, fields.next()?, fields.next()?)
    }

    pub(super) fn from_fields(time: &[u8], host: &[u8], port: &[u8], text: &'a [u8]) -> Option<Posted<'a>> {
        let time = str::from_utf8(time).ok()?.parse().ok()?;
        let host = host.strip_prefix(b"[").and_then(|host| host.strip_suffix(b"]")).unwrap_or(host);
        let host = str::from_utf8(host).ok()?;
        let host: IpAddr = host.parse().or_else(|_| host.replace('-', ":").parse()).ok()?; // with hyphens: code 4
        let port = str::from_utf8(port).ok()?.parse().ok()?;
        Some(Posted { time, from: SocketAddr::new(host, port), text })
    }

    fn line_length(&self) -> usize {
        struct Counted(usize);
        impl fmt::Write for Counted {
            fn write_str(&mut self, text: &str) -> fmt::Result {
                self.0 += text.len();
                Ok(())
            }
        }
        let mut counted = Counted(self.text.len());
        let _ =
            fmt::write(&mut counted, format_args!("{} {} {} ", self.time, Host(self.from), self.from.port()));
        counted.0
    }
}

/// An address without its port; an IPv4 client that reached an IPv6 socket is still an IPv4 client.
struct Host(SocketAddr);

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.ip().to_canonical() {
            IpAddr::V4(host) => write!(f, "{host}"),
            IpAddr::V6(host) => write!(f, "[{host}]"),
        }
    }
}

/// The same without a colon and without brackets, for code 4.
struct JoinedHost(SocketAddr);

impl fmt::Display for JoinedHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.ip().to_canonical() {
            IpAddr::V4(host) => write!(f, "{host}"),
            IpAddr::V6(host) => f.write_str(&host.to_string().replace(':', "-")),
        }
    }
}

/// What a list is written from: looked through once to see what fits, and once to write it.
pub trait Items<T>: DoubleEndedIterator<Item = T> + ExactSizeIterator + Clone {}

impl<T, I: DoubleEndedIterator<Item = T> + ExactSizeIterator + Clone> Items<T> for I {}

/// The newest items that fit behind `0:`, oldest first, and the bytes of the whole response (at most one more than it takes).
fn newest_that_fit<T>(
    items: impl Items<T>,
    size_of: impl Fn(&T) -> usize,
    transport: Transport,
) -> (impl Iterator<Item = T>, usize) {
    let mut total = b"0:".len();
    let fits = |item: &T| {
        let with_item = total + size_of(item);
        let fits = with_item <= transport.response_limit();
        if fits {
            total = with_item;
        }
        fits
    };
    // From the newest back, so that a board of millions costs a small answer nothing.
    let count = items.clone().rev().take_while(fits).count();
    let all = items.len();
    (items.skip(all - count), total)
}

fn decimal_digits(number: u64) -> usize {
    number.checked_ilog10().unwrap_or(0) as usize + 1
}

/// Writing into memory cannot fail.
fn write(out: &mut Vec<u8>, text: fmt::Arguments<'_>) {
    let _ = io::Write::write_fmt(out, text);
}
