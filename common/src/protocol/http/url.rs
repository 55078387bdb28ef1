//! `http://host:port/path?query`, as much of RFC 3986 as a download needs.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::authority::split_host;
use super::percent;

/// Where a file is fetched from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    /// A name or an address; IPv6 without its brackets.
    pub host: String,
    /// 80 unless it is written.
    pub port: u16,
    /// The path and the query as they are sent, `/` at least.
    pub target: String,
}

/// Why a text is no URL that can be fetched here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum UrlError {
    /// Its scheme is https.
    #[error("https needs TLS, which this client does not speak: try http://")]
    Tls,
    /// Another scheme, or none.
    #[error("a URL begins with http://")]
    Scheme,
    /// Nothing, a password, or what is not printable.
    #[error("the host is missing or is not one")]
    Host,
    /// Not a number of 1 to 65535.
    #[error("the port is not a number from 1 to 65535")]
    Port,
    /// A blank, or a letter that is not ASCII: it would end the request line early.
    #[error("a path has no blanks and no letters beyond ASCII: write %20 for a blank")]
    Path,
    /// A `%` before what is no byte: a server refuses it.
    #[error("a % in a path stands before two hexadecimal digits: write %25 for a %")]
    Percent,
}

impl Url {
    /// `host:port` as it stands in the field `Host`, with the brackets of IPv6.
    #[must_use]
    pub fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// The last part of the path as a file name in one directory: what a server names must not lead out of it.
    #[must_use]
    pub fn file_name(&self) -> String {
        let path = self.target.split(['?', '#']).next().unwrap_or_default();
        let last = path.rsplit('/').next().unwrap_or_default();
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '+');
        let name: String = last.chars().map(|c| if is_plain(c) { c } else { '_' }).take(200).collect();
        if name.trim_matches('.').is_empty() { "index.html".into() } else { name }
    }
}

impl FromStr for Url {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Url, UrlError> {
        let (scheme, rest) = text.split_once("://").ok_or(UrlError::Scheme)?;
        match scheme.to_ascii_lowercase().as_str() {
            "http" => {}
            "https" => return Err(UrlError::Tls),
            _ => return Err(UrlError::Scheme),
        }
        let rest = rest.split('#').next().unwrap_or_default();
        let (authority, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        if !target.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(UrlError::Path);
        }
        percent::decode(target.split('?').next().unwrap_or_default()).ok_or(UrlError::Percent)?;
        let (host, port) =
            split_host(authority).filter(|(host, _)| !host.is_empty()).ok_or(UrlError::Host)?;
        let port = match port {
            "" => 80,
            port => port.strip_prefix(':').and_then(number).unwrap_or(0),
        };
        if port == 0 {
            return Err(UrlError::Port);
        }
        let slash = if target.starts_with('/') { "" } else { "/" };
        Ok(Url { host: host.into(), port, target: format!("{slash}{target}") })
    }
}

/// Digits and nothing else: `parse` alone would take a sign.
fn number(port: &str) -> Option<u16> {
    port.bytes().all(|byte| byte.is_ascii_digit()).then(|| port.parse().ok())?
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}{}", self.authority(), self.target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart() {
        for (text, host, port, target, name) in [
            ("http://localhost", "localhost", 80, "/", "index.html"),
            ("HTTP://a.b:8080/c/d.xz?x=1#end", "a.b", 8080, "/c/d.xz?x=1", "d.xz"),
            ("http://[::1]:9/..", "::1", 9, "/..", "index.html"),
            ("http://h?q=/etc/passwd", "h", 80, "/?q=/etc/passwd", "index.html"),
            ("http://h/a%2Fb", "h", 80, "/a%2Fb", "a_2Fb"),
            ("http://h/a?100%", "h", 80, "/a?100%", "a"),
        ] {
            let url: Url = text.parse().unwrap();
            assert_eq!((url.host.as_str(), url.port, url.target.as_str()), (host, port, target), "{text}");
            assert_eq!(url.file_name(), name, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_fetched_is_explained() {
        for (text, error) in [
            ("https://a/", UrlError::Tls),
            ("ftp://a/", UrlError::Scheme),
            ("a/b", UrlError::Scheme),
            ("http:///x", UrlError::Host),
            ("http://user:secret@host/", UrlError::Port),
            ("http://user@host/", UrlError::Host),
            ("http://[::1/", UrlError::Host),
            ("http://a:0/", UrlError::Port),
            ("http://a:70000/", UrlError::Port),
            ("http://a:+80/", UrlError::Port),
            ("http://a/b c", UrlError::Path),
            ("http://a/\r\nX: y", UrlError::Path),
            ("http://a/100%", UrlError::Percent),
            ("http://a/%zz?%", UrlError::Percent),
        ] {
            assert_eq!(text.parse::<Url>(), Err(error), "{text}");
        }
    }
}
