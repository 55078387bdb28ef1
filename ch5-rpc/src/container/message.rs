//! What components say to each other: values, invocations, faults; and how they go from node to node.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use common::protocol::frame::{self, FrameError};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::bounded;

/// The longest message between two nodes, bytes.
pub const MESSAGE_LIMIT: u32 = 1024 * 1024;

/// An argument or a result. No value holds another, so none from outside can be nested without end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Value {
    /// Nothing.
    Nothing,
    /// A number.
    Number(u64),
    /// A text.
    Text(String),
    /// Several texts.
    Texts(#[serde(deserialize_with = "bounded::list")] Vec<String>),
}

/// One call of a component, or one event for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invocation {
    /// The component that calls, or that published the event.
    pub from: String,
    /// The component that is called, or that consumes the event.
    pub to: String,
    /// The interface or the event.
    pub what: String,
    /// The method; none for an event.
    pub method: Option<String>,
    /// The arguments; of an event, its value.
    #[serde(deserialize_with = "bounded::list")]
    pub arguments: Vec<Value>,
    /// How much time the caller has left.
    pub left: Option<Duration>,
}

/// Why an invocation brought no result.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
pub enum Fault {
    /// The component has run, and says no.
    #[error("{0}")]
    Failed(String),
    /// The container has not called the component.
    #[error("refused: {0}")]
    Refused(String),
    /// The deadline has come.
    #[error("too late: {0}")]
    Late(String),
    /// The other node: whether the component has run is not known.
    #[error("lost: {0}")]
    Lost(String),
}

/// What an invocation brings.
pub type Outcome = Result<Value, Fault>;

/// A message from node to node, or from the deployment to a node. The answer is an [`Outcome`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// What only the nodes of one deployment know.
    pub key: String,
    /// What is wanted.
    pub order: Order,
}

/// What is wanted of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    /// Where the nodes are: from now on components can reach each other.
    Wire(BTreeMap<String, SocketAddr>),
    /// To invoke a component.
    Invoke(Invocation),
}

/// Reads a message or an [`Outcome`], as [`frame::decode`].
///
/// # Errors
/// As there; its lists are too long.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<Option<(T, usize)>, FrameError> {
    bounded::reading(|| frame::decode(bytes, MESSAGE_LIMIT))
}

/// What a browser asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// It wants to change something.
    pub is_post: bool,
    /// The path.
    pub path: String,
    /// The fields of its form, name and value.
    pub form: Vec<(String, String)>,
}
