//! The board as an object in the wire of Pyro 5: values are Python literals.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use anyhow::{Context, bail};
use common::board::{Board, Message};
use common::core::service::Peer;
use common::protocol::mboard::Id;

use super::mboard::NOBODY;
use crate::compare::load::TEXT;
use crate::compare::stopwatch::{InMemory, Part};
use crate::pyro::call::{self, Call, Exception, Invocation};
use crate::pyro::message::{ANSWER_LIMIT, Header, Kind, Version, decode};
use crate::pyro::object::Object;
use crate::pyro::proxy::{Options, Proxy};
use crate::pyro::serpent::{self, Value};
use crate::pyro::uri::Uri;

/// The id of the only object: here everybody may know it.
pub const OBJECT: &str = "board";

/// The object.
#[derive(Default)]
pub struct BoardObject(Mutex<Board>);

impl Object for BoardObject {
    fn interface(&self) -> &'static str {
        "compare.Board"
    }

    fn methods(&self) -> &'static [&'static str] {
        &["publish", "last", "get", "last_with_text"]
    }

    fn call(&self, call: &Call<'_>) -> Result<Value, Exception> {
        let mut board = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let [Some(argument)] = call.bind(1, ["argument"])? else { unreachable!("it is required") };
        let wrong = || Exception::builtin("TypeError", "an argument of another type");
        if call.method == "publish" {
            let text = argument.as_text().map(|text| text.as_bytes().to_vec());
            let text = text.or_else(|| argument.to_bytes()).ok_or_else(wrong)?;
            let from = call.peer.address.socket_address();
            let published = board.publish(text, from, SystemTime::now().into());
            let full = |full: common::board::Full| Exception::builtin("RuntimeError", full.to_string());
            return published.map(|Id(id)| Value::Int(id.cast_signed())).map_err(full);
        }
        let &Value::Int(number) = argument else { return Err(wrong()) };
        let number = number.cast_unsigned();
        Ok(match call.method {
            "last" => Value::List(board.last(number).map(|Id(id)| Value::Int(id.cast_signed())).collect()),
            "get" => {
                let none = Exception::builtin("KeyError", "no message has this id");
                board.message(Id(number)).map(message).ok_or(none)?
            }
            _ => Value::List(board.last_messages(number).iter().map(message).collect()),
        })
    }
}

fn message(message: &Message) -> Value {
    let text = match std::str::from_utf8(&message.text) {
        Ok(text) => text.into(),
        Err(_) => Value::bytes(&message.text),
    };
    let (host, port) = (message.from.ip().to_string(), i64::from(message.from.port()));
    Value::Tuple(vec![Value::Float(message.time.0.as_secs_f64()), host.into(), Value::Int(port), text])
}

/// A publish without a socket.
pub fn in_memory() -> InMemory {
    let object = BoardObject::default();
    let peer = Peer::new(NOBODY);
    Box::new(move |watch| {
        watch.start();
        let text = std::str::from_utf8(&TEXT)?.into();
        let (method, kwargs) = ("publish".to_owned(), Value::Dict(Vec::new()));
        let call = Invocation { object: OBJECT.into(), method, args: vec![text], kwargs };
        let request = Header::new(Version::Five, Kind::Invoke, 0, 1).frame(&call.write());
        watch.lap(Part::ClientEncodes);
        let (message, _) = decode(&request, ANSWER_LIMIT)?.context("it is whole")?;
        let call = Invocation::read(&message.data).map_err(anyhow::Error::msg)?;
        watch.lap(Part::ServerDecodes);
        let (method, args, kwargs) = (&call.method, &call.args, &call.kwargs);
        let context = call::Context::default();
        let value = object.call(&Call { method, args, kwargs, version: Version::Five, peer, context })?;
        watch.lap(Part::Procedure);
        let answer = message.header.answer(Kind::Result, 0).frame(&serpent::write(&value));
        watch.lap(Part::ServerEncodes);
        let (message, _) = decode(&answer, ANSWER_LIMIT)?.context("it is whole")?;
        serpent::read(&message.data)?;
        watch.lap(Part::ClientDecodes);
        Ok([request.len(), answer.len()])
    })
}

/// A proxy.
pub struct Pyro(RefCell<Proxy>);

impl Pyro {
    pub fn connect(server: SocketAddr) -> anyhow::Result<Pyro> {
        Ok(Pyro(RefCell::new(Proxy::connect(&Uri::at(OBJECT, server), Options::default())?)))
    }

    fn call(&self, method: &str, argument: Value) -> anyhow::Result<Value> {
        Ok(self.0.borrow_mut().call(method, vec![argument])?)
    }

    fn items(&self, method: &str, count: u64) -> anyhow::Result<Vec<Value>> {
        match self.call(method, Value::Int(count.cast_signed()))? {
            Value::List(items) | Value::Tuple(items) => Ok(items),
            other => bail!("{method} returns a list, and not {other:?}"),
        }
    }

    pub fn publish(&self, text: &[u8]) -> anyhow::Result<()> {
        let text = match std::str::from_utf8(text) {
            Ok(text) => text.into(),
            Err(_) => Value::bytes(text),
        };
        match self.call("publish", text)? {
            Value::Int(_) => Ok(()),
            other => bail!("publish returns an id, and not {other:?}"),
        }
    }

    pub fn last(&self, count: u64) -> anyhow::Result<Vec<u64>> {
        let id = |value| match value {
            Value::Int(id) => Ok(id.cast_unsigned()),
            other => bail!("an id is an int, and not {other:?}"),
        };
        self.items("last", count)?.into_iter().map(id).collect()
    }

    pub fn get(&self, id: u64) -> anyhow::Result<usize> {
        let mut message = self.items("get", id)?;
        match message.pop().context("get returns four values")? {
            Value::Text(text) => Ok(text.len()),
            other => Ok(other.to_bytes().context("a text")?.len()),
        }
    }

    pub fn list(&self, count: u64) -> anyhow::Result<usize> {
        Ok(self.items("last_with_text", count)?.len())
    }
}
