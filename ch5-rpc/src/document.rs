//! A document that may be longer than memory is free: what is short is written, what is long is written while it is sent.
//!
//! ```text
//!   <?xml … <string>   ▒▒▒ 200 MiB on the board ▒▒▒   </string></value> …
//!   Bytes              XmlText: escaped 64 KiB at a time   Bytes
//! ```
//!
//! Its length is known before the first byte leaves, so every answer has a `Content-Length`, which HTTP/1.0 needs to stay connected.

pub mod charset;
pub mod escape;
mod shared_text;

use std::io::Write;
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use common::core::service::{BodyStream, Piece};

pub use shared_text::SharedText;

/// The length of a piece, bytes of what it is made from. A multiple of 3, which base64 encodes without padding.
const PIECE: usize = 48 * 1024;

/// Room for the documents that are usual, bytes.
const USUAL: usize = 256;

/// A document.
#[derive(Debug, Default)]
pub struct Document {
    parts: Vec<Part>,
}

/// A part of a document.
#[derive(Debug)]
pub enum Part {
    /// As they are.
    Bytes(Vec<u8>),
    /// A text that XML can carry, escaped as there.
    XmlText(SharedText),
    /// A text of UTF-8, escaped as in JSON.
    JsonText(SharedText),
    /// Any bytes.
    Base64(Arc<[u8]>),
    /// The numbers of a range, each as a value of XML-RPC.
    XmlIds(Range<u64>),
    /// The numbers of a range, separated by commas.
    JsonIds(Range<u64>),
}

impl Document {
    /// Appends a text that is escaped already.
    pub fn push_str(&mut self, text: &str) {
        self.bytes().extend_from_slice(text.as_bytes());
    }

    /// Where bytes are appended.
    pub fn bytes(&mut self) -> &mut Vec<u8> {
        if !matches!(self.parts.last(), Some(Part::Bytes(_))) {
            self.parts.push(Part::Bytes(Vec::with_capacity(USUAL)));
        }
        match self.parts.last_mut() {
            Some(Part::Bytes(bytes)) => bytes,
            _ => unreachable!("it has been pushed"),
        }
    }

    /// Appends a part.
    pub fn push(&mut self, part: Part) {
        self.parts.push(part);
    }

    /// Appends another document.
    pub fn append(&mut self, other: Document) {
        for part in other.parts {
            match part {
                Part::Bytes(bytes) => self.bytes().extend_from_slice(&bytes),
                part => self.push(part),
            }
        }
    }

    /// Its length, bytes.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.parts.iter().map(Part::length).sum()
    }

    /// All of it, for a document that is short or a reader that wants it whole.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.behind(Vec::new())
    }

    /// The same behind a head.
    #[must_use]
    pub fn behind(self, mut head: Vec<u8>) -> Vec<u8> {
        head.reserve_exact(usize::try_from(self.length()).unwrap_or_default());
        let mut stream = DocumentStream::new(self);
        while stream.write_piece(&mut head) {}
        head
    }
}

impl Part {
    fn length(&self) -> u64 {
        match self {
            Part::Bytes(bytes) => bytes.len() as u64,
            Part::XmlText(text) => text.xml_length().unwrap_or_default(),
            Part::JsonText(text) => text.json_length().unwrap_or_default(),
            Part::Base64(bytes) => bytes.len().div_ceil(3) as u64 * 4,
            Part::XmlIds(ids) => {
                digits(ids) + (ids.end - ids.start) * "<value><int></int></value>".len() as u64
            }
            Part::JsonIds(ids) => digits(ids) + (ids.end - ids.start).saturating_sub(1),
        }
    }
}

/// How many digits the numbers of a range have together.
fn digits(ids: &Range<u64>) -> u64 {
    let (mut sum, mut start) = (0, ids.start);
    while start < ids.end {
        let length = start.checked_ilog10().unwrap_or(0) + 1;
        let end = 10_u64.checked_pow(length).map_or(ids.end, |next| next.min(ids.end));
        sum += (end - start) * u64::from(length);
        start = end;
    }
    sum
}

/// A document that is being sent.
pub struct DocumentStream {
    document: Document,
    part: usize,
    /// How far the part has been written: a place in its bytes, or a number of its range.
    done: u64,
}

impl DocumentStream {
    /// Before its first byte.
    #[must_use]
    pub fn new(document: Document) -> DocumentStream {
        DocumentStream { document, part: 0, done: 0 }
    }

    /// The same behind a head.
    #[must_use]
    pub fn behind(mut self, head: Vec<u8>) -> DocumentStream {
        self.document.parts.insert(0, Part::Bytes(head));
        self
    }

    /// Appends the next piece; `false` when there is none.
    fn write_piece(&mut self, out: &mut Vec<u8>) -> bool {
        let Some(part) = self.document.parts.get(self.part) else { return false };
        let is_done = match part {
            Part::Bytes(bytes) => with_next(bytes, &mut self.done, |bytes| out.extend_from_slice(bytes)),
            Part::XmlText(text) => with_next(text.bytes(), &mut self.done, |text| escape::xml(text, out)),
            Part::JsonText(text) => with_next(text.bytes(), &mut self.done, |text| escape::json(text, out)),
            Part::Base64(bytes) => with_next(bytes, &mut self.done, |bytes| {
                out.extend_from_slice(BASE64.encode(bytes).as_bytes());
            }),
            Part::XmlIds(ids) => {
                next_ids(ids, &mut self.done, out, |id, out| write!(out, "<value><int>{id}</int></value>"))
            }
            Part::JsonIds(ids) => next_ids(ids, &mut self.done, out, |id, out| {
                write!(out, "{}{id}", if id == ids.start { "" } else { "," })
            }),
        };
        if is_done {
            (self.part, self.done) = (self.part + 1, 0);
        }
        true
    }
}

impl BodyStream for DocumentStream {
    fn poll_piece(&mut self, _now: Instant) -> Piece {
        let mut piece = Vec::new();
        // Several short parts are one piece.
        while piece.len() < PIECE && self.write_piece(&mut piece) {}
        if piece.is_empty() { Piece::End } else { Piece::Bytes(piece) }
    }
}

/// Does something with the next piece of bytes; whether it is the last.
fn with_next(bytes: &[u8], done: &mut u64, mut write: impl FnMut(&[u8])) -> bool {
    let rest = &bytes[*done as usize..];
    let piece = &rest[..rest.len().min(PIECE)];
    write(piece);
    *done += piece.len() as u64;
    piece.len() == rest.len()
}

/// Writes the next numbers; whether they are the last.
fn next_ids(
    ids: &Range<u64>,
    done: &mut u64,
    out: &mut Vec<u8>,
    write: impl Fn(u64, &mut Vec<u8>) -> std::io::Result<()>,
) -> bool {
    let start = ids.start + *done;
    let end = ids.end.min(start + (PIECE / 32) as u64);
    for id in start..end {
        write(id, out).expect("a Vec takes all that is written to it");
    }
    *done += end - start;
    end == ids.end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_is_known_before_it_is_written() {
        let text: Arc<[u8]> = "a<\r\n\"&>\\\t\u{e9}".repeat(20_000).into_bytes().into();
        let none: Arc<[u8]> = Arc::default();
        for part in [
            Part::Bytes(vec![b'a'; 100_000]),
            Part::XmlText(Arc::clone(&text).into()),
            Part::JsonText(Arc::clone(&text).into()),
            Part::Base64(Arc::clone(&text)),
            Part::Base64(text[..100_001].into()),
            Part::Base64(none),
            Part::XmlIds(0..0),
            Part::XmlIds(0..1),
            Part::XmlIds(7..100_001),
            Part::JsonIds(5..5),
            Part::JsonIds(0..1),
            Part::JsonIds(99..12_345),
        ] {
            let mut document = Document::default();
            document.push_str("before");
            document.push(part);
            document.push_str("after");
            let (name, length) = (format!("{:.40?}", document.parts[1]), document.length());
            let bytes = document.into_bytes();
            assert_eq!(bytes.len() as u64, length, "{name}");
            assert!(bytes.starts_with(b"before") && bytes.ends_with(b"after"));
        }
    }

    #[test]
    fn no_piece_is_longer_than_a_few_times_what_it_is_made_from() {
        let mut document = Document::default();
        document.push(Part::XmlText(SharedText::new(vec![b'&'; 1_000_000].into())));
        document.push(Part::XmlIds(0..100_000));
        let mut stream = DocumentStream::new(document);
        let (mut pieces, mut sum) = (0, 0);
        while let Piece::Bytes(piece) = stream.poll_piece(Instant::now()) {
            assert!(piece.len() <= 6 * PIECE);
            (pieces, sum) = (pieces + 1, sum + piece.len());
        }
        assert!(pieces > 20 && sum == 5_000_000 + 100_000 * 26 + 488_890, "{pieces} {sum}");
    }
}
