//! The little HTTP that a whiteboard needs: one page, and the upgrade of a connection to a WebSocket. RFC 9112, RFC 6455
//! section 4.2. The head is parsed by the crate `httparse`, and the answer to an upgrade is made by `tungstenite`.
//!
//! ```text
//!   GET /  /server  /collaborative                     200  the page, and the connection ends; for HEAD its head only
//!   GET /server  /collaborative, Upgrade: websocket    101  frames from here on
//!   anything else                                      400, 403, 404, 405, 431, 505
//! ```
//!
//! HTTP/1.0 is served as well, for the tools that speak it; it has no upgrade.
//!
//! **Who may ask.** A browser opens a WebSocket for any page to any server, without asking that server first. So a page of
//! somebody else, in another tab, could draw here: its `Origin` is not our `Host`, and is refused. And a page could give
//! its own name our address (DNS rebinding), so that both agree: that is why `Host` has to be an address, `localhost`, or
//! a name that the operator has listed.

use std::net::{IpAddr, Ipv6Addr};

use httparse::{EMPTY_HEADER, Status};
use tungstenite::handshake::server::{Request, create_response, write_response};
use tungstenite::http::header::{HOST, ORIGIN, UPGRADE};
use tungstenite::http::{Method, Version};

use super::room::Policy;

const PAGE: &str = include_str!("page.html");

/// Nothing is loaded from elsewhere, nothing is sent elsewhere, and nobody may put the page into a frame.
const PAGE_HEAD: &str = "HTTP/1.1 200 OK\r\n\
    Content-Type: text/html; charset=utf-8\r\n\
    Content-Security-Policy: default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; \
    connect-src 'self'; img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'\r\n\
    X-Content-Type-Options: nosniff\r\n\
    Referrer-Policy: no-referrer\r\n\
    Cache-Control: no-cache\r\n\
    Connection: close\r\n";

/// Most header lines in a request.
const HEADERS_LIMIT: usize = 100;

/// The head of a request.
#[derive(Debug, Clone)]
pub struct Head(Request);

impl PartialEq for Head {
    fn eq(&self, other: &Head) -> bool {
        let parts = |head: &Head| (head.0.method().clone(), head.0.uri().clone(), head.0.version());
        parts(self) == parts(other) && self.0.headers() == other.0.headers()
    }
}

/// What is answered.
#[derive(Debug, PartialEq, Eq)]
pub enum Reply {
    /// These bytes, and the connection ends.
    Last(Vec<u8>),
    /// These bytes, and frames follow.
    Upgrade(Policy, Vec<u8>),
}

impl Head {
    /// Parses a head, if it is there whole: its length in bytes, and what it says.
    ///
    /// # Errors
    /// The status line of the refusal.
    pub fn parse(bytes: &[u8]) -> Result<Option<(usize, Head)>, &'static str> {
        let mut lines = [EMPTY_HEADER; HEADERS_LIMIT];
        let mut parsed = httparse::Request::new(&mut lines);
        let length = match parsed.parse(bytes) {
            Ok(Status::Complete(length)) => length,
            Ok(Status::Partial) => return Ok(None),
            Err(httparse::Error::Version) => return Err("505 HTTP Version Not Supported"),
            Err(httparse::Error::TooManyHeaders) => return Err("431 Request Header Fields Too Large"),
            Err(_) => return Err("400 Bad Request"),
        };
        let method = match parsed.method {
            Some("GET") => Method::GET,
            Some("HEAD") => Method::HEAD,
            _ => return Err("405 Method Not Allowed"),
        };
        let version = if parsed.version == Some(0) { Version::HTTP_10 } else { Version::HTTP_11 };
        let mut request =
            Request::builder().method(method).version(version).uri(parsed.path.unwrap_or_default());
        for line in parsed.headers {
            request = request.header(line.name, line.value);
        }
        let request = request.body(()).map_err(|_| "400 Bad Request")?;
        Ok(Some((length, Head(request))))
    }

    /// Whether it asks for an upgrade: then frames follow it, if it is granted.
    #[must_use]
    pub fn is_upgrade(&self) -> bool {
        // HTTP/1.0 has none, and then it is to be overlooked (RFC 9110, section 7.8).
        *self.0.method() == Method::GET
            && self.0.version() == Version::HTTP_11
            && self.0.headers().contains_key(UPGRADE)
    }

    /// The answer; `names` are the operator's names for this machine.
    #[must_use]
    pub fn reply(&self, names: &[String]) -> Reply {
        match self.whole_reply(names) {
            Reply::Last(mut bytes) if *self.0.method() == Method::HEAD => {
                let end =
                    bytes.windows(4).position(|four| four == b"\r\n\r\n").map_or(bytes.len(), |end| end + 4);
                bytes.truncate(end);
                Reply::Last(bytes)
            }
            reply => reply,
        }
    }

    fn whole_reply(&self, names: &[String]) -> Reply {
        let refuse = |status| Reply::Last(refusal(status));
        let Some(host) = self.header(HOST.as_str()) else { return refuse("400 Bad Request") };
        if !is_ours(host, names) {
            return refuse("403 Forbidden: start the whiteboard with --name to be reached by this name");
        }
        let path = self.0.uri().path();
        let room = Policy::ALL.into_iter().find(|room| path.strip_prefix('/') == Some(room.name()));
        match room {
            Some(room) if self.is_upgrade() => {
                // Who sends no Origin is no browser, and then no page can be behind it.
                let cross_site = self.0.headers().contains_key(ORIGIN)
                    && self.header(ORIGIN.as_str()).and_then(|origin| origin.split_once("://")).is_none_or(
                        |(scheme, origin)| {
                            !matches!(scheme, "http" | "https") || !origin.eq_ignore_ascii_case(host)
                        },
                    );
                if cross_site {
                    return refuse("403 Forbidden: a page of another site");
                }
                let Ok(response) = create_response(&self.0) else { return refuse("400 Bad Request") };
                let mut bytes = Vec::new();
                write_response(&mut bytes, &response).expect("a Vec takes all that is written to it");
                Reply::Upgrade(room, bytes)
            }
            None if path != "/" || self.is_upgrade() => refuse("404 Not Found"),
            _ => Reply::Last(format!("{PAGE_HEAD}Content-Length: {}\r\n\r\n{PAGE}", PAGE.len()).into_bytes()),
        }
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.0.headers().get(name)?.to_str().ok()
    }
}

/// A whole response that is only its status.
#[must_use]
pub fn refusal(status: &str) -> Vec<u8> {
    let length = status.len() + 1;
    let allow = if status.starts_with("405") { "Allow: GET, HEAD\r\n" } else { "" };
    format!(
        "HTTP/1.1 {status}\r\n{allow}Content-Type: text/plain\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{status}\n"
    )
    .into_bytes()
}

/// Whether `Host` names this machine.
fn is_ours(host: &str, names: &[String]) -> bool {
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _port)) => return address.parse::<Ipv6Addr>().is_ok(),
        None => host.rsplit_once(':').map_or(host, |(name, _port)| name),
    };
    name.parse::<IpAddr>().is_ok()
        || name.eq_ignore_ascii_case("localhost")
        || names.iter().any(|ours| ours.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(head: &str) -> Reply {
        let head = head.replace('\n', "\r\n") + "\r\n";
        let (length, parsed) = Head::parse(head.as_bytes()).unwrap().unwrap();
        assert_eq!(length, head.len());
        parsed.reply(&["lab.example".to_owned()])
    }

    fn status(reply: &Reply) -> &str {
        let (Reply::Last(bytes) | Reply::Upgrade(_, bytes)) = reply;
        std::str::from_utf8(&bytes[9..12]).unwrap()
    }

    fn upgrade(path: &str, host: &str, origin: Option<&str>) -> Reply {
        let origin = origin.map_or(String::new(), |origin| format!("Origin: {origin}\n"));
        reply(&format!(
            "GET {path} HTTP/1.1\nHost: {host}\n{origin}Connection: keep-alive, Upgrade\nUpgrade: websocket\n\
             Sec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n"
        ))
    }

    #[test]
    fn the_page_is_at_three_paths_and_nothing_is_elsewhere() {
        for path in ["/", "/server", "/collaborative", "/?x"] {
            let Reply::Last(page) = reply(&format!("GET {path} HTTP/1.1\nHost: localhost:7777\n")) else {
                panic!()
            };
            assert!(page.starts_with(b"HTTP/1.1 200 OK") && page.ends_with(PAGE.as_bytes()), "{path}");
        }
        assert_eq!(status(&reply("GET /favicon.ico HTTP/1.1\nHost: localhost\n")), "404");
        assert_eq!(status(&reply("GET / HTTP/1.1\n")), "400");
        let refused = |head: &[u8]| String::from_utf8(refusal(Head::parse(head).unwrap_err())).unwrap();
        let post = refused(b"POST / HTTP/1.1\r\n\r\n");
        assert!(post.starts_with("HTTP/1.1 405 ") && post.contains("\r\nAllow: GET, HEAD\r\n"), "{post}");
        assert!(refused(b"GET / HTTP/2.0\r\n\r\n").starts_with("HTTP/1.1 505 "));
        let long = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(HEADERS_LIMIT + 1));
        assert!(refused(long.as_bytes()).starts_with("HTTP/1.1 431 "));
    }

    #[test]
    fn a_head_is_the_page_without_the_page() {
        let Reply::Last(page) = reply("GET / HTTP/1.1\nHost: localhost\n") else { panic!() };
        let head = reply("HEAD / HTTP/1.1\nHost: localhost\nUpgrade: websocket\n");
        assert_eq!(head, Reply::Last(page[..page.len() - PAGE.len()].to_vec()));
        let Reply::Last(refused) = reply("HEAD /none HTTP/1.1\nHost: localhost\n") else { panic!() };
        assert!(refused.starts_with(b"HTTP/1.1 404") && refused.ends_with(b"\r\n\r\n"));
    }

    #[test]
    fn http_1_0_is_served_and_has_no_upgrade() {
        for head in [
            "GET / HTTP/1.0\nHost: localhost\n",
            "GET /server HTTP/1.0\nHost: localhost\nUpgrade: websocket\n",
        ] {
            assert_eq!(status(&reply(head)), "200", "{head}");
        }
        assert_eq!(status(&reply("GET / HTTP/1.0\n")), "400"); // whose name it came by has to be known
    }

    #[test]
    fn the_upgrade_names_its_room_and_answers_the_key_of_the_rfc() {
        let Reply::Upgrade(room, bytes) = upgrade("/collaborative", "127.0.0.1:1", None) else { panic!() };
        let text = String::from_utf8(bytes).unwrap().to_ascii_lowercase();
        assert_eq!(room, Policy::Collaborative);
        assert!(text.starts_with("http/1.1 101"));
        assert!(text.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=\r\n"), "{text}");
        assert_eq!(status(&upgrade("/", "127.0.0.1:1", None)), "404");
    }

    #[test]
    fn pages_of_other_sites_are_refused() {
        let ours = "127.0.0.1:7777";
        assert_eq!(status(&upgrade("/server", ours, Some("http://127.0.0.1:7777"))), "101");
        for origin in
            ["http://127.0.0.1:7778", "http://evil.example", "null", "file://127.0.0.1:7777", "\u{e9}"]
        {
            assert_eq!(status(&upgrade("/server", ours, Some(origin))), "403", "{origin}");
        }
    }

    #[test]
    fn a_name_must_be_known_to_be_ours() {
        for host in ["127.0.0.1", "[::1]:7777", "10.1.2.3:80", "LOCALHOST:1", "lab.example:7777"] {
            assert_eq!(status(&reply(&format!("GET / HTTP/1.1\nHost: {host}\n"))), "200", "{host}");
        }
        for host in ["evil.example:7777", "127.0.0.1.evil.example", "[::1", ""] {
            assert_eq!(status(&reply(&format!("GET / HTTP/1.1\nHost: {host}\n"))), "403", "{host}");
        }
    }
}
