//! What a store has kept, and gives to [`Broker::restore`](super::Broker::restore).

use std::sync::Arc;

use super::message::{Message, MessageId};
use super::output::{Definition, QueueId};

/// What was found at the start.
#[derive(Debug, Default)]
pub struct Recovered {
    /// The definitions, in no order.
    pub definitions: Vec<Definition>,
    /// The messages that are left, in the order in which they came.
    pub messages: Vec<RecoveredMessage>,
    /// No message had a higher id.
    pub last_message: Option<MessageId>,
    /// What was lost: a record with a wrong check sum, named by its segment and offset. Never silence.
    pub damaged: Vec<String>,
}

/// A message that is left in at least one queue.
#[derive(Debug)]
pub struct RecoveredMessage {
    /// The message.
    pub message: Arc<Message>,
    /// When it expires, milliseconds since 1970.
    pub expires: Option<u64>,
    /// Where it stands: queue, deliveries so far, and whether it may have been delivered.
    pub queues: Vec<(QueueId, u32, bool)>,
}
