//! The server of RPC as a service of the core: it runs under every model whose handlers share memory.
//!
//! ```text
//!   bytes ──► Http ──► Posted ──► with_text ──► read ──► Context::call ──► write ──► Document ──► an answer, whole or as a stream
//!            (decoded by the conversation)      └──────────── handled where the model says ───────────┘
//! ```
//!
//! **Memory.** The content of a request is in the server's budget while it comes. What is made from it (the unpacked text, values) is
//! not; so at most one request that is large makes it at a time, and the others wait for it. Its content may be as long as
//! the limit says, and of packed content nobody knows before how much it is.

use std::sync::{Mutex, PoisonError};

use common::board::Limits;
use common::core::service::{Answer, Body, Memory, Peer, Protocol, Service};
use common::protocol::http::{Keep, ResponseHead, Status};

use super::content::{Unreadable, with_text};
use super::http::{Asked, Http, Posted, Wanted};
use crate::document::{Document, DocumentStream};
use crate::jsonrpc;
use crate::procedures::arguments::Arguments;
use crate::procedures::board::MessageBoard;
use crate::procedures::method::{Context, Methods};
use crate::procedures::methods;
use crate::xmlrpc::{read, write};

/// Content from this length on is large, bytes; and packed content is, whatever its length.
const LARGE: usize = 64 * 1024;

/// An answer up to this length is made whole, bytes.
const WHOLE: u64 = 64 * 1024;

const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// XML-RPC and JSON-RPC over one board.
pub struct RpcService {
    board: MessageBoard,
    methods: Methods,
    content_limit: u64,
    /// Held while a large request is handled.
    large: Mutex<()>,
}

impl RpcService {
    /// An empty board; `content_limit` is the longest content of a request, packed or not, in bytes, and the length that the results
    /// of several calls in one request may have together. With `validator`, the functions of test suites are there as well.
    #[must_use]
    pub fn new(limits: Limits, content_limit: u64, validator: bool) -> RpcService {
        let (board, methods) = (MessageBoard::new(limits), methods::all(validator));
        RpcService { board, methods, content_limit, large: Mutex::default() }
    }

    fn respond(&self, peer: &Peer, posted: &Posted) -> Answer {
        let is_large = posted.is_gzip || posted.content.len() >= LARGE;
        let _alone = is_large.then(|| self.large.lock().unwrap_or_else(PoisonError::into_inner));
        let mut context = Context {
            board: &self.board,
            sender: peer.address.socket_address(),
            methods: &self.methods,
            shared_limit: None,
            answer_limit: self.content_limit,
        };
        let document = with_text(posted, self.content_limit, |text| match posted.wanted {
            Wanted::Xml => {
                let outcome = read::method_call(text)
                    .and_then(|call| context.call(&call.name, Arguments::positional(call.parameters)));
                Some(write::method_response(&outcome))
            }
            Wanted::Json => jsonrpc::respond(text, &mut context),
        });
        match (document, posted.wanted) {
            (Ok(Some(document)), wanted) => answer(wanted, document, posted.keep),
            (Ok(None), _) => send(ResponseHead::new(Status::NoContent).keep(posted.keep).end(), posted.keep),
            (Err(Unreadable::Fault(fault)), Wanted::Xml) => {
                answer(Wanted::Xml, write::method_response(&Err(fault)), posted.keep)
            }
            (Err(Unreadable::Fault(fault)), Wanted::Json) => {
                answer(Wanted::Json, jsonrpc::unreadable(&fault), posted.keep)
            }
            (Err(Unreadable::TooLarge), _) => Answer::last(
                ResponseHead::new(Status::ContentTooLarge).refuse("unpacked, it is too large", false),
            ),
        }
    }
}

impl Service for RpcService {
    type Request = Asked;

    fn name(&self) -> &'static str {
        "xmlrpc"
    }

    fn memory(&self) -> Memory {
        Memory::Shared
    }

    fn protocol(&self) -> impl Protocol<Request = Asked> {
        Http::new(self.content_limit)
    }

    fn handle(&self, peer: &Peer, asked: Asked) -> Answer {
        match asked {
            Asked::Continue => Answer::new(CONTINUE.to_vec()),
            Asked::Posted(posted) => self.respond(peer, &posted),
        }
    }
}

fn answer(wanted: Wanted, document: Document, keep: Keep) -> Answer {
    let length = document.length();
    let head = ResponseHead::new(Status::Ok).content(wanted.content_type(), length).keep(keep).end();
    if length <= WHOLE {
        return send(document.behind(head), keep);
    }
    let stream = DocumentStream::new(document).behind(head);
    send(Body::Stream(Box::new(stream)), keep)
}

fn send(body: impl Into<Body>, keep: Keep) -> Answer {
    if keep == Keep::Close { Answer::last(body) } else { Answer::new(body) }
}

#[cfg(test)]
mod tests;
