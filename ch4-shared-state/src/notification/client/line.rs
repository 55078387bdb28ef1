//! A message as it is shown, on one line: `2026-11-21 12:36:54 [127.0.0.1:34234] -> Hello world!`
//!
//! A text may have line breaks, and strangers write it. With a line break as it is, and a time and an address of somebody else behind
//! it, a stranger would speak for others. So it is shown as `\n` ([`visible`]).

use common::support::count::count;
use std::net::SocketAddr;

use common::protocol::mboard::response::Posted;
use common::support::local_time::LocalTime;
use common::support::terminal;

/// For a file or a pipe: the text's bytes as they are, but for its line breaks. A line that is none of the protocol's, too.
pub fn raw(line: &[u8]) -> Vec<u8> {
    let Some((mut shown, text)) = parts(line) else { return terminal::line_of_bytes(line).into_owned() };
    shown.extend_from_slice(&terminal::line_of_bytes(text));
    shown
}

/// For a terminal, which obeys some characters.
pub fn harmless(line: &[u8]) -> String {
    let (head, text) = parts(line).unwrap_or((Vec::new(), line));
    terminal::text(&head) + &terminal::text(text)
}

/// What a user is told of a text that was sent and not acknowledged.
pub fn not_known(text: &[u8]) -> String {
    const SHOWN: usize = 60;
    let text = terminal::text(text);
    let dots = if text.chars().count() > SHOWN { "…" } else { "" };
    let beginning: String = text.chars().take(SHOWN).collect();
    format!(
        "the connection broke before the server acknowledged `{beginning}{dots}`: it is not on the board, but may still get there; it is not sent again"
    )
}

/// What a user is told when the server was started again.
pub fn another_board(kept: usize, lost: usize) -> String {
    let messages = count(lost, "message");
    match kept {
        0 => format!("the board has begun anew: it has none of the {messages} that it had"),
        _ => format!("the board is another: the last of those that it had are not on it: {messages}"),
    }
}

/// What stands before the text, and the text.
fn parts(line: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let message = Posted::parse_line(line)?;
    let from = SocketAddr::new(message.from.ip().to_canonical(), message.from.port());
    Some((format!("{} [{from}] -> ", LocalTime(message.time)).into_bytes(), message.text))
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

    #[test]
    fn a_message_is_one_line() {
        let line = b"0.00 127.0.0.1 4711 a\r\n2026-01-01 00:00:00 [10.0.0.1:1] -> forged\n";
        let expected = "[127.0.0.1:4711] -> a\\r\\n2026-01-01 00:00:00 [10.0.0.1:1] -> forged\\n";
        assert!(harmless(line).ends_with(expected));
        assert!(raw(line).ends_with(expected.as_bytes()));
        assert_eq!((raw(b"a\nb"), harmless(b"a\nb")), (b"a\\nb".to_vec(), "a\\nb".to_owned()));
    }
}
