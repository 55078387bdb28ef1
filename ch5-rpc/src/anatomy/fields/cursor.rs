//! Reads the bytes of a message from the front, and writes down what they were.

use std::ops::Range;

use common::support::terminal::line;
use thiserror::Error;

use crate::anatomy::idl::Kind;

/// Which way a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the client to the server.
    Request,
    /// From the server to the client, with a result of this kind: not every protocol says it, because the caller knows what it called.
    Response(Kind),
}

/// Some bytes of a message that belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Where they are.
    pub at: Range<usize>,
    /// What they are called.
    pub name: String,
    /// What they say.
    pub meaning: String,
}

/// Why bytes cannot be read as messages.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("byte {at} and what follows cannot be read: {why}")]
pub struct Unreadable {
    /// From which byte on.
    pub at: usize,
    /// What is wrong.
    pub why: &'static str,
}

/// Reads bytes from the front, and writes down what they were.
#[derive(Debug)]
pub struct Cursor<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
    pub(super) fields: Vec<Field>,
}

impl<'a> Cursor<'a> {
    /// The next `length` bytes, as no field yet.
    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], Unreadable> {
        let end = self.at.checked_add(length).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or_else(|| self.error("it ends too early"))?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Unreadable> {
        Ok(self.take(N)?.try_into().expect("so many bytes have been taken"))
    }

    /// All bytes since `from` are this field.
    pub(super) fn field(&mut self, from: usize, name: impl Into<String>, meaning: impl Into<String>) {
        self.fields.push(Field { at: from..self.at, name: name.into(), meaning: meaning.into() });
    }

    /// A text of so many bytes; one of none is no field.
    pub(super) fn text(&mut self, name: &str, length: usize) -> Result<(), Unreadable> {
        let from = self.at;
        let text = std::str::from_utf8(self.take(length)?).map_err(|_| self.error("a text is not UTF-8"))?;
        if !text.is_empty() {
            self.field(from, name, quoted(text));
        }
        Ok(())
    }

    /// The message has to end at `end`.
    pub(super) fn ends_at(&self, end: usize) -> Result<(), Unreadable> {
        if self.at == end { Ok(()) } else { Err(self.error("the length of the message is another")) }
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }

    pub(super) fn error(&self, why: &'static str) -> Unreadable {
        Unreadable { at: self.at, why }
    }
}

/// A text in quotes, short enough for a table.
pub fn quoted(text: &str) -> String {
    const SHOWN: usize = 40;
    let mut start: String = text.chars().take(SHOWN).collect();
    if start.len() < text.len() {
        start.push('…');
    }
    format!("\"{}\"", line(&start))
}

/// Bytes in hexadecimal; of many, the first ones.
pub fn hex(bytes: &[u8]) -> String {
    const SHOWN: usize = 8;
    let shown = if bytes.len() > SHOWN + 1 { SHOWN } else { bytes.len() };
    let mut digits: Vec<String> = bytes[..shown].iter().map(|byte| format!("{byte:02x}")).collect();
    if shown < bytes.len() {
        digits.push("…".into());
    }
    digits.join(" ")
}
