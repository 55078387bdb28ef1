//! The lists, in the form of RabbitMQ's API 3.10. Rates are not in it: the counters only grow, and the client takes differences.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::reply::Asker;
use super::view::{View, uptime};
use crate::broker::snapshot::ConnectionSnapshot;
use crate::broker::snapshot::{BindingSnapshot, ChannelSnapshot, QueueSnapshot};
use crate::watch::User;

/// The name of the one node.
const NODE: &str = "broker@localhost";

/// The version of RabbitMQ whose API this is.
const VERSION: &str = "3.10.8";

/// Sums and the names of versions.
#[must_use]
pub fn overview(view: &View) -> Value {
    let snapshot = &view.snapshot;
    let sum = |count: fn(&QueueSnapshot) -> u64| snapshot.queues.iter().map(count).sum::<u64>();
    let kinds = ["direct", "fanout", "topic", "headers"];
    json!({
        "rabbitmq_version": VERSION,
        "management_version": VERSION,
        "product_name": "ch6-indirect",
        "product_version": env!("CARGO_PKG_VERSION"),
        "cluster_name": NODE,
        "node": NODE,
        "rates_mode": "none",
        "exchange_types": kinds.map(|name| json!({"name": name, "description": "", "enabled": true})),
        "message_stats": {
            "publish": snapshot.exchanges.iter().map(|one| one.published).sum::<u64>(),
            "deliver_get": sum(|one| one.delivered),
            "redeliver": sum(|one| one.redelivered),
            "ack": sum(|one| one.acknowledged),
        },
        "queue_totals": {
            "messages": sum(|one| one.ready + one.unacknowledged),
            "messages_ready": sum(|one| one.ready),
            "messages_unacknowledged": sum(|one| one.unacknowledged),
        },
        "object_totals": {
            "channels": snapshot.channels.len(),
            "connections": view.connections.len(),
            "consumers": snapshot.consumers.len(),
            "exchanges": snapshot.exchanges.len(),
            "queues": snapshot.queues.len(),
        },
        "listeners": [],
        "contexts": [],
    })
}

/// The one node.
#[must_use]
pub fn node(view: &View) -> Value {
    let (used, limit) = view.snapshot.memory;
    json!({
        "name": NODE,
        "type": "disc",
        "running": true,
        "mem_used": used,
        "mem_limit": limit,
        "mem_alarm": view.snapshot.alarm.is_some_and(|alarm| alarm.contains("memory")),
        "disk_free_alarm": view.snapshot.alarm.is_some_and(|alarm| alarm.contains("disk")),
        "uptime": u64::try_from(uptime().as_millis()).unwrap_or(u64::MAX),
        "processors": std::thread::available_parallelism().map_or(1, usize::from),
        "os_pid": std::process::id().to_string(),
    })
}

/// A user. Of its password nothing is shown.
#[must_use]
pub fn user(user: &User) -> Value {
    let tags: &[&str] = if user.is_administrator { &["administrator"] } else { &["management"] };
    json!({"name": user.name, "tags": tags, "limits": {}})
}

/// The users; for one that is no administrator, only itself.
#[must_use]
pub fn users(asker: &Asker<'_>) -> Value {
    Value::Array(seen(asker).iter().map(user).collect())
}

/// What users may do.
#[must_use]
pub fn permissions(asker: &Asker<'_>) -> Value {
    let one = |name: &str, vhost: &str, [configure, write, read]: &[String; 3]| json!({"user": name, "vhost": vhost, "configure": configure, "write": write, "read": read});
    let of = |user: &User| -> Vec<Value> {
        user.permissions.iter().map(|(vhost, three)| one(&user.name, vhost, three)).collect()
    };
    Value::Array(seen(asker).iter().flat_map(of).collect())
}

fn seen(asker: &Asker<'_>) -> Vec<User> {
    let mut users = asker.broker.users();
    users.retain(|user| asker.user.is_administrator || user.name == asker.user.name);
    users
}

/// The virtual hosts: those that users may open, and those in which something is.
#[must_use]
pub fn vhosts(view: &View, asker: &Asker<'_>) -> Value {
    let users = asker.broker.users();
    let mut names: Vec<&str> =
        users.iter().flat_map(|user| &user.permissions).map(|(vhost, _)| &vhost[..]).collect();
    names.extend(view.snapshot.exchanges.iter().map(|one| &one.vhost[..]));
    names.retain(|name| asker.user.sees(name));
    names.sort_unstable();
    names.dedup();
    let vhost = |name: &&str| {
        let queues = || view.snapshot.queues.iter().filter(|queue| queue.vhost == **name);
        let (ready, unacknowledged) =
            (queues().map(|one| one.ready).sum::<u64>(), queues().map(|one| one.unacknowledged).sum::<u64>());
        json!({
            "name": name,
            "description": "",
            "tags": [],
            "default_queue_type": "classic",
            "tracing": false,
            "messages": ready + unacknowledged,
            "messages_ready": ready,
            "messages_unacknowledged": unacknowledged,
        })
    };
    Value::Array(names.iter().map(vhost).collect())
}

/// The exchanges.
#[must_use]
pub fn exchanges(view: &View) -> Value {
    let exchange = |one: &crate::broker::snapshot::ExchangeSnapshot| {
        json!({
            "name": one.name,
            "vhost": one.vhost,
            "type": one.kind,
            "durable": one.durable,
            "auto_delete": one.auto_delete,
            "internal": one.internal,
            "arguments": one.arguments,
            "message_stats": {"publish_in": one.published, "publish_out": one.routed},
        })
    };
    Value::Array(view.snapshot.exchanges.iter().map(exchange).collect())
}

/// The queues.
#[must_use]
pub fn queues(view: &View) -> Value {
    let queue = |one: &QueueSnapshot| {
        let mut queue = json!({
            "name": one.name,
            "vhost": one.vhost,
            "type": one.kind,
            "durable": one.durable,
            "auto_delete": one.auto_delete,
            "exclusive": one.exclusive.is_some(),
            "arguments": one.arguments,
            "node": NODE,
            "state": "running",
            "messages": one.ready + one.unacknowledged,
            "messages_ready": one.ready,
            "messages_unacknowledged": one.unacknowledged,
            "message_bytes": one.bytes,
            "consumers": one.consumers,
            "message_stats": {
                "publish": one.enqueued,
                "deliver_get": one.delivered,
                "redeliver": one.redelivered,
                "ack": one.acknowledged,
                "expired": one.expired,
                "overflowed": one.overflowed,
                "dead_lettered": one.dead_lettered,
            },
        });
        if let Some(owner) = one.exclusive.and_then(|id| view.connections.get(&id)) {
            queue["owner_pid_details"] = at(owner);
        }
        queue
    };
    Value::Array(view.snapshot.queues.iter().map(queue).collect())
}

/// The bindings, and those of the default exchange, which every queue has.
#[must_use]
pub fn bindings(view: &View) -> Value {
    let of_default = view.snapshot.queues.iter().map(|queue| BindingSnapshot {
        vhost: queue.vhost.clone(),
        source: String::new(),
        destination: queue.name.clone(),
        to_queue: true,
        routing_key: queue.name.clone(),
        arguments: json!({}),
        routed: 0,
    });
    let binding = |one: BindingSnapshot| {
        let key = properties_key(&one);
        json!({
            "source": one.source,
            "vhost": one.vhost,
            "destination": one.destination,
            "destination_type": if one.to_queue { "queue" } else { "exchange" },
            "routing_key": one.routing_key,
            "arguments": one.arguments,
            "properties_key": key,
            "message_stats": {"publish_out": one.routed},
        })
    };
    Value::Array(of_default.chain(view.snapshot.bindings.iter().cloned()).map(binding).collect())
}

/// Tells the bindings between the same two apart: `~` for no key and no arguments, else the key, and with arguments a check sum of them.
#[must_use]
pub fn properties_key(binding: &BindingSnapshot) -> String {
    let has_arguments = binding.arguments.as_object().is_some_and(|arguments| !arguments.is_empty());
    match (&binding.routing_key[..], has_arguments) {
        ("", false) => "~".into(),
        (key, false) => quoted(key),
        (key, true) => format!("{}~{:016x}", quoted(key), fingerprint(&binding.arguments.to_string())),
    }
}

/// A text as a part of a URL.
fn quoted(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let quote = |byte: u8| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(quote).collect()
}

/// FNV-1a, 64 bits: the same in every run, as the address of a binding has to be.
fn fingerprint(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The connections.
#[must_use]
pub fn connections(view: &View) -> Value {
    let connection = |one: &ConnectionSnapshot| {
        let mut connection = at(one);
        let more = json!({
            "user": one.user,
            "vhost": one.vhost,
            "type": "network",
            "protocol": "AMQP 0-9-1",
            "node": NODE,
            "state": if one.blocked.is_some() { "blocked" } else { "running" },
            "channels": one.channels,
            "client_properties": one.client,
            "timeout": one.heartbeat,
            "ssl": one.tls,
            "recv_oct": one.bytes_in,
            "send_oct": one.bytes_out,
            "send_pend": one.waiting,
            "recv_cnt": one.frames_in,
            "send_cnt": one.frames_out,
        });
        merge(&mut connection, more);
        connection
    };
    Value::Array(view.connections.values().map(connection).collect())
}

fn merge(value: &mut Value, more: Value) {
    if let (Value::Object(value), Value::Object(more)) = (value, more) {
        value.extend(more);
    }
}

fn at(one: &ConnectionSnapshot) -> Value {
    let (host, port) = one
        .address
        .parse::<SocketAddr>()
        .map_or_else(|_| (one.address.clone(), 0), |at| (at.ip().to_string(), at.port()));
    json!({"name": one.address, "peer_host": host, "peer_port": port})
}

/// The channels.
#[must_use]
pub fn channels(view: &View) -> Value {
    let channel = |one: &ChannelSnapshot| {
        let connection = view.connections.get(&one.connection);
        json!({
            "name": channel_name(view, one.connection, one.number),
            "number": one.number,
            "user": connection.map(|connection| &connection.user),
            "vhost": connection.map(|connection| &connection.vhost),
            "connection_details": connection.map_or(json!({}), at),
            "node": NODE,
            "state": "running",
            "confirm": one.mode == "confirm",
            "transactional": one.mode == "transaction",
            "prefetch_count": 0,
            "global_prefetch_count": one.prefetch,
            "consumer_count": one.consumers,
            "messages_unacknowledged": one.unacknowledged,
            "messages_unconfirmed": one.unconfirmed,
            "message_stats": {"publish": one.published},
        })
    };
    Value::Array(view.snapshot.channels.iter().map(channel).collect())
}

fn channel_name(view: &View, connection: u64, number: u16) -> String {
    format!("{} ({number})", view.connection_name(connection))
}

/// The consumers.
#[must_use]
pub fn consumers(view: &View) -> Value {
    let consumer = |one: &crate::broker::snapshot::ConsumerSnapshot| {
        let mut channel = view.connections.get(&one.connection).map_or(json!({}), at);
        let more = json!({
            "name": channel_name(view, one.connection, one.channel),
            "connection_name": view.connection_name(one.connection),
            "number": one.channel,
        });
        merge(&mut channel, more);
        json!({
            "queue": {"name": one.queue, "vhost": one.vhost},
            "channel_details": channel,
            "consumer_tag": one.tag,
            "ack_required": !one.automatic,
            "prefetch_count": one.prefetch,
            "exclusive": one.exclusive,
            "active": one.active,
            "activity_status": if one.active { "up" } else { "waiting" },
            "arguments": {"x-priority": one.priority},
        })
    };
    Value::Array(view.snapshot.consumers.iter().map(consumer).collect())
}

/// The virtual host of an item of any list; that of a consumer is its queue's.
#[must_use]
pub fn vhost_of(item: &Value) -> &Value {
    item.get("vhost").unwrap_or(&item["queue"]["vhost"])
}
