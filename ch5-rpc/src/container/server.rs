//! A node as a service of the core, so that any model that shares memory runs it. One port for both: frames from other nodes, and HTTP
//! from a browser. A frame begins with a length of at most 1 MiB, so with a byte of zero; HTTP begins with a letter.

use std::net::IpAddr;
use std::sync::Arc;

use common::core::input::Input;
use common::core::service::{Answer, Decoded, Memory, Peer, Protocol, Refusal, RequestCost, Service};
use common::protocol::frame;
use common::protocol::http::{Accepts, Body, Keep, RequestHead, ResponseHead, Status};

use super::message::{self, Fault, MESSAGE_LIMIT, Message, Outcome, PageRequest};
use super::node::Node;

/// What a browser may send.
const ACCEPTS: Accepts = Accepts { methods: "GET, POST", content_limit: 64 * 1024 };

/// A node that is served.
#[derive(Debug)]
pub struct NodeService {
    node: Arc<Node>,
}

impl NodeService {
    /// Serves this node.
    pub fn new(node: Arc<Node>) -> NodeService {
        NodeService { node }
    }
}

/// What comes.
#[derive(Debug)]
pub enum Request {
    /// From a node.
    Message(Box<Message>),
    /// From a browser.
    Page(PageRequest, Keep),
}

impl Service for NodeService {
    type Request = Request;

    fn name(&self) -> &'static str {
        "container"
    }

    fn memory(&self) -> Memory {
        Memory::Shared
    }

    fn request_cost(&self) -> RequestCost {
        RequestCost::Slow
    }

    /// A connection for each call of another node, and for the wiring: what is worth a line is the call.
    fn logs_clients(&self) -> bool {
        false
    }

    fn protocol(&self) -> impl Protocol<Request = Request> {
        FramesAndHttp { speaks_http: false }
    }

    fn handle(&self, _peer: &Peer, request: Request) -> Answer {
        match request {
            Request::Message(message) => Answer::new(framed(&self.node.receive(*message))),
            Request::Page(request, keep) => {
                let (status, page) = match self.node.page(&request) {
                    Ok(page) => (Status::Ok, page),
                    Err(fault @ Fault::Refused(_)) => (Status::NotFound, format!("{fault}\n")),
                    Err(fault) => (Status::ServiceUnavailable, format!("{fault}\n")),
                };
                let kind = if status == Status::Ok {
                    "text/html; charset=utf-8"
                } else {
                    "text/plain; charset=utf-8"
                };
                let head = ResponseHead::new(status).content(kind, page.len() as u64).keep(keep).end();
                let answer = [head, page.into_bytes()].concat();
                if keep == Keep::Close { Answer::last(answer) } else { Answer::new(answer) }
            }
        }
    }
}

/// The answer to a message. One that is too long is refused instead.
fn framed(outcome: &Outcome) -> Vec<u8> {
    let mut bytes = Vec::new();
    if frame::encode(outcome, MESSAGE_LIMIT, &mut bytes).is_err() {
        let refused: Outcome = Err(Fault::Failed("the result is longer than a message".into()));
        frame::encode(&refused, MESSAGE_LIMIT, &mut bytes).expect("a short text fits");
    }
    bytes
}

/// One connection's decoder.
#[derive(Debug)]
struct FramesAndHttp {
    speaks_http: bool,
}

impl Protocol for FramesAndHttp {
    type Request = Request;

    fn decode(&mut self, input: &mut Input) -> Decoded<Request> {
        match input.bytes().first() {
            None => Decoded::Incomplete,
            Some(0) => message(input),
            Some(_) => {
                self.speaks_http = true;
                page(input)
            }
        }
    }

    fn refusal(&self, why: Refusal) -> Vec<u8> {
        let status = match why {
            Refusal::TimedOut => Status::RequestTimeout,
            Refusal::NoRoom => Status::ServiceUnavailable,
        };
        if self.speaks_http { ResponseHead::new(status).refuse("", false) } else { Vec::new() }
    }
}

fn message(input: &mut Input) -> Decoded<Request> {
    match message::decode::<Message>(input.bytes()) {
        Ok(Some((message, length))) => {
            input.skip(length);
            Decoded::Request(Request::Message(Box::new(message)))
        }
        Ok(None) if input.ended() => malformed(Vec::new(), "the stream ended inside a message"),
        Ok(None) => Decoded::Incomplete,
        Err(_) => malformed(Vec::new(), "no message of a node"),
    }
}

fn page(input: &mut Input) -> Decoded<Request> {
    let bad = |why| malformed(ResponseHead::new(Status::BadRequest).refuse(why, false), why);
    let (length, head) = match RequestHead::parse(input.bytes(), &ACCEPTS) {
        Ok(Some(parsed)) => parsed,
        Ok(None) if input.ended() => return bad("the stream ended inside a head"),
        Ok(None) => return Decoded::Incomplete,
        Err(rejection) => return malformed(rejection.response(), rejection.why),
    };
    let Body::Length(content) = *head.body() else { return bad("a form has a Content-Length") };
    let content = usize::try_from(content).unwrap_or(usize::MAX);
    let Some(form) = input.bytes()[length..].get(..content) else {
        return if input.ended() { bad("the stream ended inside a form") } else { Decoded::Incomplete };
    };
    let Ok(form) = std::str::from_utf8(form) else { return bad("a form is UTF-8") };
    if let Some(why) = is_foreign(&head) {
        return malformed(ResponseHead::new(Status::Forbidden).refuse(why, false), why);
    }
    let request = PageRequest {
        is_post: head.method() == "POST",
        path: head.path().to_owned(),
        form: form_fields(form),
    };
    input.skip(length + content);
    Decoded::Request(Request::Page(request, head.keep()))
}

/// Why a page of somebody else may be behind a request. Such a page may make the browser send a form, but it cannot hide where it comes
/// from; and it may give its own name our address (DNS rebinding), so the host has to be an address or `localhost`.
fn is_foreign(head: &RequestHead) -> Option<&'static str> {
    let host = head.host().unwrap_or_default();
    let is_address = host.parse::<IpAddr>().is_ok() || host.eq_ignore_ascii_case("localhost");
    if !is_address {
        return Some("this server has no name: use its address");
    }
    let is_ours = |origin: &[u8]| {
        let origin = std::str::from_utf8(origin).ok().and_then(|origin| origin.strip_prefix("http://"));
        origin.is_some() && origin == head.authority()
    };
    let is_foreign = head.fields().values("origin").any(|origin| !is_ours(origin));
    is_foreign.then_some("a form of another page")
}

/// The fields of a form in `text/plain`: a line each, `name=value`.
fn form_fields(form: &str) -> Vec<(String, String)> {
    let fields = form.lines().filter_map(|line| line.split_once('='));
    fields.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect()
}

fn malformed(answer: Vec<u8>, why: &'static str) -> Decoded<Request> {
    Decoded::Malformed { answer, why }
}

#[cfg(test)]
mod tests;
