//! Publish and get by hand.

use std::thread::sleep;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use common::protocol::http::{Status, Version};
use serde::Deserialize;
use serde_json::{Value, json};

use super::change::{call, method, with_content};
use super::messages::{Got, Messages};
use super::reply::{Asker, Content, Failure, Reply, read};
use crate::amqp::command::Command;
use crate::amqp::json::short;
use crate::amqp::{AMQPClass, basic};
use crate::broker::Output;
use crate::broker::snapshot::QueueSnapshot;
use crate::watch::properties;

/// The most messages of one request.
const MOST: u64 = 10_000;

/// A message of the log is handed over when the log knows that it may have been, a moment later. By then this call is over, so it is
/// made again.
const ATTEMPTS: u32 = 200;
const AGAIN: Duration = Duration::from_millis(10);

#[derive(Deserialize)]
struct Published {
    #[serde(default)]
    routing_key: String,
    payload: String,
    #[serde(default)]
    payload_encoding: String,
    #[serde(default)]
    properties: Value,
}

/// Publishes a message, and says whether a queue has it.
///
/// # Errors
/// What the broker says.
pub fn publish(asker: &Asker<'_>, vhost: &str, exchange: &str, content: &[u8]) -> Result<Reply, Failure> {
    let published: Published = read(content)?;
    let body = match &published.payload_encoding[..] {
        "" | "string" => published.payload.into_bytes(),
        "base64" => BASE64.decode(&published.payload).map_err(|_| "the payload is not base 64".to_owned())?,
        other => return Err(Failure::Bad(format!("{other} is no payload_encoding: string or base64"))),
    };
    if let Some(alarm) = asker.broker.snapshot().alarm {
        return Err(Failure::Bad(format!("publishers are held back: {alarm}")));
    }
    // Mandatory: what reaches no queue comes back, and so we know.
    let (exchange, routing_key) = (short(exchange)?, short(&published.routing_key)?);
    let publish = basic::Publish { exchange, routing_key, mandatory: true, immediate: false };
    let content = properties::content(&published.properties, &body)?;
    let command = with_content(AMQPClass::Basic(basic::AMQPMethod::Publish(publish)), content);
    let outputs = call(asker, vhost, vec![command])?;
    let is_routed = !outputs.iter().any(|output| matches!(output, Output::Return { .. }));
    Ok(Reply::json(json!({ "routed": is_routed })))
}

#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    count: Value,
    #[serde(default)]
    ackmode: String,
    #[serde(default)]
    encoding: String,
    truncate: Option<u64>,
}

/// Gets messages from a queue.
///
/// # Errors
/// What the broker says.
pub fn get(
    asker: &Asker<'_>,
    version: Version,
    vhost: &str,
    queue: &str,
    content: &[u8],
) -> Result<Reply, Failure> {
    let wanted: Wanted = read(content)?;
    let count = match &wanted.count {
        Value::Null => Some(1),
        count => count.as_u64().or_else(|| count.as_str()?.parse().ok()),
    };
    let count = count.filter(|count| (1..=MOST).contains(count));
    let count = count.ok_or_else(|| format!("count is 1 to {MOST}"))?;
    let is_base64 = match &wanted.encoding[..] {
        "" | "auto" => false,
        "base64" => true,
        other => return Err(Failure::Bad(format!("{other} is no encoding: auto or base64"))),
    };
    if version == Version::Http10 {
        return Err(Failure::Bad("messages come in chunks, which HTTP/1.0 does not have".into()));
    }
    // Delivery tag 0 with `multiple`: all that this channel has got.
    let back = |requeue| {
        let nack = basic::Nack { delivery_tag: 0, multiple: true, requeue };
        Some(method(AMQPClass::Basic(basic::AMQPMethod::Nack(nack))))
    };
    let (no_ack, last) = match &wanted.ackmode[..] {
        "ack_requeue_false" => (true, None),
        "" | "ack_requeue_true" | "reject_requeue_true" => (false, back(true)),
        "reject_requeue_false" => (false, back(false)),
        other => {
            let known = "ack_requeue_true, ack_requeue_false, reject_requeue_true or reject_requeue_false";
            return Err(Failure::Bad(format!("{other} is no ackmode: {known}")));
        }
    };
    let get = basic::Get { queue: short(queue)?, no_ack };
    let get = method(AMQPClass::Basic(basic::AMQPMethod::Get(get)));
    let count = usize::try_from(count).unwrap_or(1);
    let commands: Vec<Command> = std::iter::repeat_n(get, count).chain(last).collect();
    let mut got = Vec::new();
    for attempt in 0..ATTEMPTS {
        let outputs = call(asker, vhost, commands.clone())?;
        got = outputs.into_iter().filter_map(Got::of).collect();
        let is_waiting = |one: &QueueSnapshot| one.vhost == vhost && one.name == queue && one.ready > 0;
        if !got.is_empty()
            || attempt + 1 == ATTEMPTS
            || !asker.broker.snapshot().queues.iter().any(is_waiting)
        {
            break;
        }
        sleep(AGAIN);
    }
    let truncate = wanted.truncate.map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
    let stream = Messages::new(got, is_base64, truncate);
    Ok(Reply { status: Status::Ok, content: Content::Stream(stream) })
}
