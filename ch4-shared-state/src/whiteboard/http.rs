//! The little HTTP that a whiteboard needs: one page, and the upgrade of a connection to a WebSocket. RFC 6455 section 4.2.
//! The key of an upgrade is answered by `tungstenite`.
//!
//! ```text
//!   GET /  /server  /collaborative                     200  the page, and the connection ends; for HEAD its head only
//!   GET /server  /collaborative, Upgrade: websocket    101  frames from here on
//!   anything else                                      403, 404, 426, and what RequestHead refuses
//! ```
//!
//! HTTP/1.0 is served as well, for the tools that speak it; it has no upgrade. An upgrade to another protocol is ignored.
//!
//! **Who may ask.** A browser opens a WebSocket for any page to any server, without asking that server first. So a page of
//! somebody else, in another tab, could draw here: its `Origin` is not our `Host`, and is refused. And a page could give
//! its own name our address (DNS rebinding), so that both agree: that is why `Host` has to be an address, `localhost`, or
//! a name that the operator has listed.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use common::protocol::http::{Accepts, Keep, RequestHead, ResponseHead, Status, Version};
use tungstenite::handshake::derive_accept_key;

use super::room::Policy;

/// What this server takes.
pub const ACCEPTS: Accepts = Accepts { methods: "GET, HEAD", content_limit: 0 };

const PAGE: &str = include_str!("page.html");

/// Nothing is loaded from elsewhere, nothing is sent elsewhere, and nobody may put the page into a frame.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; \
    connect-src 'self'; img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// The version of the protocol in RFC 6455, the only one that there is.
const WEBSOCKET_VERSION: &str = "13";

/// What is answered.
#[derive(Debug, PartialEq, Eq)]
pub enum Reply {
    /// These bytes, and the connection ends.
    Last(Vec<u8>),
    /// These bytes, and frames follow.
    Upgrade(Policy, Vec<u8>),
}

/// Whether it asks for an upgrade: then frames follow it, if it is granted.
#[must_use]
pub fn is_upgrade(head: &RequestHead) -> bool {
    // HTTP/1.0 has none, and then it is to be ignored (RFC 9110, section 7.8).
    head.method() == "GET" && head.version() == Version::Http11 && head.fields().lists("upgrade", "websocket")
}

/// The answer; `names` are the operator's names for this machine.
#[must_use]
pub fn reply(head: &RequestHead, names: &[String]) -> Reply {
    let refuse = |status, why| Reply::Last(ResponseHead::new(status).refuse(why, head.is_head()));
    let Some(host) = head.host() else {
        return refuse(Status::BadRequest, "the name of this machine is missing");
    };
    if !is_ours(host, names) {
        return refuse(Status::Forbidden, "start the whiteboard with --name to be reached by this name");
    }
    match room(head.path()) {
        Some(_) if is_upgrade(head) && is_cross_site(head) => {
            refuse(Status::Forbidden, "a page of another site")
        }
        Some(room) if is_upgrade(head) => upgrade(head, room),
        None if !exists(head.path()) || is_upgrade(head) => refuse(Status::NotFound, ""),
        _ => Reply::Last(page(head.is_head())),
    }
}

fn room(path: &str) -> Option<Policy> {
    Policy::ALL.into_iter().find(|room| path.strip_prefix('/') == Some(room.name()))
}

/// Whether there is anything at this path.
#[must_use]
pub fn exists(path: &str) -> bool {
    path == "/" || room(path).is_some()
}

fn page(is_head: bool) -> Vec<u8> {
    let head = ResponseHead::new(Status::Ok)
        .content("text/html; charset=utf-8", PAGE.len() as u64)
        .field("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        .field("X-Content-Type-Options", "nosniff")
        .field("Referrer-Policy", "no-referrer")
        .field("Cache-Control", "no-cache")
        .keep(Keep::Close);
    let mut bytes = head.end();
    if !is_head {
        bytes.extend_from_slice(PAGE.as_bytes());
    }
    bytes
}

/// The second half of the handshake (RFC 6455 section 4.2).
fn upgrade(head: &RequestHead, room: Policy) -> Reply {
    let fields = head.fields();
    let bad = |why| Reply::Last(ResponseHead::new(Status::BadRequest).refuse(why, false));
    if !fields.lists("connection", "upgrade") {
        return bad("Upgrade without Connection: Upgrade");
    }
    let Some(version) = fields.only("sec-websocket-version") else {
        return bad("not one Sec-WebSocket-Version");
    };
    if version != WEBSOCKET_VERSION {
        let head = ResponseHead::new(Status::UpgradeRequired)
            .upgrade("websocket")
            .field("Sec-WebSocket-Version", WEBSOCKET_VERSION);
        return Reply::Last(head.refuse("another version of WebSocket", false));
    }
    let is_key = |key: &&str| BASE64.decode(key).is_ok_and(|key| key.len() == 16);
    let Some(key) = fields.only("sec-websocket-key").filter(is_key) else {
        return bad("not one Sec-WebSocket-Key");
    };
    let response = ResponseHead::new(Status::SwitchingProtocols)
        .upgrade("websocket")
        .field("Sec-WebSocket-Accept", derive_accept_key(key.as_bytes()));
    Reply::Upgrade(room, response.end())
}

/// Whether a page of another site is behind it. A client that sends no Origin is no browser, and then no page can be behind it.
fn is_cross_site(head: &RequestHead) -> bool {
    let is_same = |origin: &str| {
        origin.split_once("://").is_some_and(|(scheme, origin)| {
            matches!(scheme, "http" | "https")
                && head.authority().is_some_and(|host| origin.eq_ignore_ascii_case(host))
        })
    };
    head.fields().contains("origin") && !head.fields().only("origin").is_some_and(is_same)
}

/// Whether a host is this machine.
fn is_ours(host: &str, names: &[String]) -> bool {
    host.parse::<IpAddr>().is_ok()
        || host.eq_ignore_ascii_case("localhost")
        || names.iter().any(|ours| ours.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(head: &str) -> Reply {
        let head = head.replace('\n', "\r\n") + "\r\n";
        let (length, parsed) = RequestHead::parse(head.as_bytes(), &ACCEPTS).unwrap().unwrap();
        assert_eq!(length, head.len());
        super::reply(&parsed, &["lab.example".to_owned()])
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
        let post = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx";
        let post = RequestHead::parse(post, &ACCEPTS).unwrap_err().response();
        assert!(post.starts_with(b"HTTP/1.1 405 Method Not Allowed\r\nAllow: GET, HEAD\r\n"));
        let nowhere = b"POST /nowhere HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n";
        let nowhere = RequestHead::parse(nowhere, &ACCEPTS).unwrap_err().among(exists).response();
        assert!(nowhere.starts_with(b"HTTP/1.1 404 Not Found\r\n"));
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
    fn what_is_no_handshake_is_refused_and_another_protocol_is_ignored() {
        let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n";
        let version = "Sec-WebSocket-Version: 13\n";
        let ask = |fields: &str| reply(&format!("GET /server HTTP/1.1\nHost: localhost\n{fields}"));
        let whole = format!("Connection: TE\nConnection: upgrade\nUpgrade: h2c, WebSocket\n{version}{key}");
        assert_eq!(status(&ask(&whole)), "101");
        assert_eq!(status(&ask(&whole.replace("upgrade", "close"))), "400");
        assert_eq!(status(&ask(&whole.replace(", WebSocket", ""))), "200");
        for (line, instead) in [(version, ""), (key, ""), (key, "Sec-WebSocket-Key: c2hvcnQ=\n")] {
            assert_eq!(status(&ask(&whole.replace(line, instead))), "400", "{line} {instead}");
        }
        for line in [version, key] {
            assert_eq!(status(&ask(&format!("{whole}{line}"))), "400", "twice: {line}");
        }
        let Reply::Last(old) = ask(&whole.replace(": 13", ": 8")) else { panic!() };
        let old = String::from_utf8(old).unwrap();
        assert!(old.starts_with("HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\n"), "{old}");
        assert!(old.contains("\r\nSec-WebSocket-Version: 13\r\n"), "{old}");
        assert!(old.contains("\r\nConnection: Upgrade, close\r\n"), "{old}");
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
    fn the_host_of_a_whole_url_is_the_one_that_is_asked() {
        let evil = "GET http://evil.example/ HTTP/1.1\nHost: localhost\n";
        assert_eq!(status(&reply(evil)), "403");
        let ours = "GET http://localhost HTTP/1.1\nHost: evil.example\n";
        assert_eq!(status(&reply(ours)), "200");
        let Reply::Last(refused) =
            upgrade("http://localhost/server", "evil.example", Some("http://evil.example"))
        else {
            panic!()
        };
        assert!(refused.starts_with(b"HTTP/1.1 403"));
    }

    #[test]
    fn a_name_must_be_known_to_be_ours() {
        for host in ["127.0.0.1", "[::1]:7777", "10.1.2.3:80", "LOCALHOST:1", "lab.example:7777"] {
            assert_eq!(status(&reply(&format!("GET / HTTP/1.1\nHost: {host}\n"))), "200", "{host}");
        }
        for host in ["evil.example:7777", "127.0.0.1.evil.example", "[::1%25x]", ""] {
            assert_eq!(status(&reply(&format!("GET / HTTP/1.1\nHost: {host}\n"))), "403", "{host}");
        }
    }
}
