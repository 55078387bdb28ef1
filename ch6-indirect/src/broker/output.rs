//! What a broker wants done: frames for clients, records for the log, definitions for the disk.

use std::sync::Arc;

use common::core::service::PeerId;
use serde::{Deserialize, Serialize};

use super::message::{Message, MessageId};
use crate::amqp::AMQPClass;
use crate::amqp::exception::Exception;

/// One thing to be done. Outputs are done in the order in which they are polled: what a client gets, and what the log gets, has
/// this order.
#[derive(Debug)]
pub enum Output {
    /// A method without content.
    Method {
        /// To whom.
        connection: PeerId,
        /// On which channel.
        channel: u16,
        /// What.
        method: AMQPClass,
    },
    /// A message for a consumer: `basic.deliver`.
    Deliver {
        /// To whom.
        connection: PeerId,
        /// On which channel.
        channel: u16,
        /// The consumer.
        consumer_tag: Arc<str>,
        /// What the client acknowledges it by.
        delivery_tag: u64,
        /// Whether it was delivered before, to this client or another.
        redelivered: bool,
        /// The header `x-delivery-count`, which a redelivery of a quorum queue carries.
        delivery_count: Option<u32>,
        /// The header `x-stream-offset`, which every delivery of a stream carries.
        stream_offset: Option<u64>,
        /// What is delivered.
        message: Arc<Message>,
    },
    /// A message for a client that asked: `basic.get-ok`.
    GetOk {
        /// To whom.
        connection: PeerId,
        /// On which channel.
        channel: u16,
        /// What the client acknowledges it by.
        delivery_tag: u64,
        /// Whether it was delivered before.
        redelivered: bool,
        /// The header `x-delivery-count`.
        delivery_count: Option<u32>,
        /// How many messages are left in the queue.
        message_count: u32,
        /// What is delivered.
        message: Arc<Message>,
    },
    /// A mandatory message that reached no queue: `basic.return` with 312 `NO_ROUTE`.
    Return {
        /// To whom.
        connection: PeerId,
        /// On which channel.
        channel: u16,
        /// The message, as it was published.
        message: Arc<Message>,
    },
    /// `channel.close` or `connection.close`, by the exception's code. The broker has closed the channel on its side already; after
    /// a hard one the server calls [`Broker::close`](super::Broker::close).
    Exception {
        /// To whom.
        connection: PeerId,
        /// On which channel it happened; 0 for none.
        channel: u16,
        /// Why.
        exception: Exception,
    },
    /// Messages of this connection cannot be taken now (an alarm): it is told `connection.blocked` if it can be, and its next publish waits.
    Blocked {
        /// To whom.
        connection: PeerId,
        /// Why; `None` when the alarm is over.
        reason: Option<&'static str>,
    },
    /// A record for the log.
    Append(RecordNumber, Record),
    /// A definition that is on disk before the next output is done.
    Define(Definition),
}

/// Numbers the records of one run, from 1, without a gap. The store says up to which number they are safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct RecordNumber(pub u64);

/// Names a durable queue in the log. It is never used again for another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct QueueId(pub u64);

/// What happened to persistent messages in durable queues. The state of all queues follows from the records, in their order.
#[derive(Debug, Clone)]
pub enum Record {
    /// The message stands at the end of these queues.
    Message {
        /// What came.
        message: Arc<Message>,
        /// Where it stands.
        queues: Box<[QueueId]>,
        /// When it expires there, milliseconds since 1970; `None` for never. The same for all queues: the earliest.
        expires: Option<u64>,
    },
    /// It is gone from this queue: acknowledged, expired, dropped, dead-lettered.
    Removed {
        /// Which.
        message: MessageId,
        /// From where.
        queue: QueueId,
    },
    /// It was delivered and came back: it stands where it stood, with its count.
    Requeued {
        /// Which.
        message: MessageId,
        /// Where.
        queue: QueueId,
        /// How often it was delivered so far.
        deliveries: u32,
    },
    /// Messages of this queue up to this one may have been delivered: what is left of them after a crash is redelivered. Written
    /// ahead, for many messages at once: the flag may then be true without a delivery, and is never false after one.
    Delivered {
        /// Which queue.
        queue: QueueId,
        /// Up to which message, it included.
        up_to: MessageId,
    },
    /// The queue is gone, with all that is in it.
    Deleted {
        /// Which.
        queue: QueueId,
    },
}

/// A durable exchange, queue or binding that has come, or is gone. The key of each is its virtual host and names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Definition {
    /// A durable exchange.
    Exchange {
        /// Its virtual host.
        vhost: String,
        /// Its name.
        name: String,
        /// What it is; `None` when it is gone.
        exchange: Option<ExchangeDefinition>,
    },
    /// A durable queue.
    Queue {
        /// Its virtual host.
        vhost: String,
        /// Its name.
        name: String,
        /// What it is; `None` when it is gone.
        queue: Option<QueueDefinition>,
    },
    /// A binding between two durable ones.
    Binding {
        /// What it is.
        binding: BindingDefinition,
        /// Whether it is there; `false` when it is gone.
        exists: bool,
    },
}

/// What is kept of a durable exchange.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExchangeDefinition {
    /// `direct`, `fanout`, `topic` or `headers`.
    pub kind: String,
    /// Whether it goes with its last binding.
    pub auto_delete: bool,
    /// Whether clients may not publish to it.
    pub internal: bool,
    /// Its arguments, in wire form (a field table with its length).
    pub arguments: Vec<u8>,
}

/// What is kept of a durable queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueDefinition {
    /// Its name in the log.
    pub id: QueueId,
    /// Whether it goes with its last consumer.
    pub auto_delete: bool,
    /// Its arguments, in wire form.
    pub arguments: Vec<u8>,
}

/// What is kept of a binding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BindingDefinition {
    /// Its virtual host.
    pub vhost: String,
    /// The exchange it leads from.
    pub source: String,
    /// The queue or exchange it leads to.
    pub destination: String,
    /// Whether that is a queue.
    pub to_queue: bool,
    /// The key.
    pub routing_key: String,
    /// Its arguments, in wire form.
    pub arguments: Vec<u8>,
}
