//! XML-RPC and JSON-RPC: the stub of `cargo ch5 call`, and the connection that it keeps where the server does.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::sync::atomic::AtomicBool;

use anyhow::{Context, anyhow, bail, ensure};
use common::board::Limits;
use common::protocol::http::{Accepts, Exchange, Progress, RequestHead, ResponseHead, Status};

use super::TIMEOUT;
use super::mboard::NOBODY;
use crate::compare::load::TEXT;
use crate::compare::stopwatch::{InMemory, Part};
use crate::document::{Document, charset};
use crate::procedures::arguments::Arguments;
use crate::procedures::board::MessageBoard;
use crate::procedures::fault::Fault;
use crate::procedures::value::{MOST_VALUES, Value};
use crate::procedures::{self, methods};
use crate::stub::connection::Connection;
use crate::stub::wire::Wire;
use crate::{jsonrpc, xmlrpc};

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

/// What a server of ours takes.
const ACCEPTS: Accepts = Accepts { methods: "POST", content_limit: LIMIT };

/// A publish without a socket: the stub, and what `xmlrpc-server` puts together for a call.
pub fn in_memory(wire: Wire) -> InMemory {
    let (board, methods) = (MessageBoard::new(Limits::default()), methods::all(false));
    let text = str::from_utf8(&TEXT).unwrap_or_default();
    // A port of five digits, as the servers here have it.
    let stub = Http::new(wire, SocketAddr::new(NOBODY.ip(), 50_000));
    Box::new(move |watch| {
        let stub = stub.as_ref().map_err(|error| anyhow!("{error:#}"))?;
        let mut context = procedures::method::Context {
            board: &board,
            sender: NOBODY,
            methods: &methods,
            shared_limit: None,
            answer_limit: LIMIT,
        };
        watch.start();
        let content = wire.request("publish", &[Value::text(text)]);
        let request = stub.connection.borrow().request(wire.content_type(), &content);
        watch.lap(Part::ClientEncodes);
        let parsed = RequestHead::parse(&request, &ACCEPTS).map_err(|error| anyhow!(error.why))?;
        let (length, head) = parsed.context("it is whole")?;
        let parameters = parameters(wire, &charset::decode(&request[length..], None)?)?;
        watch.lap(Part::ServerDecodes);
        let result = context.call("publish", Arguments::positional(parameters));
        watch.lap(Part::Procedure);
        let document = document(wire, result)?;
        let head_back = ResponseHead::new(Status::Ok).content(wire.content_type(), document.length());
        let answer = document.behind(head_back.keep(head.keep()).end());
        watch.lap(Part::ServerEncodes);
        let (mut exchange, mut result) = (Exchange::new(LIMIT), Vec::new());
        ensure!(exchange.receive(&answer, &mut result)? == Progress::Complete, "half an answer");
        wire.result(&result)?;
        watch.lap(Part::ClientDecodes);
        Ok([request.len(), answer.len()])
    })
}

/// Those of the call in a document.
fn parameters(wire: Wire, document: &str) -> anyhow::Result<Vec<Value>> {
    match wire {
        Wire::Xml => Ok(xmlrpc::read::method_call(document)?.parameters),
        Wire::Json => match jsonrpc::read::document(document, MOST_VALUES)? {
            Value::Struct(mut members) => match members.remove("params") {
                Some(Value::Array(parameters)) => Ok(parameters),
                _ => bail!("no parameters"),
            },
            _ => bail!("no request"),
        },
    }
}

/// The answer with this result.
fn document(wire: Wire, result: Result<Value, Fault>) -> anyhow::Result<Document> {
    match wire {
        Wire::Xml => Ok(xmlrpc::write::method_response(&result)),
        Wire::Json => {
            let mut document = Document::default();
            document.push_str("{\"jsonrpc\":\"2.0\",\"result\":");
            jsonrpc::write::value(&result?, &mut document);
            document.push_str(",\"id\":1}");
            Ok(document)
        }
    }
}
