//! Texts inside documents: what has a meaning there is written otherwise. Both work byte by byte, so a text may be cut anywhere.

/// Appends a text. A carriage return is written as a reference: a reader of XML turns a bare one into a line feed.
pub fn xml(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    while let Some((at, reference)) =
        rest.iter().enumerate().find_map(|(at, &byte)| xml_reference(byte).map(|reference| (at, reference)))
    {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(reference);
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
}

/// How long a text is when it is escaped.
#[must_use]
pub fn xml_length(text: &[u8]) -> u64 {
    let longer: usize =
        text.iter().map(|&byte| xml_reference(byte).map_or(0, |reference| reference.len() - 1)).sum();
    (text.len() + longer) as u64
}

fn xml_reference(byte: u8) -> Option<&'static [u8]> {
    match byte {
        b'&' => Some(b"&amp;"),
        b'<' => Some(b"&lt;"),
        b'>' => Some(b"&gt;"),
        b'\r' => Some(b"&#13;"),
        _ => None,
    }
}

/// Appends a text of UTF-8.
pub fn json(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    while let Some(at) = rest.iter().position(|&byte| json_longer(byte) > 0) {
        out.extend_from_slice(&rest[..at]);
        match rest[at] {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            control => out.extend_from_slice(format!("\\u{control:04x}").as_bytes()),
        }
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
}

/// How long a text is when it is escaped.
#[must_use]
pub fn json_length(text: &[u8]) -> u64 {
    text.iter().map(|&byte| 1 + json_longer(byte)).sum()
}

/// How much longer a byte becomes.
fn json_longer(byte: u8) -> u64 {
    match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' => 1,
        0..b' ' => 5,
        _ => 0,
    }
}

/// Whether XML 1.0 can carry these bytes as text (section 2.2): UTF-8, of the control characters only tab and line ends, and neither
/// U+FFFE nor U+FFFF.
#[must_use]
pub fn is_xml(text: &[u8]) -> bool {
    let is_control = |byte: &u8| *byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r');
    if text.iter().any(is_control) {
        return false;
    }
    let Ok(text) = str::from_utf8(text) else { return false };
    text.is_ascii() || !text.contains(['\u{fffe}', '\u{ffff}'])
}
