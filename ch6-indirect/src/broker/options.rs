//! What the arguments of `queue.declare` mean, and which of them each type of queue takes.
//!
//! RabbitMQ refuses an argument that belongs to another type of queue, and one it knows with a wrong value. One it does not know is
//! kept and means nothing.

use std::time::Duration;

use super::arguments::Arguments;

/// Arguments that a queue must be declared with again as it was.
pub const COMPARED: [&str; 13] = [
    "x-queue-type",
    "x-expires",
    "x-message-ttl",
    "x-dead-letter-exchange",
    "x-dead-letter-routing-key",
    "x-max-length",
    "x-max-length-bytes",
    "x-overflow",
    "x-max-priority",
    "x-single-active-consumer",
    "x-delivery-limit",
    "x-max-age",
    "x-stream-max-segment-size-bytes",
];

/// How often a message of a quorum queue may come back where the queue does not say it: RabbitMQ 4.
const DELIVERY_LIMIT: u32 = 20;

/// RabbitMQ's longest time: a century.
pub const LONGEST: u64 = 100 * 365 * 24 * 60 * 60 * 1000;

/// What kind of queue it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Kind {
    #[default]
    Classic,
    /// On one node: a classic queue with RabbitMQ's refusals, a count of deliveries and a limit of them.
    Quorum,
    /// A log that is read, not emptied.
    Stream,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Classic => "classic",
            Kind::Quorum => "quorum",
            Kind::Stream => "stream",
        }
    }
}

/// What happens to a message for which a full queue has no place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Overflow {
    /// The first of the queue makes room.
    #[default]
    DropHead,
    /// The publisher gets `basic.nack`.
    RejectPublish,
    /// And the message goes to the dead-letter exchange.
    RejectPublishDeadLetter,
}

/// What a queue's arguments say.
#[derive(Debug, Clone, Default)]
pub struct Options {
    pub kind: Kind,
    pub message_ttl: Option<Duration>,
    pub expires: Option<Duration>,
    pub max_length: Option<u64>,
    pub max_bytes: Option<u64>,
    pub overflow: Overflow,
    pub dead_letter_exchange: Option<Box<str>>,
    pub dead_letter_key: Option<Box<str>>,
    pub max_priority: Option<u8>,
    pub single_active: bool,
    pub delivery_limit: Option<u32>,
    pub max_age: Option<Duration>,
}

/// The properties that the type of a queue may forbid.
#[derive(Debug, Clone, Copy)]
pub struct Properties {
    pub durable: bool,
    pub exclusive: bool,
    pub auto_delete: bool,
}

impl Options {
    /// What `arguments` mean for `queue`; the error is what RabbitMQ answers 406 with.
    pub fn read(arguments: &Arguments, properties: Properties, queue: &str) -> Result<Options, String> {
        let wrong =
            |name: &'static str| move |why: String| format!("invalid arg '{name}' for {queue}: {why}");
        let kind = match arguments.text("x-queue-type").map_err(wrong("x-queue-type"))? {
            None | Some("classic") => Kind::Classic,
            Some("quorum") => Kind::Quorum,
            Some("stream") => Kind::Stream,
            Some(other) => {
                return Err(format!(
                    "invalid arg 'x-queue-type' for {queue}: unsupported queue type '{other}'"
                ));
            }
        };
        refuse(kind, arguments, properties, queue)?;
        let time = |name| {
            let value = arguments.count(name).and_then(|value| match value {
                Some(value) if value > LONGEST => Err(format!("{{value_too_big,{value}}}")),
                value => Ok(value.map(Duration::from_millis)),
            });
            value.map_err(wrong(name))
        };
        let count = |name| arguments.count(name).map_err(wrong(name));
        let text = |name| arguments.name(name).map_err(wrong(name)).map(|value| value.map(Box::from));
        let options = Options {
            kind,
            message_ttl: time("x-message-ttl")?,
            expires: time("x-expires")?,
            max_length: count("x-max-length")?,
            max_bytes: count("x-max-length-bytes")?,
            overflow: overflow(arguments).map_err(wrong("x-overflow"))?,
            dead_letter_exchange: text("x-dead-letter-exchange")?,
            dead_letter_key: text("x-dead-letter-routing-key")?,
            max_priority: priority(arguments).map_err(wrong("x-max-priority"))?,
            single_active: arguments
                .truth("x-single-active-consumer")
                .map_err(wrong("x-single-active-consumer"))?
                .unwrap_or(false),
            delivery_limit: delivery_limit(kind, arguments).map_err(wrong("x-delivery-limit"))?,
            max_age: age(arguments).map_err(wrong("x-max-age"))?,
        };
        if options.expires.is_some_and(|expires| expires.is_zero()) {
            return Err(wrong("x-expires")("{value_zero,0}".to_owned()));
        }
        if options.dead_letter_key.is_some() && options.dead_letter_exchange.is_none() {
            return Err(wrong("x-dead-letter-routing-key")("routing_key_but_no_dlx_defined".to_owned()));
        }
        Ok(options)
    }
}

/// What a type of queue does not take.
fn refuse(kind: Kind, arguments: &Arguments, properties: Properties, queue: &str) -> Result<(), String> {
    if kind != Kind::Classic {
        let forbidden = [
            (properties.auto_delete, "auto-delete"),
            (properties.exclusive, "exclusive-owner"),
            (!properties.durable, "non-durable"),
        ];
        if let Some((_, property)) = forbidden.into_iter().find(|(is_so, _)| *is_so) {
            return Err(format!("invalid property '{property}' for {queue}"));
        }
    }
    let foreign: &[&str] = match kind {
        Kind::Classic => &["x-delivery-limit", "x-max-age", "x-stream-max-segment-size-bytes"],
        Kind::Quorum => &["x-max-priority", "x-queue-mode", "x-max-age", "x-stream-max-segment-size-bytes"],
        Kind::Stream => &[
            "x-expires",
            "x-message-ttl",
            "x-dead-letter-exchange",
            "x-dead-letter-routing-key",
            "x-max-length",
            "x-overflow",
            "x-max-priority",
            "x-single-active-consumer",
            "x-delivery-limit",
            "x-queue-mode",
        ],
    };
    match foreign.iter().find(|name| arguments.value(name).is_some()) {
        None if kind == Kind::Quorum && is_dead_lettering(arguments) => {
            Err(format!("invalid arg 'x-overflow' with value 'reject-publish-dlx' for {queue}"))
        }
        Some(name) => {
            Err(format!("invalid arg '{name}' for {queue} of queue type rabbit_{}_queue", kind.name()))
        }
        None => Ok(()),
    }
}

/// Only a classic queue sends on what it refuses.
fn is_dead_lettering(arguments: &Arguments) -> bool {
    overflow(arguments) == Ok(Overflow::RejectPublishDeadLetter)
}

fn overflow(arguments: &Arguments) -> Result<Overflow, String> {
    match arguments.text("x-overflow")? {
        None | Some("drop-head") => Ok(Overflow::DropHead),
        Some("reject-publish") => Ok(Overflow::RejectPublish),
        Some("reject-publish-dlx") => Ok(Overflow::RejectPublishDeadLetter),
        Some(_) => Err("invalid_overflow".to_owned()),
    }
}

fn priority(arguments: &Arguments) -> Result<Option<u8>, String> {
    let most = arguments.count("x-max-priority")?;
    most.map(|most| u8::try_from(most).map_err(|_| format!("{{max_value_exceeded,{most}}}"))).transpose()
}

fn delivery_limit(kind: Kind, arguments: &Arguments) -> Result<Option<u32>, String> {
    match arguments.integer("x-delivery-limit")? {
        None => Ok((kind == Kind::Quorum).then_some(DELIVERY_LIMIT)),
        Some(-1) => Ok(None),
        Some(limit) => u32::try_from(limit).map(Some).map_err(|_| format!("{{value_negative,{limit}}}")),
    }
}

fn age(arguments: &Arguments) -> Result<Option<Duration>, String> {
    let age = arguments.text("x-max-age")?;
    age.map(|age| span(age).ok_or_else(|| "{error,invalid_max_age}".to_owned())).transpose()
}

/// `7D`, `12h`: years, months, days, hours, minutes, seconds.
pub fn span(text: &str) -> Option<Duration> {
    let (split, _) = text.char_indices().next_back()?;
    let unit = match &text[split..] {
        "Y" => 365 * 86_400,
        "M" => 30 * 86_400,
        "D" => 86_400,
        "h" => 3_600,
        "m" => 60,
        "s" => 1,
        _ => return None,
    };
    let number: u64 = text[..split].parse().ok()?;
    number.checked_mul(unit).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::amqp::{AMQPValue, FieldTable};

    const Q: &str = "queue 'q' in vhost '/'";
    const PLAIN: Properties = Properties { durable: true, exclusive: false, auto_delete: false };

    fn read(entries: &[(&str, AMQPValue)], properties: Properties) -> Result<Options, String> {
        let mut table = FieldTable::default();
        for (name, value) in entries {
            table.insert((*name).into(), value.clone());
        }
        Options::read(&Arguments(table), properties, Q)
    }

    fn text(text: &str) -> AMQPValue {
        AMQPValue::LongString(text.into())
    }

    #[test]
    fn each_wrong_argument_is_named() {
        let cases = [
            ("x-message-ttl", AMQPValue::LongInt(-1), "{value_negative,-1}"),
            ("x-message-ttl", text("60"), "{unacceptable_type,longstr}"),
            ("x-expires", AMQPValue::LongInt(0), "{value_zero,0}"),
            ("x-expires", AMQPValue::LongLongInt(i64::MAX), "{value_too_big,9223372036854775807}"),
            ("x-max-priority", AMQPValue::LongInt(256), "{max_value_exceeded,256}"),
            ("x-dead-letter-exchange", text(&"x".repeat(256)), "{too_long,256}"),
            ("x-overflow", text("spill"), "invalid_overflow"),
            ("x-dead-letter-routing-key", text("k"), "routing_key_but_no_dlx_defined"),
            ("x-queue-type", text("ring"), "unsupported queue type 'ring'"),
        ];
        for (name, value, why) in cases {
            assert_eq!(
                read(&[(name, value)], PLAIN).unwrap_err(),
                format!("invalid arg '{name}' for {Q}: {why}")
            );
        }
    }

    #[test]
    fn a_quorum_queue_refuses_what_rabbitmq_refuses() {
        let quorum = ("x-queue-type", text("quorum"));
        let refused = |properties| read(std::slice::from_ref(&quorum), properties).unwrap_err();
        assert_eq!(
            refused(Properties { exclusive: true, ..PLAIN }),
            format!("invalid property 'exclusive-owner' for {Q}")
        );
        assert_eq!(
            refused(Properties { durable: false, ..PLAIN }),
            format!("invalid property 'non-durable' for {Q}")
        );
        let wrong = read(&[quorum.clone(), ("x-max-priority", AMQPValue::LongInt(3))], PLAIN).unwrap_err();
        assert_eq!(wrong, format!("invalid arg 'x-max-priority' for {Q} of queue type rabbit_quorum_queue"));
        assert_eq!(read(&[quorum], PLAIN).unwrap().delivery_limit, Some(20));
    }

    #[test]
    fn an_age_has_a_unit() {
        let age = |age| {
            read(&[("x-queue-type", text("stream")), ("x-max-age", text(age))], PLAIN)
                .map(|options| options.max_age)
        };
        assert_eq!(age("2h"), Ok(Some(Duration::from_secs(7200))));
        for wrong in ["", "h", "2", "2 h", "-1h", "2ü", "99999999999999999999s", "9999999999999999999Y"] {
            assert!(age(wrong).is_err(), "{wrong}");
        }
    }
}
