//! XML-RPC and JSON-RPC: the stub of `cargo ch5 call`, and the connection that it keeps where the server does.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::sync::atomic::AtomicBool;

use anyhow::{Context, bail};

use super::TIMEOUT;
use crate::procedures::value::Value;
use crate::stub::connection::Connection;
use crate::stub::wire::Wire;

/// No answer is longer, bytes.
const LIMIT: u64 = 64 << 20;

static NEVER: AtomicBool = AtomicBool::new(false);

/// A connection.
pub struct Http {
    wire: Wire,
    connection: RefCell<Connection<'static>>,
}

impl Http {
    pub fn new(wire: Wire, server: SocketAddr) -> anyhow::Result<Http> {
        let path = if wire == Wire::Xml { "RPC2" } else { "rpc" };
        let url = format!("http://{server}/{path}").parse()?;
        Ok(Http { wire, connection: RefCell::new(Connection::new(url, TIMEOUT, LIMIT, &NEVER)) })
    }

    fn call(&self, method: &str, parameter: Value) -> anyhow::Result<Value> {
        let request = self.wire.request(method, &[parameter]);
        let answer = self.connection.borrow_mut().post(self.wire.content_type(), &request)?;
        Ok(self.wire.result(&answer)?)
    }

    pub fn publish(&self, text: &[u8]) -> anyhow::Result<()> {
        let text = match std::str::from_utf8(text) {
            Ok(text) => Value::text(text),
            Err(_) => Value::Bytes(text.to_vec()),
        };
        match self.call("publish", text)? {
            Value::Int(_) => Ok(()),
            other => bail!("publish returns an id, and not {other:?}"),
        }
    }

    pub fn last(&self, count: u64) -> anyhow::Result<Vec<u64>> {
        let Value::Array(ids) = self.call("last", Value::Int(count.cast_signed()))? else {
            bail!("last returns an array")
        };
        let id = |value| match value {
            Value::Int(id) => Ok(id.cast_unsigned()),
            other => bail!("an id is an int, and not {other:?}"),
        };
        ids.into_iter().map(id).collect()
    }

    pub fn get(&self, id: u64) -> anyhow::Result<usize> {
        let Value::Array(mut message) = self.call("get", Value::Int(id.cast_signed()))? else {
            bail!("get returns an array")
        };
        match message.pop().context("get returns four values")? {
            Value::Text(text) => Ok(text.len()),
            Value::Bytes(bytes) => Ok(bytes.len()),
            other => bail!("a text, and not {other:?}"),
        }
    }

    pub fn list(&self, _count: u64) -> anyhow::Result<usize> {
        bail!("the interface has no such procedure")
    }
}
