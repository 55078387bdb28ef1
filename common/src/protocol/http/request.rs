//! The head of a request, as the server reads it: what every server must refuse is refused here (RFC 9112, RFC 9110).
//!
//! ```
//! use common::protocol::http::{Accepts, RequestHead};
//!
//! const FILES: Accepts = Accepts { methods: "GET, HEAD", content_limit: 0 };
//!
//! assert_eq!(RequestHead::parse(b"GET /a?b HTTP/1.1\r\nHost", &FILES), Ok(None)); // its end has not come
//! let bytes = b"GET /a?b HTTP/1.1\r\nHost: lab:80\r\n\r\nGET /next";
//! let (length, head) = RequestHead::parse(bytes, &FILES).expect("a good request").expect("a whole head");
//! assert_eq!((&bytes[length..], head.path()), (&b"GET /next"[..], "/a"));
//!
//! let rejection = RequestHead::parse(b"POST / HTTP/1.1\r\nHost: lab\r\n\r\n", &FILES).unwrap_err();
//! assert!(rejection.response().starts_with(b"HTTP/1.1 405 Method Not Allowed\r\nAllow: GET, HEAD\r\n"));
//! ```
//!
//! | the request | the answer | RFC 9112 |
//! |---|---|---|
//! | no head in [`HEAD_LIMIT`] bytes, too many fields | 414 within the first line, 431 after it | 3, 5 |
//! | another version than 1.x; 1.2 and later are served as 1.1 | 505 | 2.3, (9110) 2.5 |
//! | no `Host` in HTTP/1.1, several, or one that is no host | 400 | 3.2 |
//! | a method that is not served, with or without content | 405 and `Allow` | |
//! | a target that is neither a path nor a whole URL, or with a `%` before what is no byte | 400 | 3.2 |
//! | two lengths, a length that is none, a length and a coding | 400 | 6.3 |
//! | codings that do not end with chunked or have it twice, or any in HTTP/1.0 | 400; 501 for an unknown one before it | 6.1 |
//! | more content than is taken | 413 | |
//! | an expectation other than 100-continue | 417 | (9110) 10.1.1 |
//!
//! `Expect: 100-continue` is not answered here: content beyond the limit is refused at once, and a server that takes content answers it.

use std::mem::MaybeUninit;

use super::authority;
use super::body::Body;
use super::fields::{FIELD_LIMIT, Fields, HEAD_LIMIT};
use super::keep::Keep;
use super::percent;
use super::response::{ResponseHead, Status};

/// What a server takes.
#[derive(Debug)]
pub struct Accepts {
    /// The methods, as the field `Allow` lists them: `GET, HEAD`.
    pub methods: &'static str,
    /// The most content of a request, bytes. With 0, none.
    pub content_limit: u64,
}

/// The version of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.0: no `Host`, no upgrade, and connections that are closed when nothing is said.
    Http10,
    /// HTTP/1.1.
    Http11,
}

/// A request that can be served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestHead {
    method: String,
    authority: Option<String>,
    path: String,
    /// The path and the query as they came.
    target: String,
    version: Version,
    body: Body,
    fields: Fields,
}

/// A request that is refused. What follows it cannot be told from its content, so the connection ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The status of the answer.
    pub status: Status,
    /// What is wrong.
    pub why: &'static str,
    /// The methods that are served, where that is what is wrong.
    allow: Option<&'static str>,
    /// Where the method is what is wrong: the path.
    path: Option<String>,
    /// The answer must not have content.
    is_head: bool,
}

impl Rejection {
    fn new(status: Status, why: &'static str) -> Rejection {
        Rejection { status, why, allow: None, path: None, is_head: false }
    }

    /// For a server that knows its paths: at one that does not exist no method is right, and 405 would promise that another is.
    #[must_use]
    pub fn among(self, exists: impl Fn(&str) -> bool) -> Rejection {
        match &self.path {
            Some(path) if !exists(path) => {
                Rejection { is_head: self.is_head, ..Rejection::new(Status::NotFound, "no such path") }
            }
            _ => self,
        }
    }

    /// The bytes of the answer.
    #[must_use]
    pub fn response(&self) -> Vec<u8> {
        let head = ResponseHead::new(self.status);
        let head = match self.allow {
            Some(methods) => head.field("Allow", methods),
            None => head,
        };
        head.refuse(self.why, self.is_head)
    }
}

impl RequestHead {
    /// The head at the front of `bytes` and its length in bytes; `None` while its end has not come.
    ///
    /// # Errors
    /// See the table above.
    pub fn parse(bytes: &[u8], accepts: &Accepts) -> Result<Option<(usize, RequestHead)>, Rejection> {
        let mut fields = [const { MaybeUninit::uninit() }; FIELD_LIMIT];
        let mut request = httparse::Request::new(&mut []);
        let seen = &bytes[..bytes.len().min(HEAD_LIMIT)];
        match request.parse_with_uninit_headers(seen, &mut fields) {
            Ok(httparse::Status::Complete(length)) => match RequestHead::check(&request, accepts) {
                Ok(head) => Ok(Some((length, head))),
                Err(why) => Err(Rejection { is_head: request.method == Some("HEAD"), ..why }),
            },
            Ok(httparse::Status::Partial) if seen.len() < HEAD_LIMIT => Ok(None),
            Ok(httparse::Status::Partial) => Err(match request.version {
                None => Rejection::new(Status::UriTooLong, "a first line beyond the limit"),
                Some(_) => Rejection::new(Status::RequestHeaderFieldsTooLarge, "a head beyond the limit"),
            }),
            Err(httparse::Error::TooManyHeaders) => {
                Err(Rejection::new(Status::RequestHeaderFieldsTooLarge, "too many fields"))
            }
            Err(httparse::Error::Version) => {
                if let Some(lowered) = lower_version(seen) {
                    return RequestHead::parse(&lowered, accepts);
                }
                Err(Rejection::new(Status::HttpVersionNotSupported, "a version other than 1.x"))
            }
            Err(_) => Err(Rejection::new(Status::BadRequest, "not a request")),
        }
    }

    fn check(request: &httparse::Request<'_, '_>, accepts: &Accepts) -> Result<RequestHead, Rejection> {
        let bad = |why| Rejection::new(Status::BadRequest, why);
        let fields = Fields::new(request.headers);
        let version = if request.version == Some(0) { Version::Http10 } else { Version::Http11 };
        let host = fields.only("host").filter(|host| authority::is_valid(host));
        if host.is_none() && (version == Version::Http11 || fields.contains("host")) {
            return Err(bad("not one good field Host"));
        }
        let method = request.method.unwrap_or_default();
        if !accepts.methods.split(", ").any(|served| served == method) {
            let path =
                split_target(request.path.unwrap_or_default()).and_then(|(_, path)| percent::decode(path));
            return Err(Rejection {
                allow: Some(accepts.methods),
                path,
                ..Rejection::new(Status::MethodNotAllowed, "a method that is not served")
            });
        }
        let (authority, target) = split_target(request.path.unwrap_or_default())
            .ok_or(bad("a target that is no path and no URL"))?;
        let path =
            percent::decode(without_query(target)).ok_or(bad("a path with a % before what is no byte"))?;
        let path = if path.is_empty() { "/".to_owned() } else { path };
        let body = body(&fields, version)?;
        let is_too_large = match body {
            Body::Length(length) => length > accepts.content_limit,
            Body::Chunked(_) | Body::UntilEnd => accepts.content_limit == 0,
        };
        if is_too_large {
            return Err(Rejection::new(Status::ContentTooLarge, "more content than is taken"));
        }
        let is_unknown = |expectation: &[u8]| !expectation.eq_ignore_ascii_case(b"100-continue");
        if version == Version::Http11 && fields.list("expect").any(is_unknown) {
            return Err(Rejection::new(Status::ExpectationFailed, "an unknown expectation"));
        }
        // The host of the target is the one that is meant, whatever Host says (RFC 9112 section 3.2.2).
        let authority = authority.or(host).map(str::to_owned);
        let (method, target) = (method.to_owned(), target.to_owned());
        Ok(RequestHead { method, authority, path, target, version, body, fields })
    }

    /// The method, one of those that are served.
    #[must_use]
    pub fn method(&self) -> &str {
        &self.method
    }

    /// Whether the answer must not have content.
    #[must_use]
    pub fn is_head(&self) -> bool {
        self.method == "HEAD"
    }

    /// The path, without the query, and with what `%` stands for: `/%61` is `/a` (RFC 9110 section 4.2.3). It begins with `/`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The parts of the path between its `/`, each decoded by itself, so that a name may contain one: `/queues/%2F/a%2Fb` is `queues`,
    /// `/` and `a/b`.
    pub fn segments(&self) -> impl Iterator<Item = String> {
        let path = without_query(&self.target);
        let path = path.strip_prefix('/').unwrap_or(path);
        path.split('/').map(|segment| percent::decode(segment).expect("the whole path was decoded before"))
    }

    /// What the query says of this name, the first time it does: `?name=value`, where `+` is a blank, too (URL standard, section 5).
    /// `None` where it says nothing, or a `%` stands before what is no byte.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<String> {
        let (_, query) = self.target.split_once('?')?;
        query.split('&').find_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (percent::decode(key)? == name).then(|| percent::decode(&value.replace('+', " ")))?
        })
    }

    /// `host:port`, as the client says it. `None` only in HTTP/1.0.
    #[must_use]
    pub fn authority(&self) -> Option<&str> {
        self.authority.as_deref()
    }

    /// The host of it, without the brackets of IPv6.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        authority::split_host(self.authority()?).map(|(host, _)| host)
    }

    /// The version.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// The content that follows. Without any, a body of length 0.
    #[must_use]
    pub fn body(&self) -> &Body {
        &self.body
    }

    /// The fields.
    #[must_use]
    pub fn fields(&self) -> &Fields {
        &self.fields
    }

    /// What becomes of the connection after the answer (RFC 9112 section 9.3).
    #[must_use]
    pub fn keep(&self) -> Keep {
        let says = |option| self.fields.lists("connection", option);
        match self.version {
            _ if says("close") => Keep::Close,
            Version::Http11 => Keep::Open,
            Version::Http10 if says("keep-alive") => Keep::OpenSaid,
            Version::Http10 => Keep::Close,
        }
    }
}

/// The head of a request of HTTP/1.2 or later, as one of HTTP/1.1 (RFC 9110 section 2.5).
fn lower_version(bytes: &[u8]) -> Option<Vec<u8>> {
    let is_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
    let start = bytes.iter().position(|byte| !is_end(byte))?;
    let end = bytes[start..].iter().position(is_end).map_or(bytes.len(), |length| start + length);
    match &bytes[start..end] {
        [.., b' ', b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'2'..=b'9'] => {
            let mut lowered = bytes.to_vec();
            lowered[end - 1] = b'1';
            Some(lowered)
        }
        _ => None,
    }
}

/// Authority, and path with its query, of a target in the forms of RFC 9112 sections 3.2.1 and 3.2.2: `/a?b` and `http://host/a?b`.
fn split_target(target: &str) -> Option<(Option<&str>, &str)> {
    if !target.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#') {
        return None;
    }
    if target.starts_with('/') {
        return Some((None, target));
    }
    let (scheme, rest) = target.split_once("://")?;
    let is_http = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let (host, _) = authority::split_host(authority)?;
    (is_http && !host.is_empty() && authority::is_valid(authority)).then_some((Some(authority), path))
}

fn without_query(path: &str) -> &str {
    path.split('?').next().unwrap_or_default()
}

/// The content that a request announces.
fn body(fields: &Fields, version: Version) -> Result<Body, Rejection> {
    let bad = |why| Rejection::new(Status::BadRequest, why);
    let has_two_lengths = fields.list("content-length").count() > 1;
    let is_coded = fields.contains("transfer-encoding");
    // Two readers that disagree about the end of a request: the second sees another request in it (request smuggling).
    let has_both = is_coded && (fields.contains("content-length") || version == Version::Http10);
    if has_two_lengths || has_both {
        return Err(bad("lengths that contradict each other"));
    }
    match Body::announced(fields) {
        Ok(body) => Ok(body.unwrap_or(Body::Length(0))),
        Err(why) => {
            let mut codings = fields.list("transfer-encoding");
            let is_chunked = |coding: &[u8]| coding.eq_ignore_ascii_case(b"chunked");
            // The last one is chunked, and no other: then its end could be found, if the others were known.
            let ends_well = codings.by_ref().position(is_chunked).is_some() && codings.next().is_none();
            Err(if ends_well { Rejection::new(Status::NotImplemented, why) } else { bad(why) })
        }
    }
}

#[cfg(test)]
mod tests;
