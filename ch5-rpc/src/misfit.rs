//! A client and a server that do not speak the same: what each can tell the other, so that nobody has to guess.
//!
//! | the server | tells a client of another kind |
//! |---|---|
//! | board | in Pyro's wire, over HTTP, and else in its own: that it is a board |
//! | remote objects (`names`, `chat-server`) | over HTTP, and else in its own wire: that it cannot read this |
//! | over HTTP (`xmlrpc-server`) | a status of HTTP |
//! | board of chapter 2, over TCP | nothing: it waits for the end of the request. It has to be asked in its own words |
//!
//! A server of which this much is known has not done what it was called for: it could not read it.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::time::Duration;

/// The number of no call: the answer of a board to what it cannot read at all.
pub const NO_CALL: u64 = u64::MAX;

/// How such an answer begins in bincode, after the length of its frame.
const NO_CALL_IN_BINCODE: [u8; 9] = [0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];

/// Which message of our protocol of remote objects the last words are (`objects::message`).
const REFUSED: u8 = 3;

/// How long a board of chapter 2 may need.
const SOON: Duration = Duration::from_millis(500);

/// Whether these are the first bytes of a request of HTTP.
#[must_use]
pub fn is_http(first: &[u8]) -> bool {
    [&b"POST"[..], b"GET ", b"PUT ", b"HEAD"].iter().any(|method| first.starts_with(method))
}

/// What a server that speaks no HTTP answers to such a request.
#[must_use]
pub fn http_refusal(server: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 400 {server} is here and speaks no HTTP\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )
    .into()
}

/// What answers, by the first bytes of its answer; `None` when they do not tell.
#[must_use]
pub fn what_answers(first: &[u8]) -> Option<&'static str> {
    let message = first.get(4..).unwrap_or_default();
    if first.starts_with(b"HTTP") {
        Some("a server of HTTP answers there. Is it an `xmlrpc-server`, for `cargo ch5 call`?")
    } else if first.starts_with(b"PYRO") {
        Some("a server of Pyro's objects answers there, and no board")
    } else if message.starts_with(b"{\"request_id\"") {
        Some("a board that speaks JSON answers there: `board-client -t json`")
    } else if message.starts_with(&NO_CALL_IN_BINCODE) {
        Some("a board that speaks bincode answers there: `board-client -t tcp`")
    } else if is_refusal_of_objects(first) {
        Some("a server of remote objects answers there. Is it `names`, or a `chat-server`?")
    } else {
        None
    }
}

/// Whether this is a whole message of our protocol of remote objects: that what has come cannot be read, and why.
fn is_refusal_of_objects(first: &[u8]) -> bool {
    let Some((length, [REFUSED, text, ..])) = first.split_first_chunk::<4>() else { return false };
    first.len() == 4 + u32::from_be_bytes(*length) as usize && first.len() == 6 + usize::from(*text)
}

/// Asks a server that says nothing whether it is a board of chapter 2. It reads a request up to the end of the stream.
#[must_use]
pub fn what_is_silent(place: (&str, u16)) -> Option<&'static str> {
    const LAST: &[u8] = b"2:1";
    let ask = || -> io::Result<Vec<u8>> {
        let address = place.to_socket_addrs()?.next().ok_or(io::ErrorKind::NotFound)?;
        let mut stream = TcpStream::connect_timeout(&address, SOON)?;
        stream.set_read_timeout(Some(SOON))?;
        stream.write_all(LAST)?;
        stream.shutdown(Shutdown::Write)?;
        let mut answer = Vec::new();
        stream.take(64).read_to_end(&mut answer)?;
        Ok(answer)
    };
    let answer = ask().ok()?;
    let is_ids = answer.starts_with(b"0") && answer.iter().all(|byte| byte.is_ascii_digit() || *byte == b':');
    is_ids.then_some("a board of chapter 2 is there: `cargo ch2 board-client -t tcp`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_tell_what_answers() {
        let told = |first: &[u8]| what_answers(first).unwrap_or("nothing");
        assert!(told(b"HTTP/1.1 400 Bad Request\r\n").contains("xmlrpc-server"));
        assert!(told(b"PYRO\x01\xf6").contains("Pyro"));
        assert!(told(b"\0\0\0\x05\x03\x03why").contains("chat-server"));
        assert!(told(b"\0\0\0\x40{\"request_id\":1,").contains("-t json"));
        assert!(told(&[&[0, 0, 0, 20][..], &NO_CALL_IN_BINCODE, &[1]].concat()).contains("-t tcp"));
        for unknown in [&b""[..], b"HT", b"\0\0\0\x04\0\0\0\0", b"220 mail.example ESMTP"] {
            assert_eq!(told(unknown), "nothing");
        }
        assert!(is_http(b"POST /RPC2 HTTP/1.1") && !is_http(b"PYRO"));
    }
}
