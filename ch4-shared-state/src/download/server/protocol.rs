//! The server's half of HTTP, sans-I/O: bytes become requests for files.

use common::core::input::Input;
use common::core::service::{Decoded, Protocol, Refusal};
use common::protocol::http::{Accepts, Keep, RequestHead, ResponseHead, Status};

/// What this server takes.
const ACCEPTS: Accepts = Accepts { methods: "GET, HEAD", content_limit: 0 };

/// One connection's decoder.
#[derive(Debug)]
pub struct Http;

impl Protocol for Http {
    type Request = Wanted;

    fn decode(&mut self, input: &mut Input) -> Decoded<Wanted> {
        match RequestHead::parse(input.bytes(), &ACCEPTS) {
            Ok(Some((length, head))) => {
                input.skip(length);
                Decoded::Request(Wanted::new(&head))
            }
            Ok(None) if input.ended() && !input.bytes().is_empty() => {
                let why = "the stream ended inside a head";
                Decoded::Malformed { answer: ResponseHead::new(Status::BadRequest).refuse(why, false), why }
            }
            Ok(None) => Decoded::Incomplete,
            Err(rejection) => Decoded::Malformed { answer: rejection.response(), why: rejection.why },
        }
    }

    fn refusal(&self, why: Refusal) -> Vec<u8> {
        let status = match why {
            Refusal::TimedOut => Status::RequestTimeout,
            Refusal::NoRoom => Status::ServiceUnavailable,
        };
        ResponseHead::new(status).refuse("", false)
    }
}

/// A request for a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Its name; empty for the list of all files.
    pub name: String,
    /// Only the head of the answer is wanted.
    pub only_head: bool,
    /// What becomes of the connection after the answer.
    pub keep: Keep,
}

impl Wanted {
    fn new(head: &RequestHead) -> Wanted {
        let name = head.path().strip_prefix('/').unwrap_or_default().to_owned();
        Wanted { name, only_head: head.is_head(), keep: head.keep() }
    }
}

#[cfg(test)]
mod tests;
