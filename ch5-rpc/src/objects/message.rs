//! The messages of our protocol, each in a frame of `common`: four bytes of length, then bincode.
//!
//! ```text
//!   00 00 00 nn │ 00 hello  │ 01 version, client, lease          the first message of each side
//!   00 00 00 nn │ 01 call   │ number, target, interface, method, arguments, time, flags, trace
//!   00 00 00 nn │ 02 answer │ number, outcome
//!   00 00 00 nn │ 03 refused│ why                                the last message, before the sender closes
//!   00 00 00 nn │ 04 dirty  │ number, new?, ids                  the client refers to these objects (still)
//!   00 00 00 nn │ 05 leased │ number, ids of those that are expired
//!   00 00 00 nn │ 06 clean  │ number, ids                        the client refers to them no longer
//! ```
//!
//! The first byte of a frame is 0, because a frame has less than 16 MiB; the first byte of a Pyro message is `P`. So one port can
//! speak both.

use std::time::Duration;

use common::protocol::frame::{self, FrameError};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::flat::Flat;
use crate::bounded::{self, PARTS};
use crate::pyro::call::{Exception, Origin};
use crate::pyro::serpent::Value;

/// This version of the protocol. A side that reads another one in the hello refuses.
pub const VERSION: u16 = 1;
/// Longest frame to a server, bytes.
pub const REQUEST_LIMIT: u32 = 1024 * 1024;
/// Longest frame to a client, bytes.
pub const ANSWER_LIMIT: u32 = 16 * 1024 * 1024 - 1;
/// Most arguments of a call.
pub const ARGUMENTS: usize = 32;

/// A message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Message {
    /// The first one of each side.
    Hello {
        /// [`VERSION`].
        version: u16,
        /// Who holds leases: a random number of the client; 0 from a server.
        client: u64,
        /// How long a lease is, from a server; 0 from a client.
        lease_milliseconds: u32,
    },
    /// A method is to be called.
    Call(Call),
    /// It was called, or not.
    Answer {
        /// The number of the call.
        number: u32,
        /// How it ended.
        outcome: Outcome,
    },
    /// The sender goes on no longer.
    Refused {
        /// For people.
        why: String,
    },
    /// The client refers to these objects: its leases begin, or go on.
    Dirty {
        /// Of all messages about leases of this client.
        sequence: u64,
        /// Leases begin that the client does not have.
        is_new: bool,
        /// The objects.
        #[serde(deserialize_with = "bounded::list")]
        ids: Vec<String>,
    },
    /// The answer to it.
    Leased {
        /// Its number.
        sequence: u64,
        /// The client's lease of these is over, or they are not there.
        #[serde(deserialize_with = "bounded::list")]
        expired: Vec<String>,
    },
    /// The client refers to these objects no longer.
    Clean {
        /// As in `Dirty`.
        sequence: u64,
        /// The objects, and how many references to each it has been given.
        #[serde(deserialize_with = "bounded::list")]
        ids: Vec<(String, u32)>,
    },
}

/// A call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// Each side numbers its calls from 1 on.
    pub number: u32,
    /// What is called.
    pub target: Target,
    /// Which interface the caller expects it to have; empty: any.
    pub interface: String,
    /// The name of the method.
    pub method: String,
    /// By their place, at most [`ARGUMENTS`].
    #[serde(deserialize_with = "bounded::list")]
    pub args: Vec<Argument>,
    /// How much longer the caller waits. A duration, because the clocks of two machines differ.
    pub milliseconds: u32,
    /// There is to be no answer.
    pub is_one_way: bool,
    /// A later call will name its result.
    pub is_kept: bool,
    /// Which chain of calls it belongs to: a call that is made for another has the same.
    pub trace: u64,
}

/// What is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    /// An object of the callee, by its id.
    Object(String),
    /// An object that the callee has exported over this connection.
    Exported(u32),
    /// The object that the result of this earlier call refers to.
    Result(u32),
}

/// An argument.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Argument {
    /// A value, also a reference as a text.
    Value(Flat),
    /// An object that the caller exports over this connection.
    Exported(u32),
    /// The result of this earlier call.
    Result(u32),
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    /// With a value.
    Value(Flat),
    /// With a reference to an object of the callee.
    Reference(Reference),
    /// It failed.
    Failed(Failure),
}

/// A reference, and what it refers to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// `PYRO:<id>@<host>:<port>`: it serves both wires.
    pub uri: String,
    /// The name of the object's interface.
    pub interface: String,
}

/// Why there is no result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Error)]
pub enum Failure {
    /// The method has raised it.
    #[error("{}", self.exception())]
    Raised {
        /// The class, with its package.
        class: String,
        /// What was given to it.
        args: Flat,
    },
    /// No object has this id, or none has it any more. Nothing was called.
    #[error("unknown object")]
    UnknownObject,
    /// The object has another interface. Nothing was called.
    #[error("the object's interface is {found}, not {expected}")]
    WrongInterface {
        /// The caller's.
        expected: String,
        /// The object's.
        found: String,
    },
    /// The interface has no such method. Nothing was called.
    #[error("the interface {interface} has no method '{method}'")]
    NoMethod {
        /// The object's.
        interface: String,
        /// The caller's.
        method: String,
    },
    /// The caller's time was over before it was begun. Nothing was called.
    #[error("not begun: the caller's time was over")]
    TooLate,
    /// The earlier call was not to be kept, or too many came after it. Nothing was called.
    #[error("not begun: the result of call {0} is not there")]
    NoResult(u32),
    /// The result that is to be called is no reference to an object here. Nothing was called.
    #[error("not begun: the result of call {0} is no object of this server")]
    NotHere(u32),
    /// An argument is none. Nothing was called.
    #[error("not begun: {0}")]
    BadArgument(String),
    /// It was called, and its result is a reference for which the client or the server has no room.
    #[error("the call was done, and there are too many references")]
    TooMany,
    /// It was called, and its result is longer than a frame may be.
    #[error("the call was done, and its result is longer than the limit")]
    TooLong,
}

/// Why bytes are no message. The stream is lost after it.
#[derive(Debug, Error)]
pub enum BadMessage {
    /// They are no frame, or none of a message.
    #[error("{}", .0.why())]
    Frame(#[from] FrameError),
    /// Its lists are longer than a reader takes.
    #[error("a message of more than {PARTS} parts")]
    TooMany,
}

/// The first bytes of every message of Pyro, read as a length.
const PYRO: u64 = u32::from_be_bytes(*b"PYRO") as u64;

/// A server that knows only Pyro's wire answers in it.
trait Why {
    fn why(&self) -> String;
}

impl Why for FrameError {
    fn why(&self) -> String {
        match self {
            FrameError::TooLong { length: PYRO, .. } => "it speaks Pyro's wire (--wire 5, or 4)".to_owned(),
            error => format!("no message of this protocol: {error}"),
        }
    }
}

impl BadMessage {
    /// Whether it is longer than the limit, or claims to be.
    #[must_use]
    pub fn is_too_long(&self) -> bool {
        matches!(self, BadMessage::TooMany | BadMessage::Frame(FrameError::TooLong { .. }))
    }
}

impl Message {
    /// The bytes of the message.
    ///
    /// # Errors
    /// It is longer than `limit`.
    pub fn frame(&self, limit: u32) -> Result<Vec<u8>, BadMessage> {
        if self.parts() > PARTS {
            return Err(BadMessage::TooMany);
        }
        let mut bytes = Vec::new();
        frame::encode(self, limit, &mut bytes)?;
        Ok(bytes)
    }

    /// How many parts its lists have.
    fn parts(&self) -> usize {
        let argument =
            |argument: &Argument| if let Argument::Value(value) = argument { value.parts() } else { 0 };
        match self {
            Message::Call(call) => call.args.len() + call.args.iter().map(argument).sum::<usize>(),
            Message::Answer { outcome: Outcome::Value(value), .. }
            | Message::Answer { outcome: Outcome::Failed(Failure::Raised { args: value, .. }), .. } => {
                value.parts()
            }
            Message::Dirty { ids: list, .. } | Message::Leased { expired: list, .. } => list.len(),
            Message::Clean { ids, .. } => ids.len(),
            Message::Hello { .. } | Message::Answer { .. } | Message::Refused { .. } => 0,
        }
    }

    /// The hello of this version.
    #[must_use]
    pub fn hello(client: u64, lease: Duration) -> Vec<u8> {
        let lease_milliseconds = u32::try_from(lease.as_millis()).unwrap_or(u32::MAX);
        Message::Hello { version: VERSION, client, lease_milliseconds }
            .frame(ANSWER_LIMIT)
            .expect("a hello is short")
    }

    /// The last words. A client of another kind knows them by their bytes: `misfit`.
    #[must_use]
    pub fn refused(why: &str) -> Vec<u8> {
        Message::Refused { why: why.into() }.frame(ANSWER_LIMIT).expect("a reason is short")
    }
}

/// Takes one message from the front of `bytes`: `None` while it is incomplete, else the message and how many bytes it took.
///
/// # Errors
/// [`BadMessage`], as soon as the length is over the limit.
pub fn decode(bytes: &[u8], limit: u32) -> Result<Option<(Message, usize)>, BadMessage> {
    Ok(bounded::reading(|| frame::decode(bytes, limit))?)
}

impl Failure {
    /// As an exception of Pyro's wire.
    #[must_use]
    pub fn exception(&self) -> Exception {
        let (class, args) = match self {
            Failure::Raised { class, args } => (class, args),
            Failure::NoMethod { method, .. } => return Exception::no_method(method),
            other => return Exception::pyro("DaemonError", other.to_string()),
        };
        let value = Value::dict([
            ("__class__", class.as_str().into()),
            ("args", args.value().unwrap_or(Value::Tuple(Vec::new()))),
        ]);
        Exception::from_value(&value).expect("it has a class")
    }
}

impl From<&Exception> for Failure {
    fn from(exception: &Exception) -> Failure {
        let package = match exception.origin {
            Origin::Builtin => "builtins.",
            Origin::Pyro => "Pyro5.errors.",
            Origin::Other => "",
        };
        let class = format!("{package}{}", exception.class);
        Failure::Raised { class, args: Flat::from(&Value::Tuple(exception.args.clone())) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn call() -> Message {
        Message::Call(Call {
            number: 2,
            target: Target::Result(1),
            interface: "User".into(),
            method: "post".into(),
            args: vec![Argument::Value(Flat::from(&"hi".into()))],
            milliseconds: 250,
            is_one_way: false,
            is_kept: true,
            trace: 7,
        })
    }

    #[test]
    fn the_bytes_are_these() {
        assert_eq!(Message::hello(7, Duration::from_millis(250)), [0, 0, 0, 4, 0, 1, 7, 250]);
        let expected = b"\0\0\0\x19\x01\x02\x02\x01\x04User\x04post\x01\0\x01\x04\x02hi\xfa\0\x01\x07";
        let bytes = call().frame(REQUEST_LIMIT).unwrap();
        assert_eq!(bytes, expected, "{}", bytes.escape_ascii());
    }

    #[test]
    fn an_exception_is_read_as_it_is_written() {
        for exception in [
            Exception::builtin("KeyError", "x"),
            Exception::unknown_object(),
            Exception { origin: Origin::Other, class: "MyError".into(), args: vec![] },
        ] {
            assert_eq!(Failure::from(&exception).exception(), exception);
        }
        assert_eq!(Failure::TooLate.to_string(), "not begun: the caller's time was over");
    }

    proptest! {
        #[test]
        fn any_bytes_do_no_harm(bytes: Vec<u8>) {
            let _ = decode(&bytes, REQUEST_LIMIT);
        }

        #[test]
        fn every_split_gives_the_same_messages(step in 1usize..60) {
            let failed = Message::Answer { number: 2, outcome: Outcome::Failed(Failure::NoResult(1)) };
            let messages = [Message::Hello { version: 1, client: 1, lease_milliseconds: 0 }, call(), failed, Message::Refused { why: "x".into() }];
            let stream: Vec<u8> = messages.iter().flat_map(|message| message.frame(1000).unwrap()).collect();
            let (mut received, mut decoded) = (Vec::new(), Vec::new());
            for piece in stream.chunks(step) {
                received.extend_from_slice(piece);
                while let Some((message, consumed)) = decode(&received, 1000).unwrap() {
                    decoded.push(message);
                    received.drain(..consumed);
                }
            }
            prop_assert_eq!(&decoded[..], &messages[..]);
            prop_assert!(received.is_empty());
        }
    }
}
