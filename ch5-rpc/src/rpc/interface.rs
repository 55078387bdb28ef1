//! The interface: what can be called, with which arguments, and what comes back. It is the IDL of figure 5.3 of the notes, and the
//! macro is the RPC compiler.
//!
//! ```text
//!   trait BoardRpc  ──► #[tarpc::service] ──►  BoardRpcClient      the stub:      one method each, which sends a BoardRpcRequest
//!    (this file)                               BoardRpcRequest     the messages:  one variant a method, with its arguments
//!                                              BoardRpcResponse                   one variant a method, with its result
//!                                              ServeBoardRpc       the skeleton:  takes a request and calls the method
//! ```
//!
//! On the wire a method is the number of its variant. So the order of the methods is part of the protocol: a new method goes to the
//! end, and one that is no longer wanted stays as a method that refuses.
//!
//! What the procedure itself can answer with instead of a result is [`BoardError`], and it stands in the type of the result. tarpc has
//! an error of its own beside it, `ServerError`, whose `kind` arrives as another kind under bincode: see [`refusal`](super::refusal).

use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use super::text::Text;

/// The message board as remote procedures.
#[tarpc::service]
pub trait BoardRpc {
    /// Puts a text on the board and returns its id. A call with an id of its own is executed once, however often it arrives.
    async fn publish(text: Text, call: Option<CallId>) -> Result<u64, BoardError>;
    /// The ids of the last `count` messages, oldest first; 0 means all.
    async fn last(count: u64) -> Result<Vec<u64>, BoardError>;
    /// One message.
    async fn get(id: u64) -> Result<Posting, BoardError>;
    /// The last `count` messages with their texts: one call instead of `last` and a `get` for each id.
    async fn last_with_text(count: u64) -> Result<Vec<Posting>, BoardError>;
    /// What is new since `seen`. Waits until there is something, or until shortly before the deadline of the call; not while the board
    /// is not known yet.
    async fn wait(seen: Seen) -> Result<News, BoardError>;
}

/// Which call this is, whatever connection it comes over: the client, and a number that the client counts up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CallId {
    /// A random number that the client has taken when it started.
    pub client: u64,
    /// 0 for its first call, then one more for each.
    pub sequence: u64,
}

/// A message as it hangs on the board.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Posting {
    /// Its number on the board.
    pub id: u64,
    /// When it reached the board, since 1970.
    pub time: Duration,
    /// Who sent it; port 0 for a client that came over no network.
    pub from: SocketAddr,
    /// The text, any bytes.
    pub text: Text,
}

/// How far a subscriber has read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Seen {
    /// Which board it has read, as the board said it; 0 is not known yet. A restarted server has another board, which is read from
    /// its first message on.
    pub board: u64,
    /// The id of the first message that it has not.
    pub next: u64,
}

/// What is new.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct News {
    /// What to ask with next.
    pub seen: Seen,
    /// The messages, oldest first; none when the deadline came first.
    pub messages: Vec<Posting>,
}

/// The procedure has run and says no. It is part of the interface, so both sides know every case.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
pub enum BoardError {
    /// There is no message with this id.
    #[error("there is no message {0}")]
    NoMessage(u64),
    /// The board has no room.
    #[error("{0}")]
    Full(String),
    /// The answer is longer than a frame may be: ask for less.
    #[error("the answer is longer than the {limit} bytes of a frame or datagram: ask for fewer messages")]
    AnswerTooLong {
        /// The limit of the server.
        limit: u64,
    },
    /// This server is a front, and the call behind it has failed.
    #[error("{0}")]
    Behind(Behind),
}

/// How a call of a front to the board behind it has failed.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
pub enum Behind {
    /// It was not begun there.
    #[error("behind the front: {0}")]
    NotBegun(String),
    /// Whether it has happened there is not known.
    #[error("behind the front: {0}")]
    Unknown(String),
}
