//! HTTP, both of its sides: the server of files, and the client that downloads.

use std::sync::Arc;
use std::time::Duration;

use ch4_shared_state::download::server::{Catalogue, Files};
use common::core::work::AnyService;
use common::protocol::http::{Exchange, Fault, Keep, Progress, Url, get};

use super::converse::{Conversed, converse};
use super::tape::Tape;

/// Of one file; it is sent in two pieces.
const LENGTH: u64 = 70_000;

/// Requests for files. The first byte says how long the pieces are.
pub fn files_requests(bytes: &[u8]) {
    let Some((&step, stream)) = bytes.split_first() else { return };
    let (requests, sent) = both_ways(&files(), step, stream);
    if sent.is_empty() {
        assert!(requests == 0);
    } else {
        assert!(sent.starts_with(b"HTTP/1.1 "), "{}", sent[..sent.len().min(80)].escape_ascii());
    }
    // Whoever asks for a file by mistake asks for no more than there is.
    assert!(sent.len() as u64 <= (requests as u64 + 1) * (LENGTH + 500));
}

/// A stream whole, and in pieces as long as the first of these bytes says: both must be the same conversation.
fn both_ways(service: &Arc<dyn AnyService>, step: u8, stream: &[u8]) -> Conversed {
    let whole = converse(service, stream, stream.len().max(1));
    assert_eq!(converse(service, stream, usize::from(step).max(1)), whole);
    whole
}

fn files() -> Arc<dyn AnyService> {
    Arc::new(Files::new(Catalogue::made(1, LENGTH, 3), None, Duration::ZERO))
}

/// An answer. The first byte says how long the pieces are, the second how much is taken at most.
pub fn http_answers(bytes: &[u8]) {
    let [step, limit, answer @ ..] = bytes else { return };
    let whole = download(answer, answer.len().max(1), (*limit).into());
    assert_eq!(download(answer, usize::from(*step).max(1), (*limit).into()), whole);
    if let Err(why) = whole {
        // It is shown on a terminal.
        assert!(!why.chars().any(|c| c.is_control() && c != '\t'), "{}", why.escape_debug());
    }
}

/// The content, or why there is none.
fn download(answer: &[u8], step: usize, limit: u64) -> Result<Vec<u8>, String> {
    let (mut exchange, mut content) = (Exchange::new(limit), Vec::new());
    let outcome = receive(&mut exchange, answer.chunks(step), &mut content);
    assert!(content.len() as u64 <= limit, "more is taken than the limit");
    outcome.map_err(|fault| fault.to_string())?;
    assert_eq!(exchange.received(), content.len() as u64);
    assert!(exchange.expected().is_none_or(|expected| expected == exchange.received()));
    Ok(content)
}

fn receive(
    exchange: &mut Exchange,
    pieces: std::slice::Chunks<'_, u8>,
    content: &mut Vec<u8>,
) -> Result<(), Fault> {
    let mut progress = Progress::More;
    for piece in pieces {
        // Also behind the end, where nothing may follow.
        progress = exchange.receive(piece, content)?;
    }
    let finished = exchange.finish();
    assert!(progress == Progress::More || finished.is_ok(), "complete, and then it is not");
    finished
}

/// A URL: read, written and read again; and what is asked of a server for it is a request.
pub fn urls(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let Ok(url) = text.parse::<Url>() else { return };
    assert_eq!(url.to_string().parse(), Ok(url.clone()));
    check_authority(text, &url);

    let name = url.file_name();
    assert!(!name.is_empty() && name.len() <= 200 && name != "." && name != "..");
    assert!(!name.contains(['/', '\\', '\0']), "{name} leads somewhere else");

    let request = get(&url, Tape(bytes).pick(&[Keep::Open, Keep::Close]));
    let lines: Vec<&[u8]> = request.split(|&byte| byte == b'\n').collect();
    let is_a_line = |line: &&[u8]| line.ends_with(b"\r") && !line[..line.len() - 1].contains(&b'\r');
    assert!(lines[..lines.len() - 1].iter().all(is_a_line), "{}", request.escape_ascii());
    let (requests, answer) = both_ways(&files(), 255, &request);
    assert!(requests > 0, "{} is refused: {}", request.escape_ascii(), answer.escape_ascii());
}

/// Nothing stands between `//` and the path but the host and the digits of the port.
fn check_authority(text: &str, url: &Url) {
    let (_, rest) = text.split_once("://").expect("it has a scheme");
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host =
        authority.trim_start_matches('[').strip_prefix(&url.host[..]).expect("it begins with the host");
    let port = host.trim_start_matches(']').trim_start_matches(':');
    assert!(port.bytes().all(|byte| byte.is_ascii_digit()), "{port} is no port");
}
