//! From bytes to text: the encodings that a request may be in.
//!
//! ```text
//!   a byte order mark  >  Content-Type: text/xml; charset=…  >  <?xml version="1.0" encoding="…"?>  >  UTF-8       (RFC 7303 section 3)
//! ```

use std::borrow::Cow;

use thiserror::Error;

/// The declaration is looked for within this many bytes.
const DECLARATION: usize = 200;

/// Why bytes are no text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Error {
    /// No encoding of ours.
    #[error("an encoding other than utf-8, us-ascii, iso-8859-1 and iso-8859-15")]
    Unknown,
    /// Bytes that the encoding does not have.
    #[error("bytes that the encoding of the document does not have")]
    Bytes,
}

const ENCODING: &[u8] = b"encoding";

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The text of a document; `charset` is what the head of the request says.
///
/// # Errors
/// An encoding that is not known, or bytes that it does not have.
pub fn decode<'a>(bytes: &'a [u8], charset: Option<&str>) -> Result<Cow<'a, str>, Error> {
    if let Some(text) = bytes.strip_prefix(BYTE_ORDER_MARK) {
        return utf_8(text);
    }
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err(Error::Unknown); // UTF-16
    }
    let name = charset.or_else(|| declared(bytes)).unwrap_or("utf-8");
    let is = |names: &[&str]| names.iter().any(|known| known.eq_ignore_ascii_case(name));
    match () {
        () if is(&["utf-8", "utf8"]) => utf_8(bytes),
        () if is(&["us-ascii", "ascii"]) && bytes.is_ascii() => utf_8(bytes),
        () if is(&["us-ascii", "ascii"]) => Err(Error::Bytes),
        () if is(&["iso-8859-1", "iso8859-1", "latin-1", "latin1"]) => Ok(latin(bytes, char::from)),
        () if is(&["iso-8859-15", "iso8859-15", "latin-9"]) => Ok(latin(bytes, latin_9)),
        () => Err(Error::Unknown),
    }
}

fn utf_8(bytes: &[u8]) -> Result<Cow<'_, str>, Error> {
    str::from_utf8(bytes).map(Cow::Borrowed).map_err(|_| Error::Bytes)
}

fn latin(bytes: &[u8], character: fn(u8) -> char) -> Cow<'_, str> {
    match str::from_utf8(bytes) {
        Ok(text) if bytes.is_ascii() => Cow::Borrowed(text),
        _ => bytes.iter().map(|&byte| character(byte)).collect(),
    }
}

/// As Latin-1, but for eight of them.
fn latin_9(byte: u8) -> char {
    match byte {
        0xa4 => '€',
        0xa6 => 'Š',
        0xa8 => 'š',
        0xb4 => 'Ž',
        0xb8 => 'ž',
        0xbc => 'Œ',
        0xbd => 'œ',
        0xbe => 'Ÿ',
        byte => char::from(byte),
    }
}

/// The encoding in the declaration of a document. It is ASCII, whatever follows.
fn declared(bytes: &[u8]) -> Option<&str> {
    let start = bytes.get(..bytes.len().min(DECLARATION))?.trim_ascii_start().strip_prefix(b"<?xml")?;
    let end = start.windows(2).position(|pair| pair == b"?>")?;
    let at = start[..end].windows(ENCODING.len()).position(|word| word == ENCODING)?;
    let value = start[at + ENCODING.len()..end].trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let (quote, value) = value.split_first().filter(|(quote, _)| matches!(quote, b'"' | b'\''))?;
    str::from_utf8(value.split(|byte| byte == quote).next()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_the_encoding_is_found_where_it_stands() {
        for (bytes, charset, text) in [
            (&b"\xc3\xa9"[..], None, "é"),
            (b"\xe9", Some("ISO-8859-1"), "é"),
            (b"<?xml version='1.0' encoding='iso-8859-1'?>\xe9", None, "é"),
            (b"\n<?xml version=\"1.0\" encoding = \"latin1\" ?>\xe9", None, "é"),
            (b"<?xml version='1.0' encoding='iso-8859-1'?>\xc3\xa9", Some("utf-8"), "é"),
            (b"\xef\xbb\xbf\xc3\xa9", Some("us-ascii"), "é"),
            (b"\xa4\xe9\xbd", Some("iso-8859-15"), "€éœ"),
            (b"plain", Some("us-ascii"), "plain"),
        ] {
            assert!(decode(bytes, charset).unwrap().ends_with(text), "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn what_cannot_be_read_is_an_error() {
        for (bytes, charset, error) in [
            (&b"\xe9"[..], None, Error::Bytes),
            (b"\xe9", Some("us-ascii"), Error::Bytes),
            (b"a", Some("utf-7"), Error::Unknown),
            (b"<?xml version='1.0' encoding='koi8-r'?>", None, Error::Unknown),
            (b"\xff\xfe<\0", None, Error::Unknown),
        ] {
            assert_eq!(decode(bytes, charset), Err(error), "{}", bytes.escape_ascii());
        }
    }
}
