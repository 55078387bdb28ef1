//! Definitions: what is durable, as a file that another broker can read, RabbitMQ too.

use serde_json::{Value, json};

use super::change::{Ends, call, declare};
use super::list;
use super::reply::{Asker, Failure, Reply, exchange_name, read};
use super::view::View;

/// All definitions that the user sees, or those of one virtual host.
#[must_use]
pub fn export(view: &View, asker: &Asker<'_>, vhost: Option<&str>) -> Value {
    let of = |list: Value, is_kept: &dyn Fn(&Value) -> bool, names: &[&str]| {
        let Value::Array(items) = list else { return json!([]) };
        let kept =
            items.into_iter().filter(|one| vhost.is_none_or(|vhost| one["vhost"] == *vhost) && is_kept(one));
        let reduced = kept.map(|one| {
            let named = names.iter().filter(|name| vhost.is_none() || **name != "vhost");
            Value::Object(named.map(|name| ((*name).to_owned(), one[*name].clone())).collect())
        });
        Value::Array(reduced.collect())
    };
    let is_lasting = |one: &Value| one["durable"] == true && one["exclusive"] != true;
    let is_own = |one: &Value| {
        is_lasting(one)
            && one["name"].as_str().is_some_and(|name| !name.is_empty() && !name.starts_with("amq."))
    };
    let snapshot = &view.snapshot;
    // A binding lasts when both its ends do.
    let lasts = |binding: &Value, name: &str, is_queue: bool| match is_queue {
        true => snapshot.queues.iter().any(|queue| {
            queue.vhost == *binding["vhost"].as_str().unwrap_or_default()
                && queue.name == name
                && queue.durable
                && queue.exclusive.is_none()
        }),
        false => snapshot.exchanges.iter().any(|exchange| {
            exchange.vhost == *binding["vhost"].as_str().unwrap_or_default()
                && exchange.name == name
                && exchange.durable
        }),
    };
    let is_lasting_binding = |one: &Value| {
        let name = |key: &str| one[key].as_str().unwrap_or_default();
        !name("source").is_empty()
            && lasts(one, name("source"), false)
            && lasts(one, name("destination"), one["destination_type"] == "queue")
    };
    let exchange = ["name", "vhost", "type", "durable", "auto_delete", "internal", "arguments"];
    let queue = ["name", "vhost", "durable", "auto_delete", "arguments"];
    let binding = ["source", "vhost", "destination", "destination_type", "routing_key", "arguments"];
    let mut all = json!({
        "rabbit_version": "3.10.8",
        "product_name": "ch6-indirect",
        "parameters": [],
        "policies": [],
        "exchanges": of(list::exchanges(view), &is_own, &exchange),
        "queues": of(list::queues(view), &is_lasting, &queue),
        "bindings": of(list::bindings(view), &is_lasting_binding, &binding),
    });
    if vhost.is_none() {
        let Value::Array(vhosts) = list::vhosts(view, asker) else { return all };
        all["vhosts"] = vhosts.into_iter().map(|one| json!({"name": one["name"]})).collect();
    }
    all
}

/// Declares what such a file says; `vhost` is meant where it names none. Users and policies in it are not looked at.
///
/// # Errors
/// The first that the broker refuses; those before it are declared.
pub fn import(asker: &Asker<'_>, vhost: &str, content: &[u8]) -> Result<Reply, Failure> {
    let all: Value = read(content)?;
    let items = |kind: &str| all[kind].as_array().map_or(&[][..], Vec::as_slice);
    let home = |item: &Value| item["vhost"].as_str().unwrap_or(vhost).to_owned();
    for (kind, is_queue) in [("exchanges", false), ("queues", true)] {
        for item in items(kind) {
            call(asker, &home(item), vec![declare(is_queue, item)?])?;
        }
    }
    for item in items("bindings") {
        let name = |key: &str| item[key].as_str().unwrap_or_default();
        let ends = Ends {
            source: exchange_name(name("source")),
            to_queue: name("destination_type") == "queue",
            destination: name("destination"),
            routing_key: name("routing_key"),
            arguments: &item["arguments"],
        };
        call(asker, &home(item), vec![ends.bind()?])?;
    }
    Ok(Reply::done())
}
