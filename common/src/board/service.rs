//! `board` as a service: the message board over TCP. A request is the whole stream up to the client's half-close, and so
//! is the answer (the notes, "Programming application layer protocol on top of TCP"; the codes are in `protocol::mboard`).
//!
//! ```text
//!   3:id          head of its own + the text where it lies on the board
//!   4:n, 5:n      made once for all that ask the same before the next message comes     (lists)
//! ```
//!
//! So a hundred readers of a board of 150 MiB need its memory once.
//!
//! Chapter 2 runs it with a thread per connection; chapter 3 under every model.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::lists::Lists;
use super::messages::{Board, Limits, Message};
use crate::core::framing::UntilEnd;
use crate::core::input::Input;
use crate::core::service::{
    Answer, Body, Decoded, Memory, Peer, Protocol, Refusal, RequestCodec, Service, SharedBody,
};
use crate::protocol::UnixTime;
use crate::protocol::mboard::response::{self, Status};
use crate::protocol::mboard::{BadRequest, Id, Request, Transport};

/// One board, one lock around it.
#[derive(Debug)]
pub struct BoardService {
    board: Mutex<Board>,
    lists: Lists,
}

/// A request that has come whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Asked {
    /// Put this on the board.
    Publish(Publication),
    /// The ids of the last messages.
    Last(u64),
    /// One message.
    Get(Id),
    /// The last messages: with `:` between them, or each with its length.
    List {
        /// Whether each has its length before it.
        is_counted: bool,
        /// How many.
        count: u64,
    },
    /// The server's time.
    CurrentTime,
    /// When a message was delivered.
    DeliveryTime(Id),
    /// It makes no sense.
    Bad(BadRequest),
}

/// The PDU of a text that is to be published: the text is not copied out of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Publication(Vec<u8>);

impl Publication {
    fn text(&self) -> &[u8] {
        &self.0[b"1:".len()..]
    }
}

impl From<Vec<u8>> for Asked {
    fn from(pdu: Vec<u8>) -> Asked {
        match Request::parse(&pdu, Transport::Tcp) {
            Ok(Request::Publish(_)) => Asked::Publish(Publication(pdu)),
            Ok(Request::Last(count)) => Asked::Last(count),
            Ok(Request::Get(id)) => Asked::Get(id),
            Ok(Request::LastJoined(count)) => Asked::List { is_counted: false, count },
            Ok(Request::LastCounted(count)) => Asked::List { is_counted: true, count },
            Ok(Request::CurrentTime) => Asked::CurrentTime,
            Ok(Request::DeliveryTime(id)) => Asked::DeliveryTime(id),
            Err(bad) => Asked::Bad(bad),
        }
    }
}

impl Default for BoardService {
    fn default() -> Self {
        BoardService::new(Limits::default())
    }
}

impl BoardService {
    /// An empty board with these limits.
    #[must_use]
    pub fn new(limits: Limits) -> BoardService {
        BoardService { board: Mutex::new(Board::new(limits)), lists: Lists::default() }
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        // A panic while it was held ended one conversation; the board itself is whole after every step.
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn publish(&self, peer: &Peer, text: &[u8]) -> Status {
        match self.board().publish(text, peer.address.socket_address(), SystemTime::now().into()) {
            Ok(_) => Status::Ok,
            Err(_full) => Status::BadFormat, // the protocol is older than the limit and has no code for it
        }
    }
}

impl Service for BoardService {
    type Request = Asked;

    fn name(&self) -> &'static str {
        "board"
    }

    fn memory(&self) -> Memory {
        Memory::Shared
    }

    fn protocol(&self) -> impl Protocol<Request = Asked> {
        WholeStream(UntilEnd { limit: Transport::Tcp.request_limit(), refusal: REFUSAL, done: false })
    }

    fn codec(&self) -> Option<RequestCodec<Asked>> {
        Some(RequestCodec::serde())
    }

    fn handle(&self, peer: &Peer, asked: Asked) -> Answer {
        Answer::new(match asked {
            Asked::Publish(publication) => status(self.publish(peer, publication.text())),
            Asked::Last(count) => {
                let ids = self.board().last(count);
                let mut out = Vec::new();
                response::encode_ids(ids, Transport::Tcp, &mut out);
                out.into()
            }
            Asked::Get(id) => {
                let message = self.board().message(id).cloned();
                message.map_or_else(|| status(Status::MessageNotFound), whole)
            }
            Asked::List { is_counted, count } => self.lists.answer(&self.board, is_counted, count),
            Asked::CurrentTime => time(SystemTime::now().into()),
            Asked::DeliveryTime(id) => {
                let message = self.board().message(id).map(|message| message.time);
                message.map_or_else(|| status(Status::MessageNotFound), time)
            }
            Asked::Bad(bad) => status(bad.into()),
        })
    }
}

/// The protocol has no word for "no room" or "too late": a client without either must not take the message for published.
const REFUSAL: &[u8] = b"1";

fn status(status: Status) -> Body {
    let mut out = Vec::new();
    response::encode_status(status, &mut out);
    out.into()
}

fn time(time: UnixTime) -> Body {
    let mut out = Vec::new();
    response::encode_time(time, &mut out);
    out.into()
}

fn whole(message: Message) -> Body {
    let mut head = Vec::new();
    response::encode_message_head(&message.posted(), &mut head);
    Body::Headed(head, SharedBody::stored(message.text))
}

/// The stream up to its end, read once.
struct WholeStream(UntilEnd);

impl Protocol for WholeStream {
    type Request = Asked;

    fn decode(&mut self, input: &mut Input) -> Decoded<Asked> {
        match self.0.decode(input) {
            Decoded::Request(pdu) => Decoded::Request(pdu.into()),
            Decoded::Incomplete => Decoded::Incomplete,
            Decoded::Malformed { answer, why } => Decoded::Malformed { answer, why },
        }
    }

    fn refusal(&self, _why: Refusal) -> Vec<u8> {
        REFUSAL.to_vec()
    }
}
