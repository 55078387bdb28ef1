//! The service: reads messages, calls objects, writes results. In Pyro it is called a daemon.
//!
//! ```text
//!   connect 'hello', object ──► connectok, methods      (or connectfail, and the end)
//!   invoke ──► result, or result + exception            one-way: nothing
//!   batch of invokes ──► a list of results, up to the first that fails
//!   ping ──► ping
//! ```
//!
//! One connection reaches every object here whose id its client knows: the object of the connect is asked for its methods only.
//! Calls of one connection are done one after another, one-way calls too. (Pyro makes a thread for each of those, and loses it
//! when the client closes at once.)

use std::time::{Duration, Instant};

use common::core::input::Input;
use common::core::limits::Timeouts;
use common::core::service::{Answer, Decoded, Memory, Peer, Protocol, Service};

use super::registry::Objects;
use crate::pyro::call::{Call, Context, Exception, Invocation};
use crate::pyro::message::{
    self, ANSWER_LIMIT, BATCH, EXCEPTION, Header, Kind, META_ON_CONNECT, Message, ONE_WAY, REQUEST_LIMIT,
    SERPENT, Version, decode,
};
use crate::pyro::object::Object;
use crate::pyro::serpent::{self, Value};

/// Most calls in a batch.
const BATCH_LIMIT: usize = 1000;
/// A batch that has taken so long begins no further call: others wait for their turn.
const BATCH_TIME: Duration = Duration::from_secs(1);
/// The object that every server has.
pub const DAEMON: &str = "Pyro.Daemon";

/// The service.
pub struct Daemon {
    name: &'static str,
    objects: Objects,
}

/// The decoder of one connection: it wants a connect first.
#[derive(Debug, Default)]
struct Messages {
    is_connected: bool,
}

impl Daemon {
    /// Serves these objects; what is added to them later, too.
    #[must_use]
    pub fn new(name: &'static str, objects: Objects) -> Daemon {
        Daemon { name, objects }
    }

    fn connect(&self, message: &Message) -> Answer {
        let header = message.header;
        match self.greeting(message) {
            Ok(value) => {
                let flags = header.flags & if header.version == Version::Four { META_ON_CONNECT } else { 0 };
                Answer::new(header.answer(Kind::ConnectOk, flags).frame(&serpent::write(&value)))
            }
            Err(why) => Answer::last(failed_connect(header, why)),
        }
    }

    fn greeting(&self, message: &Message) -> Result<Value, String> {
        let header = message.header;
        check_serializer(header)?;
        let hello = serpent::read(&message.data).map_err(|error| error.to_string())?;
        if header.version == Version::Four && !header.has(META_ON_CONNECT) {
            return Ok("hello".into());
        }
        let object = hello.get("object").and_then(Value::as_text).ok_or("the connect names no object")?;
        let meta = self.metadata(object).map_err(|_| "unknown object")?;
        Ok(Value::dict([("handshake", "hello".into()), ("meta", meta)]))
    }

    fn metadata(&self, object: &str) -> Result<Value, Exception> {
        let (methods, one_way): (&[&str], &[&str]) = match self.objects.find(object) {
            Some(object) => (object.methods(), object.one_way()),
            None if object == DAEMON => (&["get_metadata", "info", "ping"], &[]),
            None => return Err(Exception::unknown_object()),
        };
        let texts = |names: &[&str]| Value::texts(names.iter().copied());
        Ok(Value::dict([("methods", texts(methods)), ("oneway", texts(one_way)), ("attrs", texts(&[]))]))
    }

    fn invoke(&self, peer: &Peer, message: &Message) -> Answer {
        let header = message.header;
        let result = check_serializer(header)
            .and_then(|()| Invocation::read(&message.data))
            .map_err(|why| Exception::pyro("SerializeError", why))
            .and_then(|invocation| self.run(peer, header, &invocation));
        if header.has(ONE_WAY) {
            return Answer::nothing();
        }
        let is_failed = result.is_err();
        let value = result.unwrap_or_else(|exception| exception.to_value(header.version));
        let flags = if is_failed { EXCEPTION } else { header.flags & BATCH };
        let data = serpent::write(&value);
        if data.len() > ANSWER_LIMIT {
            return Answer::new(failed(header, &too_long()));
        }
        Answer::new(header.answer(Kind::Result, flags).frame(&data))
    }

    fn run(&self, peer: &Peer, header: Header, invocation: &Invocation) -> Result<Value, Exception> {
        let Invocation { object, method, args, kwargs } = invocation;
        let version = header.version;
        let found = self.objects.find(object);
        let one = |method, args, kwargs| {
            let call = Call { method, args, kwargs, version, peer: *peer, context: Context::default() };
            match &found {
                Some(object) => call_method(&**object, &call),
                None if *invocation.object == *DAEMON => self.call_daemon(&call),
                None => Err(Exception::unknown_object()),
            }
        };
        if !header.has(BATCH) {
            return one(method, args, kwargs);
        }
        if args.len() > BATCH_LIMIT {
            return Err(Exception::pyro("ProtocolError", "too many calls in a batch"));
        }
        let (mut results, mut length, began) = (Vec::new(), 0, Instant::now());
        for item in args {
            if began.elapsed() > BATCH_TIME {
                let exception = Exception::pyro("TimeoutError", "not begun: the batch has taken too long");
                results.push(in_a_batch(&exception, version));
                break;
            }
            let [Value::Text(method), args, kwargs] = item.items().unwrap_or_default() else {
                return Err(Exception::pyro(
                    "ProtocolError",
                    "a call in a batch is (method, arguments, arguments by name)",
                ));
            };
            match one(method, args.items().unwrap_or_default(), kwargs) {
                Ok(value) => {
                    // Counted before they are all gathered: a thousand long answers are no answer, and much memory.
                    length += value.least_length();
                    if length > ANSWER_LIMIT {
                        return Err(too_long());
                    }
                    results.push(value);
                }
                Err(exception) => {
                    results.push(in_a_batch(&exception, version));
                    break; // those behind it are not called
                }
            }
        }
        Ok(Value::List(results))
    }

    fn call_daemon(&self, call: &Call<'_>) -> Result<Value, Exception> {
        match call.method {
            "get_metadata" => {
                let [object] = call.bind(1, ["objectId"])?;
                self.metadata(object.and_then(Value::as_text).unwrap_or_default())
            }
            "ping" => Ok(Value::None),
            "info" => Ok(format!("{}: {} objects", self.name, self.objects.count()).into()),
            _ => Err(Exception::no_method(call.method)),
        }
    }
}

fn call_method(object: &dyn Object, call: &Call<'_>) -> Result<Value, Exception> {
    if object.methods().contains(&call.method) {
        object.call(call)
    } else {
        Err(Exception::no_method(call.method))
    }
}

fn too_long() -> Exception {
    Exception::pyro("ProtocolError", "the result is longer than the limit")
}

fn check_serializer(header: Header) -> Result<(), String> {
    match header.serializer {
        SERPENT => Ok(()),
        other => Err(format!("serializer {other} is not read here: only serpent (1) is")),
    }
}

fn in_a_batch(exception: &Exception, version: Version) -> Value {
    let class = match version {
        Version::Four => "Pyro4.futures._ExceptionWrapper",
        Version::Five => "Pyro5.core._ExceptionWrapper",
    };
    Value::dict([("__class__", class.into()), ("exception", exception.to_value(version))])
}

fn failed(header: Header, exception: &Exception) -> Vec<u8> {
    header.answer(Kind::Result, EXCEPTION).frame(&serpent::write(&exception.to_value(header.version)))
}

fn failed_connect(header: Header, why: String) -> Vec<u8> {
    header.answer(Kind::ConnectFail, 0).frame(&serpent::write(&why.into()))
}

impl Service for Daemon {
    type Request = Message;

    fn name(&self) -> &'static str {
        self.name
    }

    fn memory(&self) -> Memory {
        Memory::Shared
    }

    /// A proxy keeps its connection while its program does something else.
    fn timeouts(&self, server: Timeouts) -> Timeouts {
        Timeouts { idle: None, ..server }
    }

    fn protocol(&self) -> impl Protocol<Request = Message> {
        Messages::default()
    }

    fn handle(&self, peer: &Peer, message: Message) -> Answer {
        match message.header.kind {
            Kind::Connect => self.connect(&message),
            Kind::Invoke => self.invoke(peer, &message),
            // The decoder lets nothing else through.
            _ => Answer::new(message.header.answer(Kind::Ping, 0).frame(b"pong")),
        }
    }
}

impl Protocol for Messages {
    type Request = Message;

    fn decode(&mut self, input: &mut Input) -> Decoded<Message> {
        match decode(input.bytes(), REQUEST_LIMIT) {
            Ok(Some((message, consumed))) => {
                input.skip(consumed);
                let is_expected = match message.header.kind {
                    Kind::Connect => !self.is_connected,
                    Kind::Invoke | Kind::Ping => self.is_connected,
                    _ => false,
                };
                self.is_connected = true;
                if is_expected {
                    Decoded::Request(message)
                } else {
                    refuse(Some(message.header), "not the message that is due")
                }
            }
            Ok(None) if input.ended() && !input.bytes().is_empty() => {
                refuse(None, "the stream ended inside a message")
            }
            Ok(None) => Decoded::Incomplete,
            Err(message::BadMessage { why, header }) => refuse(header, why),
        }
    }
}

/// The last words to a client whose stream is lost. It gets a reason where its message has a number to answer to.
fn refuse(header: Option<Header>, why: &'static str) -> Decoded<Message> {
    let answer = match header {
        Some(header) if header.kind == Kind::Connect => failed_connect(header, why.into()),
        Some(header) if header.kind == Kind::Invoke && !header.has(ONE_WAY) => {
            failed(header, &Exception::pyro("ProtocolError", why))
        }
        _ => Vec::new(),
    };
    Decoded::Malformed { answer, why }
}

#[cfg(test)]
mod tests;
