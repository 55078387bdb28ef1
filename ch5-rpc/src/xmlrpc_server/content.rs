//! The content of a request as text: unpacked, and out of its encoding.

use std::io::Read;

use flate2::bufread::MultiGzDecoder;

use super::http::{Posted, Wanted};
use crate::document::charset;
use crate::procedures::fault::Fault;

/// Why a content is no text.
#[derive(Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// Unpacked it is longer than what is taken: a kilobyte of gzip may be a megabyte of blanks.
    TooLarge,
    /// Anything else.
    Fault(Fault),
}

/// Calls `read` with the text; it may be `limit` bytes long.
///
/// # Errors
/// See [`Unreadable`].
pub fn with_text<T>(posted: &Posted, limit: u64, read: impl FnOnce(&str) -> T) -> Result<T, Unreadable> {
    let unpacked;
    let content = if posted.is_gzip {
        unpacked = unpack(&posted.content, limit)?;
        &unpacked
    } else {
        &posted.content
    };
    let charset = match posted.wanted {
        Wanted::Xml => posted.charset.as_deref(),
        Wanted::Json => Some("utf-8"), // RFC 8259 section 8.1
    };
    let text = charset::decode(content, charset).map_err(|error| Unreadable::Fault(error.into()))?;
    Ok(read(&text))
}

fn unpack(packed: &[u8], limit: u64) -> Result<Vec<u8>, Unreadable> {
    let mut content = Vec::new();
    let read = MultiGzDecoder::new(packed).take(limit + 1).read_to_end(&mut content);
    if content.len() as u64 > limit {
        return Err(Unreadable::TooLarge);
    }
    read.map_err(|_| Unreadable::Fault(Fault::not_well_formed("content that is no gzip")))?;
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use common::protocol::http::Keep;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write;

    fn packed(content: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    fn text(content: Vec<u8>) -> Result<String, Unreadable> {
        let posted = Posted { wanted: Wanted::Xml, content, is_gzip: true, charset: None, keep: Keep::Open };
        with_text(&posted, 10_000, str::to_owned)
    }

    #[test]
    fn what_is_packed_is_unpacked_up_to_a_limit() {
        let content = "a".repeat(10_000);
        assert_eq!(text(packed(content.as_bytes())), Ok(content.clone()));
        assert_eq!(text([packed(b"ab"), packed(b"cd")].concat()), Ok("abcd".into()), "two members are one");
        assert_eq!(text(packed(&vec![b'a'; 10_001])), Err(Unreadable::TooLarge));
        assert_eq!(text(packed(&vec![b'a'; 50_000_000])), Err(Unreadable::TooLarge));
        let whole = packed(content.as_bytes());
        for bad in [b"plain".to_vec(), whole[..whole.len() - 1].to_vec(), [whole, b"more".to_vec()].concat()]
        {
            assert!(matches!(text(bad), Err(Unreadable::Fault(_))));
        }
    }
}
