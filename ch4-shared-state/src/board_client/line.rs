//! A message as it is shown: `2026-11-21 12:36:54 [127.0.0.1:34234] -> Hello world!`

use std::net::SocketAddr;

use common::local_time::LocalTime;
use common::protocol::mboard::response::Posted;

/// For a file or a pipe: the text's bytes go as they are. A line that is none of the protocol's is shown as it came.
pub fn raw(line: &[u8]) -> Vec<u8> {
    let Some(message) = Posted::parse_line(line) else { return line.to_vec() };
    let from = SocketAddr::new(message.from.ip().to_canonical(), message.from.port());
    let mut shown = format!("{} [{from}] -> ", LocalTime(message.time)).into_bytes();
    shown.extend_from_slice(message.text);
    shown
}

/// For a terminal, which obeys some bytes, and strangers have written these.
pub fn harmless(line: &[u8]) -> String {
    let harmless = |c: char| if c.is_control() && c != '\n' && c != '\t' { '\u{fffd}' } else { c };
    String::from_utf8_lossy(&raw(line)).chars().map(harmless).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_not_given_what_it_would_obey() {
        let line = b"0.00 127.0.0.1 4711 red \x1b[31m\ttext";
        assert!(raw(line).ends_with(b"[127.0.0.1:4711] -> red \x1b[31m\ttext"));
        assert!(harmless(line).ends_with("[127.0.0.1:4711] -> red \u{fffd}[31m\ttext"));
        assert_eq!(raw(b"what is this"), b"what is this");
    }
}
