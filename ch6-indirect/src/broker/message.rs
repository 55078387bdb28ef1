//! A message: what it carries, and how it got here.

use std::time::Duration;

use crate::amqp::command::Content;

/// Names a message in the broker and in its log, for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(pub u64);

/// A published message. It is held once, however many queues it is in.
#[derive(Debug)]
pub struct Message {
    /// Its name.
    pub id: MessageId,
    /// The exchange it was published to; empty for the default exchange.
    pub exchange: Box<str>,
    /// The key it was published with.
    pub routing_key: Box<str>,
    /// Whether it is to survive a restart, in a durable queue (`delivery_mode` 2).
    pub is_persistent: bool,
    /// 0 to 255; a queue without priorities ignores it.
    pub priority: u8,
    /// The `expiration` property: how long it may wait in a queue.
    pub expiration: Option<Duration>,
    /// Properties and body.
    pub content: Content,
}
