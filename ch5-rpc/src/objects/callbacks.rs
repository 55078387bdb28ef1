//! Calls to objects of the clients, over the clients' own connections.
//!
//! ```text
//!   client ── subscribe(exported object 0) ──► User
//!   client ◄── object 0: message('From Bob : hi'), one-way ── the chat, when a message is posted
//! ```
//!
//! A client needs no port of its own for it, so it works from behind a firewall.
//!
//! They are one-way. A method that waited for an answer of its own caller would wait for ever: nothing is read from a connection while
//! a call of it is done. And they never block: what waits for one client is bounded, and a client that does not read is disconnected.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use common::core::outbox::Outbox;
use common::core::service::PeerId;
use thiserror::Error;

use super::flat::Flat;
use super::message::{ANSWER_LIMIT, Argument, Call, Message, Target};
use crate::pyro::serpent::Value;

/// Class of the value that stands for an object of the caller.
const CLASS: &str = "ch5.Exported";

/// How long a callback is good for: the caller does not wait, and the callee does what comes in its order.
const MILLISECONDS: u32 = 60_000;

/// The object cannot be called: its client is gone, does not read, or speaks a wire without callbacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the caller's object cannot be called")]
pub struct Gone;

/// The connections of clients that can be called back. All clones are one.
#[derive(Clone, Default)]
pub struct Callbacks {
    clients: Arc<Mutex<BTreeMap<PeerId, Outbox>>>,
}

/// What a method is given for an object that its caller exports.
#[must_use]
pub fn exported(number: u32) -> Value {
    Value::dict([("__class__", CLASS.into()), ("number", Value::Int(number.into()))])
}

/// The number of such an object.
#[must_use]
pub fn exported_number(value: &Value) -> Option<u32> {
    match (value.get("__class__")?.as_text()?, value.get("number")?) {
        (CLASS, Value::Int(number)) => u32::try_from(*number).ok(),
        _ => None,
    }
}

/// The bytes of a one-way call to an exported object. Those for many clients are made once.
///
/// # Panics
/// When it is longer than a frame may be: its arguments must have limits.
#[must_use]
pub fn frame(object: u32, method: &str, args: &[Value]) -> Arc<[u8]> {
    let call = Message::Call(Call {
        number: 0, // no answer will name it
        target: Target::Exported(object),
        interface: String::new(),
        method: method.into(),
        args: args.iter().map(|arg| Argument::Value(Flat::from(arg))).collect(),
        milliseconds: MILLISECONDS,
        is_one_way: true,
        is_kept: false,
        trace: 0,
    });
    call.frame(ANSWER_LIMIT).expect("a callback is shorter than a frame may be").into()
}

impl Callbacks {
    /// A client has come that can be called.
    pub fn arrive(&self, peer: PeerId, outbox: Outbox) {
        self.clients().insert(peer, outbox);
    }

    /// A client has gone, and its objects with it.
    pub fn leave(&self, peer: PeerId) {
        self.clients().remove(&peer);
    }

    /// Whether this client can be called.
    #[must_use]
    pub fn can_call(&self, peer: PeerId) -> bool {
        self.clients().contains_key(&peer)
    }

    /// Sends the frame of a call to this client. Never blocks.
    ///
    /// # Errors
    /// [`Gone`]; its client is then disconnected, or has been.
    pub fn push(&self, peer: PeerId, frame: &Arc<[u8]>) -> Result<(), Gone> {
        let mut clients = self.clients();
        let outbox = clients.get(&peer).ok_or(Gone)?;
        if outbox.push(Arc::clone(frame)).is_err() {
            clients.remove(&peer);
            return Err(Gone);
        }
        Ok(())
    }

    fn clients(&self) -> MutexGuard<'_, BTreeMap<PeerId, Outbox>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
