//! HTTP around a request, sans-I/O: bytes become heads with their whole content.
//!
//! | the request | the answer |
//! |---|---|
//! | what [`RequestHead`] refuses | 400, 405, 413 … |
//! | content in chunks: no client of this API sends it | 411 |
//! | `Expect: 100-continue`, and no content has come | 100, then the content is read |
//!
//! After a refusal the connection ends, because the end of the request is not known.

use common::core::input::Input;
use common::core::service::{Decoded, Protocol, Refusal};
use common::protocol::http::{Accepts, Body, RequestHead, ResponseHead, Status, Version};

/// The longest content of a request, bytes. JSON that is read takes up to 32 times as much memory, one request at a time.
pub const CONTENT_LIMIT: u64 = 2 << 20;

/// What is taken.
pub const ACCEPTS: Accepts =
    Accepts { methods: "GET, HEAD, PUT, POST, DELETE", content_limit: CONTENT_LIMIT };

/// What a connection asks for.
#[derive(Debug)]
pub enum Asked {
    /// It waits for a word before it sends the content.
    Continue,
    /// A request with its content.
    Request(RequestHead, Vec<u8>),
}

/// One connection's decoder.
#[derive(Debug, Default)]
pub struct Http {
    /// A request whose head has come, and how much content is to follow.
    request: Option<(RequestHead, usize)>,
    waits_for_continue: bool,
}

impl Http {
    fn head(&mut self, input: &mut Input) -> Option<Decoded<Asked>> {
        let (length, head) = match RequestHead::parse(input.bytes(), &ACCEPTS) {
            Ok(Some(parsed)) => parsed,
            Ok(None) if input.ended() && !input.bytes().is_empty() => {
                return Some(refuse(Status::BadRequest, "the stream ended inside a head"));
            }
            Ok(None) => return Some(Decoded::Incomplete),
            Err(rejection) => {
                return Some(Decoded::Malformed { answer: rejection.response(), why: rejection.why });
            }
        };
        input.skip(length);
        let Body::Length(content) = *head.body() else {
            return Some(refuse(Status::LengthRequired, "content without its length"));
        };
        let content = usize::try_from(content).expect("within the limit");
        self.waits_for_continue =
            head.version() == Version::Http11 && head.fields().lists("expect", "100-continue");
        self.request = Some((head, content));
        None
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
        let Some((_, content)) = &self.request else { return Decoded::Incomplete };
        let (come, content) = (input.bytes().len(), *content);
        if come < content {
            return match (input.ended(), come) {
                (true, _) => refuse(Status::BadRequest, "the stream ended inside a request"),
                (false, 0) if std::mem::take(&mut self.waits_for_continue) => {
                    Decoded::Request(Asked::Continue)
                }
                (false, _) => Decoded::Incomplete,
            };
        }
        match self.request.take() {
            Some((head, _)) => Decoded::Request(Asked::Request(head, input.take(content))),
            None => Decoded::Incomplete,
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

fn refuse(status: Status, why: &'static str) -> Decoded<Asked> {
    Decoded::Malformed { answer: ResponseHead::new(status).refuse(why, false), why }
}
