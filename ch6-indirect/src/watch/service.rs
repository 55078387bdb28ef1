//! The page and the API as a service of the core.

use std::sync::Arc;

use common::core::service::{Answer, Body, Memory, Peer, Protocol, Service};
use common::protocol::http::{Keep, RequestHead, ResponseHead, Status};
use serde_json::json;

use super::Watched;
use super::api;
use super::api::reply::{Asker, Content, Reply};
use super::guard::{self, Refused};
use super::http::{Asked, Http};

const PAGE: &str = include_str!("page.html");

const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// Nothing is loaded from elsewhere, nothing is sent elsewhere, and nobody may put the page into a frame.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; \
    connect-src 'self'; img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// A broker that is watched over HTTP.
pub struct WatchService {
    broker: Arc<dyn Watched>,
    /// Names by which this machine may be reached, besides its addresses and `localhost`.
    names: Vec<String>,
}

impl WatchService {
    /// Over this broker.
    #[must_use]
    pub fn new(broker: Arc<dyn Watched>, names: Vec<String>) -> WatchService {
        WatchService { broker, names }
    }

    fn reply(&self, peer: &Peer, head: &RequestHead, content: &[u8]) -> Result<Reply, Refused> {
        guard::check_site(head, &self.names)?;
        let is_read = matches!(head.method(), "GET" | "HEAD");
        if head.path() == "/" && is_read {
            return Ok(Reply { status: Status::Ok, content: Content::Page(PAGE) });
        }
        let mut path: Vec<String> = head.segments().collect();
        if path.first().map(String::as_str) != Some("api") {
            return Err((Status::NotFound, "there is the page at / and the API under /api/"));
        }
        guard::check_content(head, content)?;
        let user = guard::credentials(head)
            .and_then(|(user, password)| self.broker.authenticate(&user, &password, peer.address))
            .ok_or((Status::Unauthorized, "a user and a password (Basic)"))?;
        path.remove(0);
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        Ok(api::reply(&Asker { broker: &*self.broker, user: &user }, head, &path, content))
    }
}

impl Service for WatchService {
    type Request = Asked;

    fn name(&self) -> &'static str {
        "broker-page"
    }

    fn memory(&self) -> Memory {
        Memory::Shared
    }

    fn protocol(&self) -> impl Protocol<Request = Asked> {
        Http::default()
    }

    fn handle(&self, peer: &Peer, asked: Asked) -> Answer {
        let Asked::Request(head, content) = asked else { return Answer::new(CONTINUE.to_vec()) };
        let reply = self.reply(peer, &head, &content).unwrap_or_else(|(status, why)| Reply {
            status,
            content: Content::Json(json!({"error": status.to_string(), "reason": why})),
        });
        answer(reply, &head)
    }
}

fn answer(reply: Reply, head: &RequestHead) -> Answer {
    let keep = head.keep();
    let response = ResponseHead::new(reply.status)
        .field("X-Content-Type-Options", "nosniff")
        .field("Referrer-Policy", "no-referrer")
        .keep(keep);
    let response = match reply.status {
        Status::Unauthorized => {
            response.field("WWW-Authenticate", "Basic realm=\"broker\", charset=\"UTF-8\"")
        }
        _ => response,
    };
    let (kind, text): (_, std::borrow::Cow<'_, str>) = match reply.content {
        Content::None if reply.status == Status::NoContent => return send(response.end(), keep),
        Content::None => return send(response.field("Content-Length", "0").end(), keep),
        Content::Stream(stream) => {
            let head = response
                .field("Content-Type", "application/json")
                .field("Cache-Control", "no-store")
                .field("Transfer-Encoding", "chunked");
            return send(Body::Stream(Box::new(stream.behind(head.end()))), keep);
        }
        Content::Json(value) => ("application/json", value.to_string().into()),
        Content::Page(text) => ("text/html; charset=utf-8", text.into()),
    };
    let cached = if kind == "application/json" { "no-store" } else { "no-cache" };
    let mut bytes = response
        .content(kind, text.len() as u64)
        .field("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        .field("Cache-Control", cached)
        .end();
    if !head.is_head() {
        bytes.extend_from_slice(text.as_bytes());
    }
    send(bytes, keep)
}

fn send(body: impl Into<Body>, keep: Keep) -> Answer {
    if keep == Keep::Close { Answer::last(body) } else { Answer::new(body) }
}

#[cfg(test)]
mod tests;
