//! Declare, delete, bind, purge, close: each a few AMQP commands, so that what is allowed, and what the exceptions say, is the same for
//! an operator as for a program.

use common::protocol::http::RequestHead;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::list;
use super::reply::{Asker, Failure, Reply, exchange_name, read};
use super::view::View;
use crate::amqp::command::Command;
use crate::amqp::json::{from_json, short};
use crate::amqp::{AMQPClass, exchange, queue};
use crate::broker::Output;

/// The one channel of the calls.
const CHANNEL: u16 = 1;

/// Does these commands in a virtual host, and returns what the broker says to them.
///
/// # Errors
/// The user may not open the virtual host, or the broker's first exception.
pub fn call(asker: &Asker<'_>, vhost: &str, commands: Vec<Command>) -> Result<Vec<Output>, Failure> {
    let name = &asker.user.name;
    let login = asker.broker.login(name, vhost);
    let login =
        login.ok_or_else(|| Failure::Refused(format!("{name} may not use the virtual host {vhost}")))?;
    let outputs = asker.broker.call(login, commands);
    let (mut done, mut failed) = (Vec::new(), None);
    for output in outputs {
        match output {
            Output::Exception { exception, .. } => failed = failed.or(Some(exception)),
            output => done.push(output),
        }
    }
    failed.map_or(Ok(done), |exception| Err(exception.into()))
}

/// A command without content.
#[must_use]
pub fn method(method: AMQPClass) -> Command {
    Command { channel: CHANNEL, method, content: None }
}

/// A command with content.
#[must_use]
pub fn with_content(method: AMQPClass, content: crate::amqp::command::Content) -> Command {
    Command { channel: CHANNEL, method, content: Some(content) }
}

#[derive(Deserialize)]
struct Declared {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default = "yes", deserialize_with = "truth")]
    durable: bool,
    #[serde(default, deserialize_with = "truth")]
    auto_delete: bool,
    #[serde(default, deserialize_with = "truth")]
    internal: bool,
    #[serde(default)]
    arguments: Value,
}

fn yes() -> bool {
    true
}

/// `true`, or `"true"`, as rabbitmqadmin writes it.
fn truth<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    match Value::deserialize(from)? {
        Value::Bool(truth) => Ok(truth),
        Value::String(text) if text == "true" => Ok(true),
        Value::String(text) if text == "false" => Ok(false),
        Value::Null => Ok(false),
        other => Err(serde::de::Error::custom(format!("{other} is neither true nor false"))),
    }
}

/// `PUT`: an exchange or a queue.
///
/// # Errors
/// What the broker says.
pub fn put(asker: &Asker<'_>, path: &[&str], content: &[u8]) -> Result<Reply, Failure> {
    match path {
        ["exchanges", vhost, name] => {
            let command = declare_exchange(exchange_name(name), &read_declared(content)?)?;
            call(asker, vhost, vec![command])?;
        }
        ["queues", vhost, name] => {
            let command = declare_queue(name, &read_declared(content)?)?;
            call(asker, vhost, vec![command])?;
        }
        ["vhosts" | "users" | "permissions", ..] => {
            return Err(Failure::Bad("users and virtual hosts are in the file of --users".into()));
        }
        ["policies" | "operator-policies" | "parameters" | "vhost-limits" | "global-parameters", ..] => {
            return Err(Failure::Bad("this broker has no policies: give the queue its arguments".into()));
        }
        _ => return Err(Failure::NotFound),
    }
    Ok(Reply::created())
}

fn read_declared(content: &[u8]) -> Result<Declared, Failure> {
    read(if content.is_empty() { b"{}" } else { content })
}

fn declare_exchange(name: &str, declared: &Declared) -> Result<Command, String> {
    let Declared { kind, durable, auto_delete, internal, arguments } = declared;
    let (durable, auto_delete, internal) = (*durable, *auto_delete, *internal);
    if kind.is_empty() {
        return Err("the type is missing: direct, fanout, topic or headers".into());
    }
    let declare = exchange::Declare {
        exchange: short(name)?,
        kind: short(kind)?,
        passive: false,
        durable,
        auto_delete,
        internal,
        nowait: false,
        arguments: from_json(arguments)?,
    };
    Ok(method(AMQPClass::Exchange(exchange::AMQPMethod::Declare(declare))))
}

fn declare_queue(name: &str, declared: &Declared) -> Result<Command, String> {
    let declare = queue::Declare {
        queue: short(name)?,
        passive: false,
        durable: declared.durable,
        exclusive: false,
        auto_delete: declared.auto_delete,
        nowait: false,
        arguments: from_json(&declared.arguments)?,
    };
    Ok(method(AMQPClass::Queue(queue::AMQPMethod::Declare(declare))))
}

/// An exchange or a queue of a definitions file.
///
/// # Errors
/// What is wrong with it.
pub fn declare(is_queue: bool, item: &Value) -> Result<Command, Failure> {
    let name = item["name"].as_str().ok_or("a definition has no name".to_owned())?;
    let declared: Declared =
        serde_json::from_value(item.clone()).map_err(|error| format!("{name}: {error}"))?;
    Ok(if is_queue { declare_queue(name, &declared)? } else { declare_exchange(name, &declared)? })
}

/// A binding, by its ends and properties.
pub struct Ends<'a> {
    /// The exchange that it leads from.
    pub source: &'a str,
    /// Whether it leads to a queue.
    pub to_queue: bool,
    /// Where it leads to.
    pub destination: &'a str,
    /// The key.
    pub routing_key: &'a str,
    /// The arguments.
    pub arguments: &'a Value,
}

impl Ends<'_> {
    /// The command that makes the binding.
    ///
    /// # Errors
    /// A name that is too long, arguments that are none.
    pub fn bind(&self) -> Result<Command, String> {
        let (source, destination) = (short(self.source)?, short(self.destination)?);
        let (routing_key, arguments) = (short(self.routing_key)?, from_json(self.arguments)?);
        Ok(method(if self.to_queue {
            let bind =
                queue::Bind { queue: destination, exchange: source, routing_key, nowait: false, arguments };
            AMQPClass::Queue(queue::AMQPMethod::Bind(bind))
        } else {
            let bind = exchange::Bind { destination, source, routing_key, nowait: false, arguments };
            AMQPClass::Exchange(exchange::AMQPMethod::Bind(bind))
        }))
    }

    fn unbind(&self) -> Result<Command, String> {
        let (source, destination) = (short(self.source)?, short(self.destination)?);
        let (routing_key, arguments) = (short(self.routing_key)?, from_json(self.arguments)?);
        Ok(method(if self.to_queue {
            let unbind = queue::Unbind { queue: destination, exchange: source, routing_key, arguments };
            AMQPClass::Queue(queue::AMQPMethod::Unbind(unbind))
        } else {
            let unbind = exchange::Unbind { destination, source, routing_key, nowait: false, arguments };
            AMQPClass::Exchange(exchange::AMQPMethod::Unbind(unbind))
        }))
    }
}

/// `POST` of a binding.
///
/// # Errors
/// What the broker says.
pub fn bind(asker: &Asker<'_>, path: &[&str], content: &[u8]) -> Result<Reply, Failure> {
    #[derive(Deserialize)]
    struct Bound {
        #[serde(default)]
        routing_key: String,
        #[serde(default)]
        arguments: Value,
    }
    let ["bindings", vhost, "e", source, to @ ("q" | "e"), destination] = path else {
        return Err(Failure::NotFound);
    };
    let bound: Bound = read(if content.is_empty() { b"{}" } else { content })?;
    let ends = Ends {
        source: exchange_name(source),
        to_queue: *to == "q",
        destination,
        routing_key: &bound.routing_key,
        arguments: &bound.arguments,
    };
    call(asker, vhost, vec![ends.bind()?])?;
    Ok(Reply::created())
}

/// `DELETE`: an exchange, a queue or its content, a binding, a connection.
///
/// # Errors
/// What the broker says.
pub fn delete(asker: &Asker<'_>, head: &RequestHead, path: &[&str]) -> Result<Reply, Failure> {
    let is = |name: &str| head.parameter(name).as_deref() == Some("true");
    let (if_unused, if_empty) = (is("if-unused"), is("if-empty"));
    let view = || View::of(asker);
    let (vhost, command) = match path {
        // AMQP deletes what is not there without a word, and a user wants to know.
        ["exchanges", vhost, name] => {
            let is_it =
                |one: &crate::broker::snapshot::ExchangeSnapshot| one.vhost == *vhost && one.name == *name;
            view().snapshot.exchanges.iter().find(|one| is_it(one)).ok_or(Failure::NotFound)?;
            let delete = exchange::Delete { exchange: short(name)?, if_unused, nowait: false };
            (vhost, AMQPClass::Exchange(exchange::AMQPMethod::Delete(delete)))
        }
        ["queues", vhost, name] => {
            let is_it =
                |one: &crate::broker::snapshot::QueueSnapshot| one.vhost == *vhost && one.name == *name;
            view().snapshot.queues.iter().find(|one| is_it(one)).ok_or(Failure::NotFound)?;
            let delete = queue::Delete { queue: short(name)?, if_unused, if_empty, nowait: false };
            (vhost, AMQPClass::Queue(queue::AMQPMethod::Delete(delete)))
        }
        ["queues", vhost, name, "contents"] => {
            let purge = queue::Purge { queue: short(name)?, nowait: false };
            (vhost, AMQPClass::Queue(queue::AMQPMethod::Purge(purge)))
        }
        ["bindings", vhost, "e", source, to @ ("q" | "e"), destination, key] => {
            let (source, to_queue) = (exchange_name(source), *to == "q");
            let view = view();
            let is_it = |one: &&crate::broker::snapshot::BindingSnapshot| {
                let is_between =
                    one.source == source && one.destination == *destination && one.to_queue == to_queue;
                one.vhost == *vhost && is_between && list::properties_key(one) == *key
            };
            let found = view.snapshot.bindings.iter().find(is_it).ok_or(Failure::NotFound)?;
            let (routing_key, arguments) = (&found.routing_key[..], &found.arguments);
            let ends = Ends { source, to_queue, destination, routing_key, arguments };
            call(asker, vhost, vec![ends.unbind()?])?;
            return Ok(Reply::done());
        }
        ["connections", name] => {
            let view = view();
            let found =
                view.connections.values().find(|one| one.address == *name).ok_or(Failure::NotFound)?;
            let why = head.fields().only("x-reason").unwrap_or("Closed via management plugin");
            return if asker.broker.close(found.id, why) {
                Ok(Reply::done())
            } else {
                Err(Failure::NotFound)
            };
        }
        ["vhosts" | "users" | "permissions", ..] => {
            return Err(Failure::Bad("users and virtual hosts are in the file of --users".into()));
        }
        _ => return Err(Failure::NotFound),
    };
    call(asker, vhost, vec![method(command)])?;
    Ok(Reply::done())
}
