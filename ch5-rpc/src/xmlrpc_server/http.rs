//! HTTP around a call, sans-I/O: bytes become requests with their whole content.
//!
//! ```text
//!   POST /RPC2 HTTP/1.1                       XML-RPC
//!   POST /rpc HTTP/1.1                        JSON-RPC
//!   Content-Length: 163   or   Transfer-Encoding: chunked
//! ```
//!
//! | the request | the answer |
//! |---|---|
//! | another path, with any method | 404 |
//! | another method | 405, `Allow: POST` |
//! | an `Origin`: it comes from a page in a browser, which may be of anybody | 403 |
//! | neither length nor chunks | 411 |
//! | a `Content-Encoding` other than gzip | 415 |
//! | more content than is taken, packed or unpacked | 413 |
//! | `Expect: 100-continue`, and no content has come | 100, then the content is read |
//!
//! Then the connection ends, but after the 100. What is wrong with the content itself is a fault of XML-RPC, with status 200, and the
//! connection stays.

use common::core::input::Input;
use common::core::service::{Decoded, Protocol, Refusal};
use common::protocol::http::{Accepts, Body, Keep, RequestHead, ResponseHead, Status, Version};

/// Chunks of one byte are six bytes each: so much more than its content may a request be.
const CHUNKS: u64 = 64 * 1024;

/// One connection's decoder.
pub struct Http {
    accepts: Accepts,
    request: Option<Unfinished>,
}

/// A request whose head has come.
struct Unfinished {
    wanted: Wanted,
    head: RequestHead,
    /// What is to come of the content.
    body: Body,
    /// How much of the input belongs to it.
    scanned: usize,
    /// How much of that is content.
    length: u64,
    waits_for_continue: bool,
}

/// What a connection asks for.
#[derive(Debug, PartialEq, Eq)]
pub enum Asked {
    /// It waits for a word before it sends the content.
    Continue,
    /// A request.
    Posted(Posted),
}

/// A request with its content, which nobody has looked at.
#[derive(Debug, PartialEq, Eq)]
pub struct Posted {
    /// In which language.
    pub wanted: Wanted,
    /// The content, packed as it came.
    pub content: Vec<u8>,
    /// It has to be unpacked.
    pub is_gzip: bool,
    /// The encoding, if the head says it.
    pub charset: Option<String>,
    /// What becomes of the connection.
    pub keep: Keep,
}

/// The language of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// XML-RPC, at `/RPC2`.
    Xml,
    /// JSON-RPC, at `/rpc`.
    Json,
}

impl Wanted {
    fn of(path: &str) -> Option<Wanted> {
        match path {
            "/RPC2" => Some(Wanted::Xml),
            "/rpc" => Some(Wanted::Json),
            _ => None,
        }
    }

    /// The type of an answer.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Wanted::Xml => "text/xml",
            Wanted::Json => "application/json",
        }
    }
}

/// A status that ends the connection, and why, for the reader and the log.
type Refused = (Status, &'static str);

impl Http {
    /// A decoder that takes so much content of a request, bytes.
    #[must_use]
    pub fn new(content_limit: u64) -> Http {
        Http { accepts: Accepts { methods: "POST", content_limit }, request: None }
    }

    fn head(&mut self, input: &mut Input) -> Option<Decoded<Asked>> {
        match RequestHead::parse(input.bytes(), &self.accepts) {
            Ok(Some((length, head))) => {
                input.skip(length);
                match Unfinished::of(head) {
                    Ok(request) => {
                        self.request = Some(request);
                        None
                    }
                    Err(why) => Some(refuse(why)),
                }
            }
            Ok(None) if input.ended() && !input.bytes().is_empty() => {
                Some(refuse((Status::BadRequest, "the stream ended inside a head")))
            }
            Ok(None) => Some(Decoded::Incomplete),
            Err(rejection) => {
                let rejection = rejection.among(|path| Wanted::of(path).is_some());
                Some(Decoded::Malformed { answer: rejection.response(), why: rejection.why })
            }
        }
    }
}

impl Protocol for Http {
    type Request = Asked;

    fn decode(&mut self, input: &mut Input) -> Decoded<Asked> {
        if self.request.is_none()
            && let Some(decoded) = self.head(input)
        {
            return decoded;
        }
        let request = self.request.as_mut().expect("its head has come");
        match request.content(input, self.accepts.content_limit) {
            Err(why) => refuse(why),
            Ok(true) => {
                let request = self.request.take().expect("it is there");
                Decoded::Request(Asked::Posted(request.finish(input)))
            }
            Ok(false) if input.ended() => refuse((Status::BadRequest, "the stream ended inside a request")),
            Ok(false) if std::mem::take(&mut request.waits_for_continue) => Decoded::Request(Asked::Continue),
            Ok(false) => Decoded::Incomplete,
        }
    }

    fn is_inside_request(&self) -> bool {
        self.request.is_some()
    }

    fn refusal(&self, why: Refusal) -> Vec<u8> {
        let status = match why {
            Refusal::TimedOut => Status::RequestTimeout,
            Refusal::NoRoom => Status::ServiceUnavailable,
        };
        ResponseHead::new(status).refuse("", false)
    }
}

fn refuse((status, why): Refused) -> Decoded<Asked> {
    Decoded::Malformed { answer: ResponseHead::new(status).refuse(why, false), why }
}

impl Unfinished {
    fn of(head: RequestHead) -> Result<Unfinished, Refused> {
        let fields = head.fields();
        if fields.contains("origin") {
            return Err((Status::Forbidden, "a page in a browser"));
        }
        let wanted = Wanted::of(head.path()).ok_or((Status::NotFound, "calls go to /RPC2 or /rpc"))?;
        if !fields.contains("content-length") && !fields.contains("transfer-encoding") {
            return Err((Status::LengthRequired, "neither a length nor chunks"));
        }
        let is_known = |coding: &[u8]| is_gzip(coding) || coding.eq_ignore_ascii_case(b"identity");
        if !fields.list("content-encoding").all(is_known) || fields.list("content-encoding").count() > 1 {
            return Err((Status::UnsupportedMediaType, "a Content-Encoding other than gzip"));
        }
        let waits = head.version() == Version::Http11 && fields.lists("expect", "100-continue");
        let body = head.body().clone();
        Ok(Unfinished { wanted, head, body, scanned: 0, length: 0, waits_for_continue: waits })
    }

    /// Looks at what has come; whether it is all.
    fn content(&mut self, input: &Input, limit: u64) -> Result<bool, Refused> {
        let bytes = input.bytes();
        let mut rest = &bytes[self.scanned..];
        self.waits_for_continue &= rest.is_empty();
        loop {
            match self.body.take(&mut rest) {
                Ok([]) => break,
                Ok(piece) => self.length += piece.len() as u64,
                Err(_malformed) => return Err((Status::BadRequest, "broken chunks")),
            }
        }
        self.scanned = bytes.len() - rest.len();
        if self.length > limit || self.scanned as u64 > 2 * limit + CHUNKS {
            return Err((Status::ContentTooLarge, "more content than is taken"));
        }
        Ok(self.body.is_complete())
    }

    fn finish(self, input: &mut Input) -> Posted {
        let all = input.take(self.scanned);
        let content = match self.head.body() {
            Body::Chunked(_) => without_chunks(self.head.body().clone(), &all),
            Body::Length(_) | Body::UntilEnd => all,
        };
        let fields = self.head.fields();
        Posted {
            wanted: self.wanted,
            content,
            is_gzip: fields.list("content-encoding").any(is_gzip),
            charset: fields.only("content-type").and_then(charset),
            keep: self.head.keep(),
        }
    }
}

fn is_gzip(coding: &[u8]) -> bool {
    coding.eq_ignore_ascii_case(b"gzip") || coding.eq_ignore_ascii_case(b"x-gzip")
}

fn without_chunks(mut body: Body, mut bytes: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    while let Ok(piece @ [_, ..]) = body.take(&mut bytes) {
        content.extend_from_slice(piece);
    }
    content
}

/// The parameter `charset` of a media type.
fn charset(media_type: &str) -> Option<String> {
    media_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let value = value.trim().trim_matches('"');
        name.trim().eq_ignore_ascii_case("charset").then(|| value.to_owned())
    })
}
