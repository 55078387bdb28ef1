//! Who may ask. A browser sends requests to any server for any page that is open in it, so this API has to tell its own page from
//! the others.
//!
//! | the danger | what helps |
//! |---|---|
//! | a page of another site sends a request here | an `Origin` other than our `Host` is refused, whatever the method |
//! | a form of another site, which needs no permission of ours | content has to be `application/json`: no form can send it |
//! | a site gives its own name our address (DNS rebinding), and both agree | `Host` is an address, `localhost`, or a name that was listed |
//! | another user of this machine, or of the network | a user and a password (Basic, RFC 7617) |
//!
//! The page itself is for everybody: there is nothing in it.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use common::protocol::http::{RequestHead, Status};

/// Why a request is refused before anybody looks at what it asks.
pub type Refused = (Status, &'static str);

/// Refuses a request that a page of another site may have sent.
///
/// # Errors
/// What is wrong with it.
pub fn check_site(head: &RequestHead, names: &[String]) -> Result<(), Refused> {
    let host = head.host().ok_or((Status::BadRequest, "the name of this machine is missing"))?;
    if !is_ours(host, names) {
        return Err((Status::Forbidden, "start the broker with --http-name to be reached by this name"));
    }
    if is_cross_site(head) {
        return Err((Status::Forbidden, "a page of another site"));
    }
    Ok(())
}

/// Refuses content in a form that any page may send.
///
/// # Errors
/// What is wrong with it.
pub fn check_content(head: &RequestHead, content: &[u8]) -> Result<(), Refused> {
    let kind = head.fields().only("content-type").and_then(|kind| kind.split(';').next());
    let is_json = kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"));
    let needs_it = head.method() == "POST" || !content.is_empty();
    if needs_it && !is_json {
        return Err((Status::UnsupportedMediaType, "the content has to be application/json"));
    }
    Ok(())
}

/// User and password of the field `Authorization`.
#[must_use]
pub fn credentials(head: &RequestHead) -> Option<(String, Vec<u8>)> {
    let (scheme, coded) = head.fields().only("authorization")?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let both = BASE64.decode(coded.trim()).ok()?;
    let colon = both.iter().position(|&byte| byte == b':')?;
    let user = String::from_utf8(both[..colon].to_vec()).ok()?;
    Some((user, both[colon + 1..].to_vec()))
}

/// A client that sends no Origin is no page that could be of another site: a browser sends it with every request that changes something.
fn is_cross_site(head: &RequestHead) -> bool {
    let is_same = |origin: &str| {
        origin.split_once("://").is_some_and(|(scheme, origin)| {
            matches!(scheme, "http" | "https")
                && head.authority().is_some_and(|host| origin.eq_ignore_ascii_case(host))
        })
    };
    head.fields().contains("origin") && !head.fields().only("origin").is_some_and(is_same)
}

fn is_ours(host: &str, names: &[String]) -> bool {
    host.parse::<IpAddr>().is_ok()
        || host.eq_ignore_ascii_case("localhost")
        || names.iter().any(|ours| ours.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::http::ACCEPTS;

    fn head(lines: &str) -> RequestHead {
        let bytes = lines.replace('\n', "\r\n") + "\r\n";
        RequestHead::parse(bytes.as_bytes(), &ACCEPTS).unwrap().unwrap().1
    }

    #[test]
    fn pages_of_other_sites_are_refused() {
        let site = |host: &str, origin: &str| {
            let lines = format!("GET / HTTP/1.1\nHost: {host}\n{origin}");
            check_site(&head(&lines), &["lab.example".into()]).is_ok()
        };
        for (host, origin) in [
            ("127.0.0.1:15672", ""),
            ("[::1]:15672", "Origin: http://[::1]:15672\n"),
            ("LOCALHOST", "Origin: http://localhost\n"),
            ("lab.example", "Origin: https://lab.example\n"),
        ] {
            assert!(site(host, origin), "{host} {origin}");
        }
        for (host, origin) in [
            ("evil.example", ""),
            ("127.0.0.1.evil.example", ""),
            ("127.0.0.1:15672", "Origin: http://127.0.0.1:80\n"),
            ("127.0.0.1:15672", "Origin: null\n"),
            ("127.0.0.1", "Origin: http://127.0.0.1\nOrigin: http://127.0.0.1\n"),
            ("127.0.0.1", "Origin: file://127.0.0.1\n"),
        ] {
            assert!(!site(host, origin), "{host} {origin}");
        }
        assert!(check_site(&head("GET / HTTP/1.0\n"), &[]).is_err(), "whose name it came by has to be known");
    }

    #[test]
    fn what_a_form_of_another_site_can_send_changes_nothing() {
        let may = |method: &str, kind: &str, content: &[u8]| {
            check_content(&head(&format!("{method} / HTTP/1.1\nHost: a\n{kind}")), content).is_ok()
        };
        let json = "Content-Type: application/JSON; charset=utf-8\n";
        assert!(
            may("POST", json, b"{}")
                && may("PUT", json, b"{}")
                && may("DELETE", "", b"")
                && may("GET", "", b"")
        );
        for kind in ["", "Content-Type: text/plain\n", "Content-Type: application/x-www-form-urlencoded\n"] {
            assert!(
                !may("POST", kind, b"{}") && !may("POST", kind, b"") && !may("PUT", kind, b"{}"),
                "{kind}"
            );
        }
    }

    #[test]
    fn user_and_password_are_split_at_the_first_colon() {
        let of =
            |value: &str| credentials(&head(&format!("GET / HTTP/1.1\nHost: a\nAuthorization: {value}\n")));
        let coded = |both: &str| format!("basic {}", BASE64.encode(both));
        assert_eq!(of(&coded("guest:a:b")), Some(("guest".into(), b"a:b".to_vec())));
        for bad in ["Basic", "Basic !", "Bearer Zw==", &coded("guest")] {
            assert_eq!(of(bad), None, "{bad}");
        }
    }
}
