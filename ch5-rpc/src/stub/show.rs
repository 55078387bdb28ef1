//! Results and bodies, for the eyes and for other programs.

use std::fmt::Write as _;
use std::io::{self, Write};

use common::support::terminal;

use crate::document::Document;
use crate::jsonrpc;
use crate::procedures::value::Value;

/// A result as JSON, in a line. What a terminal would obey is written as JSON writes it: `\u001b`.
pub fn json(value: &Value) -> String {
    let mut document = Document::default();
    jsonrpc::write::value(value, &mut document);
    let json = String::from_utf8(document.into_bytes()).expect("JSON is UTF-8");
    let mut shown = String::with_capacity(json.len());
    for character in json.chars() {
        if matches!(character, ' '..='~') || terminal::is_visible(character) {
            shown.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(shown, "\\u{unit:04x}").expect("a String takes all that is written to it");
            }
        }
    }
    shown
}

/// A body, line by line.
pub fn body(out: &mut impl Write, what: &str, body: &[u8]) -> io::Result<()> {
    writeln!(out, "--- {what}: {} bytes", body.len())?;
    for line in body.strip_suffix(b"\n").unwrap_or(body).split(|&byte| byte == b'\n') {
        writeln!(out, "{}", terminal::text(line))?;
    }
    writeln!(out, "---")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_escaped_and_stays_json() {
        let text = "a\u{1b}[31m\u{202e}\u{9b}\u{e0041}é 😀\n";
        let shown = json(&Value::text(text));
        assert_eq!(shown, r#""a\u001b[31m\u202e\u009b\udb40\udc41é 😀\n""#);
        assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), text);
    }

    #[test]
    fn a_body_is_shown_in_its_lines() {
        let mut out = Vec::new();
        body(&mut out, "the response", b"<a>\n\x1b</a>\n").unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "--- the response: 10 bytes\n<a>\n\u{fffd}</a>\n---\n");
    }
}
