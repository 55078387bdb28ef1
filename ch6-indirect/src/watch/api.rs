//! The paths of the API: those that `rabbitmqadmin` (RabbitMQ's management plugin 3.10) uses, with its names of fields, and one of
//! ours for the page and `inspect`.
//!
//! ```text
//!   GET    /api/queues/%2F?columns=name,messages      a list ──► view ──► list ──► selection
//!   PUT    /api/queues/%2F/orders                     a change ──► AMQP commands ──► Watched::call ──► outputs
//!   GET    /api/snapshot                              all that can be seen, as it is
//! ```
//!
//! What a client is told when something is wrong is RabbitMQ's form, too: `{"error": "bad_request", "reason": "…"}`.

pub mod change;
pub mod definitions;
pub mod list;
pub mod message;
pub mod messages;
pub mod reply;
pub mod view;

use common::protocol::http::RequestHead;
use serde_json::{Value, json};

use super::User;
use super::selection::select;
use reply::{Asker, Failure, Reply, exchange_name};
use view::View;

/// The answer to a request whose user is known; `path` is behind `/api`.
#[must_use]
pub fn reply(asker: &Asker<'_>, head: &RequestHead, path: &[&str], content: &[u8]) -> Reply {
    let answer = match head.method() {
        "GET" | "HEAD" => show(asker, head, path),
        "PUT" => change::put(asker, path, content),
        "POST" => match path {
            ["exchanges", vhost, exchange, "publish"] => {
                message::publish(asker, vhost, exchange_name(exchange), content)
            }
            ["queues", vhost, queue, "get"] => message::get(asker, head.version(), vhost, queue, content),
            ["definitions"] => definitions::import(asker, "/", content),
            ["definitions", vhost] => definitions::import(asker, vhost, content),
            _ => change::bind(asker, path, content),
        },
        _ => change::delete(asker, head, path),
    };
    answer.unwrap_or_else(Reply::from)
}

fn show(asker: &Asker<'_>, head: &RequestHead, path: &[&str]) -> Result<Reply, Failure> {
    if let ["snapshot"] = path {
        return snapshot(asker, head);
    }
    let view = View::of(asker);
    let value = match path {
        ["overview"] => list::overview(&view),
        ["whoami"] => list::user(asker.user),
        ["nodes"] => json!([list::node(&view)]),
        ["vhosts"] => list::vhosts(&view, asker),
        ["vhosts", name] => find(list::vhosts(&view, asker), |one| one["name"] == *name)?,
        ["users"] => list::users(asker),
        ["users", name] => find(list::users(asker), |one| one["name"] == *name)?,
        ["permissions"] => list::permissions(asker),
        ["connections"] => list::connections(&view),
        ["connections", name] => find(list::connections(&view), |one| one["name"] == *name)?,
        ["connections", name, "channels"] => {
            only(list::channels(&view), |one| one["connection_details"]["name"] == *name)
        }
        ["channels"] => list::channels(&view),
        ["channels", name] => find(list::channels(&view), |one| one["name"] == *name)?,
        ["parameters" | "policies" | "operator-policies" | "vhost-limits", ..] => json!([]),
        ["definitions"] => definitions::export(&view, asker, None),
        ["definitions", vhost] => {
            visible(asker, vhost)?;
            definitions::export(&view, asker, Some(vhost))
        }
        ["consumers" | "exchanges" | "queues" | "bindings"] => whole(&view, path[0]),
        ["consumers" | "exchanges" | "queues" | "bindings", vhost, rest @ ..] => {
            visible(asker, vhost)?;
            let items = only(whole(&view, path[0]), |one| *list::vhost_of(one) == **vhost);
            part(&view, vhost, path[0], items, rest)?
        }
        _ => return Err(Failure::NotFound),
    };
    Ok(Reply::json(select(head, value)))
}

/// A list of all virtual hosts.
fn whole(view: &View, kind: &str) -> Value {
    match kind {
        "consumers" => list::consumers(view),
        "exchanges" => list::exchanges(view),
        "queues" => list::queues(view),
        _ => list::bindings(view),
    }
}

/// What the rest of a path names in the list of a virtual host.
fn part(view: &View, vhost: &str, kind: &str, items: Value, rest: &[&str]) -> Result<Value, Failure> {
    let bindings = || only(list::bindings(view), |one| one["vhost"] == *vhost);
    Ok(match (kind, rest) {
        (_, []) => items,
        ("exchanges", [name]) => find(items, |one| one["name"] == *exchange_name(name))?,
        ("queues", [name]) => find(items, |one| one["name"] == **name)?,
        ("exchanges", [name, "bindings", "source"]) => {
            only(bindings(), |one| one["source"] == *exchange_name(name))
        }
        ("exchanges", [name, "bindings", "destination"]) => only(bindings(), |one| {
            one["destination"] == *exchange_name(name) && one["destination_type"] == "exchange"
        }),
        ("queues", [name, "bindings"]) => {
            only(bindings(), |one| one["destination"] == **name && one["destination_type"] == "queue")
        }
        ("bindings", ["e", source, to, name]) => only(items, |one| is_between(one, source, to, name)),
        ("bindings", ["e", source, to, name, key]) => {
            find(items, |one| is_between(one, source, to, name) && one["properties_key"] == **key)?
        }
        _ => return Err(Failure::NotFound),
    })
}

fn is_between(binding: &Value, source: &str, to: &str, destination: &str) -> bool {
    let kind = if to == "q" { "queue" } else { "exchange" };
    binding["source"] == *exchange_name(source)
        && binding["destination"] == *destination
        && binding["destination_type"] == *kind
}

fn visible(asker: &Asker<'_>, vhost: &str) -> Result<(), Failure> {
    let refused = || Failure::Refused(format!("{} may not see the virtual host", asker.user.name));
    asker.user.sees(vhost).then_some(()).ok_or_else(refused)
}

fn find(list: Value, is_it: impl Fn(&Value) -> bool) -> Result<Value, Failure> {
    let Value::Array(items) = list else { return Err(Failure::NotFound) };
    items.into_iter().find(is_it).ok_or(Failure::NotFound)
}

fn only(list: Value, is_it: impl Fn(&Value) -> bool) -> Value {
    let Value::Array(mut items) = list else { return list };
    items.retain(is_it);
    Value::Array(items)
}

/// All that can be seen, in the words of [`Snapshot`](crate::broker::Snapshot), and what happened since event `?events=N`.
fn snapshot(asker: &Asker<'_>, head: &RequestHead) -> Result<Reply, Failure> {
    let view = View::of(asker);
    let mut value = serde_json::to_value(&view.snapshot).map_err(|error| Failure::Bad(error.to_string()))?;
    value["connections"] = json!(view.connections.values().collect::<Vec<_>>());
    value["user"] = json!(asker.user.name);
    value["uptime"] = json!(view::uptime().as_secs());
    value["version"] = json!(env!("CARGO_PKG_VERSION"));
    if let Some(since) = head.parameter("events") {
        let since = since.parse().map_err(|_| Failure::Bad("events is the number of an event".into()))?;
        value["events"] = Value::Array(only_seen(asker.user, asker.broker.events(since)));
    }
    Ok(Reply::json(value))
}

fn only_seen(user: &User, events: Vec<Value>) -> Vec<Value> {
    events.into_iter().filter(|event| event["vhost"].as_str().is_some_and(|vhost| user.sees(vhost))).collect()
}

#[cfg(test)]
pub(crate) mod tests;
