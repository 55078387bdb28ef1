//! Tests of the whole state machine. What comes out of it is written as words, one output a line:
//!
//! ```text
//!   1.1 deliver c #1 hello          connection 1, channel 1: to consumer c with tag 1
//! ```

mod behaviour;
mod dead_letters;
mod disk;
mod lives;
mod model;
mod nonsense;
mod routes;
mod streams;

use std::sync::Arc;
use std::time::{Duration, Instant};

use amq_protocol::protocol::BasicProperties;
use amq_protocol::protocol::basic::gen_properties;

use super::*;
use crate::amqp::command::Content;
use crate::amqp::{AMQPClass, AMQPValue, FieldTable, basic, channel, confirm, exchange, queue, tx};

/// A broker, its time, and what it wrote.
pub struct Lab {
    pub broker: Broker,
    pub now: Now,
    /// Of this run.
    pub records: Vec<(u64, Record)>,
    /// Of the runs before it.
    pub older: Vec<(u64, Record)>,
    pub definitions: Vec<Definition>,
    /// Whether records are safe as soon as they are written.
    pub disk_is_fast: bool,
}

pub fn login() -> Login {
    let permissions = Permissions { configure: Pattern::All, write: Pattern::All, read: Pattern::All };
    Login { user: "guest".into(), vhost: "/".into(), permissions }
}

pub fn table(entries: &[(&str, AMQPValue)]) -> FieldTable {
    let mut table = FieldTable::default();
    for (name, value) in entries {
        table.insert((*name).into(), value.clone());
    }
    table
}

pub fn text(text: &str) -> AMQPValue {
    AMQPValue::LongString(text.into())
}

pub fn int(value: i32) -> AMQPValue {
    AMQPValue::LongInt(value)
}

pub fn content(properties: &BasicProperties, body: &str) -> Content {
    let mut bytes = gen_properties(properties)(Vec::new().into()).unwrap().write;
    let length = bytes.len();
    bytes.extend_from_slice(body.as_bytes());
    Content::new(bytes.into(), length)
}

pub fn durable() -> BasicProperties {
    BasicProperties::default().with_delivery_mode(2)
}

impl Lab {
    /// With connections 1 and 2, each with channels 1 and 2.
    pub fn new(is_durable: bool) -> Lab {
        Lab::with(Settings { memory: 1 << 30, is_durable })
    }

    pub fn with(settings: Settings) -> Lab {
        let now = Now { instant: Instant::now(), unix: Duration::from_secs(1_700_000_000) };
        let broker = Broker::new(settings);
        let mut lab = Lab {
            broker,
            now,
            records: Vec::new(),
            older: Vec::new(),
            definitions: Vec::new(),
            disk_is_fast: true,
        };
        for connection in [1, 2] {
            lab.connect(connection);
        }
        lab
    }

    pub fn connect(&mut self, connection: u64) {
        self.broker.open(PeerId(connection), login());
        for channel in [1, 2] {
            self.send(connection, channel, AMQPClass::Channel(channel::AMQPMethod::Open(channel::Open {})));
        }
        self.outputs();
    }

    pub fn send(&mut self, connection: u64, channel: u16, method: AMQPClass) {
        self.broker.handle(PeerId(connection), Command { channel, method, content: None }, self.now);
    }

    pub fn basic(&mut self, connection: u64, channel: u16, method: basic::AMQPMethod) {
        self.send(connection, channel, AMQPClass::Basic(method));
    }

    pub fn wait(&mut self, milliseconds: u64) {
        self.now.instant += Duration::from_millis(milliseconds);
        self.now.unix += Duration::from_millis(milliseconds);
        while self.broker.deadline().is_some_and(|deadline| deadline <= self.now.instant) {
            self.broker.handle_timeout(self.now);
        }
    }

    /// All outputs as words; records and definitions are kept.
    pub fn outputs(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.poll()).map(|output| described(&output)).collect()
    }

    /// The next output for a client; records and definitions are kept.
    pub fn poll(&mut self) -> Option<Output> {
        loop {
            match self.broker.poll_output(self.now) {
                Some(Output::Append(number, record)) => {
                    assert_eq!(
                        number.0,
                        self.records.last().map_or(0, |(number, _)| *number) + 1,
                        "a gap in the records"
                    );
                    self.records.push((number.0, record));
                }
                Some(Output::Define(definition)) => self.definitions.push(definition),
                Some(output) => return Some(output),
                None => {
                    let (last, _) = self.records.last().filter(|_| self.disk_is_fast)?;
                    if self.broker.outbox.is_synced(RecordNumber(*last)) {
                        return None;
                    }
                    self.broker.handle_synced(RecordNumber(*last), self.now);
                }
            }
        }
    }

    pub fn declare(&mut self, name: &str, arguments: &[(&str, AMQPValue)]) {
        self.declare_on(1, queue::Declare { durable: true, ..declare(name, arguments) });
        self.outputs();
    }

    pub fn declare_on(&mut self, connection: u64, declare: queue::Declare) {
        self.send(connection, 1, AMQPClass::Queue(queue::AMQPMethod::Declare(declare)));
    }

    pub fn exchange(&mut self, name: &str, kind: &str, arguments: &[(&str, AMQPValue)]) {
        self.send(
            1,
            1,
            AMQPClass::Exchange(exchange::AMQPMethod::Declare(exchange::Declare {
                exchange: name.into(),
                kind: kind.into(),
                durable: true,
                arguments: table(arguments),
                ..exchange::Declare::default()
            })),
        );
    }

    pub fn bind(&mut self, exchange: &str, queue: &str, key: &str, arguments: &[(&str, AMQPValue)]) {
        self.send(
            1,
            1,
            AMQPClass::Queue(queue::AMQPMethod::Bind(queue::Bind {
                queue: queue.into(),
                exchange: exchange.into(),
                routing_key: key.into(),
                arguments: table(arguments),
                ..queue::Bind::default()
            })),
        );
    }

    pub fn publish(&mut self, exchange: &str, key: &str, properties: &BasicProperties, body: &str) {
        self.publish_on(
            2,
            basic::Publish {
                exchange: exchange.into(),
                routing_key: key.into(),
                ..basic::Publish::default()
            },
            properties,
            body,
        );
    }

    pub fn publish_on(
        &mut self,
        connection: u64,
        publish: basic::Publish,
        properties: &BasicProperties,
        body: &str,
    ) {
        let content = Some(content(properties, body));
        let method = AMQPClass::Basic(basic::AMQPMethod::Publish(publish));
        self.broker.handle(PeerId(connection), Command { channel: 1, method, content }, self.now);
    }

    /// To the queue of this name, from connection 2.
    pub fn put(&mut self, queue: &str, bodies: &[&str]) {
        for body in bodies {
            self.publish("", queue, &durable(), body);
        }
    }

    pub fn qos(&mut self, connection: u64, prefetch_count: u16, global: bool) {
        self.basic(connection, 1, basic::AMQPMethod::Qos(basic::Qos { prefetch_count, global }));
    }

    pub fn consume(&mut self, connection: u64, queue: &str, tag: &str, arguments: &[(&str, AMQPValue)]) {
        let arguments = table(arguments);
        self.consume_with(
            connection,
            basic::Consume { queue: queue.into(), consumer_tag: tag.into(), arguments, ..Default::default() },
        );
    }

    pub fn consume_with(&mut self, connection: u64, consume: basic::Consume) {
        self.basic(connection, 1, basic::AMQPMethod::Consume(consume));
    }

    pub fn ack(&mut self, connection: u64, delivery_tag: u64, multiple: bool) {
        self.basic(connection, 1, basic::AMQPMethod::Ack(basic::Ack { delivery_tag, multiple }));
    }

    pub fn nack(&mut self, connection: u64, delivery_tag: u64, multiple: bool, requeue: bool) {
        self.basic(connection, 1, basic::AMQPMethod::Nack(basic::Nack { delivery_tag, multiple, requeue }));
    }

    pub fn get(&mut self, connection: u64, queue: &str, no_ack: bool) {
        self.basic(connection, 1, basic::AMQPMethod::Get(basic::Get { queue: queue.into(), no_ack }));
    }

    pub fn confirm_select(&mut self, connection: u64) {
        self.send(
            connection,
            1,
            AMQPClass::Confirm(confirm::AMQPMethod::Select(confirm::Select { nowait: true })),
        );
    }

    pub fn tx(&mut self, connection: u64, method: tx::AMQPMethod) {
        self.send(connection, 1, AMQPClass::Tx(method));
    }

    /// Takes all that is ready out of a queue, over connection 1.
    pub fn empty(&mut self, queue: &str) -> Vec<String> {
        let mut bodies = Vec::new();
        loop {
            self.get(1, queue, true);
            let outputs = self.outputs();
            let Some(got) = outputs.iter().find_map(|line| line.split_once("got ")) else { return bodies };
            let (_, body) = got.1.split_once(' ').unwrap();
            bodies.push(body.split(',').next().unwrap().to_owned());
        }
    }

    pub fn queue(&self, name: &str) -> snapshot::QueueSnapshot {
        self.broker.snapshot().queues.into_iter().find(|queue| queue.name == name).unwrap()
    }
}

pub fn declare(name: &str, arguments: &[(&str, AMQPValue)]) -> queue::Declare {
    queue::Declare { queue: name.into(), arguments: table(arguments), ..queue::Declare::default() }
}

/// A method in a word or two.
fn words(method: &AMQPClass) -> String {
    match method {
        AMQPClass::Basic(basic::AMQPMethod::Ack(ack)) => {
            format!("ack {}{}", ack.delivery_tag, if ack.multiple { " multiple" } else { "" })
        }
        AMQPClass::Basic(basic::AMQPMethod::Nack(nack)) => {
            format!("nack {}{}", nack.delivery_tag, if nack.multiple { " multiple" } else { "" })
        }
        AMQPClass::Basic(basic::AMQPMethod::GetEmpty(_)) => "get-empty".into(),
        AMQPClass::Basic(basic::AMQPMethod::Cancel(cancel)) => format!("cancel {}", cancel.consumer_tag),
        AMQPClass::Basic(basic::AMQPMethod::CancelOk(_)) => "cancel-ok".into(),
        AMQPClass::Basic(basic::AMQPMethod::ConsumeOk(_)) => "consume-ok".into(),
        AMQPClass::Basic(basic::AMQPMethod::QosOk(_)) => "qos-ok".into(),
        AMQPClass::Basic(basic::AMQPMethod::RecoverOk(_)) => "recover-ok".into(),
        AMQPClass::Queue(queue::AMQPMethod::DeclareOk(ok)) => format!("declare-ok {}", ok.message_count),
        AMQPClass::Queue(queue::AMQPMethod::DeleteOk(ok)) => format!("delete-ok {}", ok.message_count),
        AMQPClass::Queue(queue::AMQPMethod::PurgeOk(ok)) => format!("purge-ok {}", ok.message_count),
        AMQPClass::Tx(tx::AMQPMethod::CommitOk(_)) => "commit-ok".into(),
        AMQPClass::Tx(tx::AMQPMethod::RollbackOk(_)) => "rollback-ok".into(),
        other => format!("{}.{}", other.get_amqp_class_id(), other.get_amqp_method_id()),
    }
}

/// An output in a line of words.
fn described(output: &Output) -> String {
    let body = |message: &Arc<Message>| common::support::terminal::text(message.content.body());
    let flag = |is_redelivered: bool| if is_redelivered { " redelivered" } else { "" };
    match output {
        Output::Method { connection, channel, method } => {
            format!("{}.{channel} {}", connection.0, words(method))
        }
        Output::Deliver { connection, channel, consumer_tag, delivery_tag, message, .. } => {
            let Output::Deliver { redelivered, delivery_count, stream_offset, .. } = output else {
                unreachable!()
            };
            let count = delivery_count.map(|count| format!(" count={count}")).unwrap_or_default();
            let offset = stream_offset.map(|offset| format!(" offset={offset}")).unwrap_or_default();
            let (id, flag) = (connection.0, flag(*redelivered));
            format!(
                "{id}.{channel} deliver {consumer_tag} #{delivery_tag} {}{flag}{count}{offset}",
                body(message)
            )
        }
        Output::GetOk { connection, channel, delivery_tag, redelivered, message_count, message, .. } => {
            let (id, flag) = (connection.0, flag(*redelivered));
            format!("{id}.{channel} got #{delivery_tag} {}{flag}, {message_count} left", body(message))
        }
        Output::Return { connection, channel, message } => {
            format!("{}.{channel} return {}", connection.0, body(message))
        }
        Output::Exception { connection, channel, exception } => {
            format!("{}.{channel} {exception}", connection.0)
        }
        Output::Blocked { connection, reason } => format!("{} blocked {reason:?}", connection.0),
        Output::Append(..) | Output::Define(_) => unreachable!("these are not for a client"),
    }
}
