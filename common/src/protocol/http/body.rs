//! Where a body ends: the three ways of RFC 9112 section 6.3.
//!
//! | the head says | the body is | a connection that ends early |
//! |---|---|---|
//! | `Content-Length: 5` | so many bytes | is noticed |
//! | `Transfer-Encoding: chunked` | `5␍␊hello␍␊0␍␊␍␊`: pieces, each with its length in hex, the last one empty | is noticed |
//! | neither | all until the server closes | looks like the end: nobody can tell half a file from a whole one |

use thiserror::Error;

use super::fields::Fields;

/// How much of a body is still to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// So many bytes.
    Length(u64),
    /// Pieces with their lengths.
    Chunked(Chunked),
    /// Everything until the connection ends.
    UntilEnd,
}

/// Between which bytes of the chunked coding we are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chunked {
    /// In the line with the length; the part of it that has come.
    Size(Vec<u8>),
    /// In the data, with so many bytes to come.
    Data(u64),
    /// In the line end after the data; whether its first half has come.
    AfterData(bool),
    /// In the lines after the last chunk; the length of this one so far, and of all.
    Trailer(usize, usize),
    /// Behind the empty line that ends it all.
    Done,
}

/// A chunk that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the chunked coding of the body is broken")]
pub struct Malformed;

/// The longest line with a chunk's length, with its extensions; and the longest trailer.
const LINE_LIMIT: usize = 1024;

impl Body {
    /// The body that the fields of a head announce; `None` if they say nothing of it. The error says why it cannot be found.
    pub(super) fn announced(fields: &Fields) -> Result<Option<Body>, &'static str> {
        let mut length = None;
        for value in fields.values("content-length").flat_map(|value| value.split(|&byte| byte == b',')) {
            let value = number(value.trim_ascii()).ok_or("its Content-Length is no number")?;
            // Two lengths are how one message is smuggled into another (RFC 9112 section 6.3).
            if length.replace(value).is_some_and(|before| before != value) {
                return Err("it has two lengths");
            }
        }
        if !fields.contains("transfer-encoding") {
            return Ok(length.map(Body::Length));
        }
        let mut codings = fields.list("transfer-encoding");
        let is_chunked = codings.next().is_some_and(|coding| coding.eq_ignore_ascii_case(b"chunked"));
        if !is_chunked || codings.next().is_some() {
            return Err("a Transfer-Encoding other than chunked");
        }
        Ok(Some(Body::Chunked(Chunked::new())))
    }

    /// Takes the next piece of content from the front of `bytes`. An empty piece: all of `bytes` is taken, or the body is
    /// [complete](Body::is_complete) and what is left belongs to something else.
    ///
    /// # Errors
    /// [`Malformed`], for the chunked coding only.
    pub fn take<'a>(&mut self, bytes: &mut &'a [u8]) -> Result<&'a [u8], Malformed> {
        match self {
            Body::UntilEnd => Ok(std::mem::take(bytes)),
            Body::Length(left) => Ok(up_to(left, bytes)),
            Body::Chunked(chunked) => chunked.take(bytes),
        }
    }

    /// Whether its end has come. A body until the end of the connection is never complete before that.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        matches!(self, Body::Length(0) | Body::Chunked(Chunked::Done))
    }
}

impl Chunked {
    /// Before the first byte.
    #[must_use]
    pub fn new() -> Chunked {
        Chunked::Size(Vec::new())
    }

    fn take<'a>(&mut self, bytes: &mut &'a [u8]) -> Result<&'a [u8], Malformed> {
        if let Chunked::Data(left) = self
            && *left > 0
        {
            return Ok(up_to(left, bytes));
        }
        while let [byte, rest @ ..] = *bytes {
            match self {
                Chunked::Done => return Ok(&[]),
                Chunked::Data(0) => *self = Chunked::AfterData(false),
                Chunked::Data(left) => return Ok(up_to(left, bytes)),
                _ => {
                    *bytes = rest;
                    self.step(*byte)?;
                }
            }
        }
        Ok(&[])
    }

    /// One byte that is not content.
    fn step(&mut self, byte: u8) -> Result<(), Malformed> {
        match self {
            Chunked::Size(line) if byte == b'\n' => {
                // Here both halves of a line end are asked for: readers that disagree about one half see different chunks.
                let line = line.strip_suffix(b"\r").filter(|line| !line.contains(&b'\r')).ok_or(Malformed)?;
                *self = match length(line)? {
                    0 => Chunked::Trailer(0, 0),
                    length => Chunked::Data(length),
                };
            }
            Chunked::Size(line) if line.len() < LINE_LIMIT => line.push(byte),
            Chunked::AfterData(has_begun) if !*has_begun && byte == b'\r' => *has_begun = true,
            Chunked::AfterData(true) if byte == b'\n' => *self = Chunked::new(),
            Chunked::Trailer(0, _) if byte == b'\n' => *self = Chunked::Done,
            Chunked::Trailer(_, all) if *all >= LINE_LIMIT => return Err(Malformed),
            Chunked::Trailer(line, all) => {
                *all += 1;
                *line = match byte {
                    b'\n' => 0,
                    b'\r' => *line,
                    _ => *line + 1,
                };
            }
            _ => return Err(Malformed),
        }
        Ok(())
    }
}

impl Default for Chunked {
    fn default() -> Self {
        Chunked::new()
    }
}

/// Up to `left` bytes from the front of `bytes`; both become less by them.
fn up_to<'a>(left: &mut u64, bytes: &mut &'a [u8]) -> &'a [u8] {
    let count = usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
    let (piece, rest) = bytes.split_at(count);
    *bytes = rest;
    *left -= count as u64;
    piece
}

/// Digits and nothing else: `parse` alone would take a sign.
fn number(digits: &[u8]) -> Option<u64> {
    let digits =
        str::from_utf8(digits).ok().filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    digits.parse().ok()
}

/// The length in a chunk's first line: hexadecimal, before extensions that nobody has to understand.
fn length(line: &[u8]) -> Result<u64, Malformed> {
    let digits = line.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii();
    let digits = str::from_utf8(digits).map_err(|_| Malformed)?;
    // `from_str_radix` would take a sign.
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Malformed);
    }
    u64::from_str_radix(digits, 16).map_err(|_| Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The content, given in segments of `size` bytes; the bytes left behind the end; whether the end was seen.
    fn read(mut body: Body, bytes: &[u8], size: usize) -> Result<(Vec<u8>, usize, bool), Malformed> {
        let (mut content, mut left) = (Vec::new(), 0);
        for mut segment in bytes.chunks(size) {
            loop {
                let piece = body.take(&mut segment)?;
                if piece.is_empty() {
                    break;
                }
                content.extend_from_slice(piece);
            }
            left += segment.len();
        }
        Ok((content, left, body.is_complete()))
    }

    #[test]
    fn every_split_of_a_chunked_body_reads_the_same() {
        let bytes = b"5\r\nhello\r\nC;name=value\r\n, all there!\r\n0\r\nField: x\r\n\r\nnext";
        for size in 1..=bytes.len() {
            let read = read(Body::Chunked(Chunked::new()), bytes, size);
            assert_eq!(read, Ok((b"hello, all there!".to_vec(), 4, true)), "in segments of {size}");
        }
    }

    #[test]
    fn a_body_with_a_length_ends_where_it_says() {
        assert_eq!(read(Body::Length(3), b"abcd", 2), Ok((b"abc".to_vec(), 1, true)));
        assert_eq!(read(Body::Length(5), b"abcd", 3), Ok((b"abcd".to_vec(), 0, false)));
        assert_eq!(read(Body::UntilEnd, b"abcd", 3), Ok((b"abcd".to_vec(), 0, false)));
    }

    #[test]
    fn what_is_no_chunk_is_an_error() {
        let long = [b'0'; LINE_LIMIT + 1];
        for bytes in [
            &b"-5\r\nhello"[..],
            b"\r\n",
            b"x\r\n",
            b"11111111111111111\r\n",
            b"1\r\nab",
            b"1\na",
            b"2;x\nab",
            b"1;\r\r\n",
            b"1\r\na\n",
            b"1\r\na\r\r\n",
            &long,
        ] {
            assert_eq!(read(Body::Chunked(Chunked::new()), bytes, 7), Err(Malformed));
        }
    }
}
