//! A channel: what is delivered on it and not acknowledged, what is published on it and not confirmed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::confirms::Confirms;
use super::keys::{ConsumerKey, QueueKey};
use super::message::Message;
use super::output::RecordNumber;
use super::ready::Entry;

/// A channel.
#[derive(Debug, Default)]
pub struct Channel {
    /// The how manieth channel of the broker it is: its number may come again.
    pub opened: u64,
    /// The tag of the last delivery.
    pub last_tag: u64,
    /// Deliveries that wait for their acknowledgement, by tag.
    pub unacknowledged: BTreeMap<u64, Unacknowledged>,
    pub consumers: BTreeMap<Arc<str>, ConsumerKey>,
    /// Those that could not take a message when it was their turn.
    pub parked: BTreeSet<ConsumerKey>,
    /// Prefetch of each new consumer; 0 for none.
    pub prefetch: u32,
    /// Prefetch of all consumers together; 0 for none.
    pub shared_prefetch: u32,
    /// Deliveries to consumers that count against `shared_prefetch`.
    pub in_flight: u32,
    pub mode: Mode,
    /// What an empty queue name means.
    pub last_queue: Option<Arc<str>>,
    /// The queue behind its consumer of `amq.rabbitmq.reply-to`.
    pub reply_queue: Option<(QueueKey, Arc<str>)>,
    /// The broker has closed it and waits for the client's word: nothing else is heard.
    pub is_closing: bool,
    pub published: u64,
}

/// What a channel does besides relaying.
#[derive(Debug, Default)]
pub enum Mode {
    #[default]
    Plain,
    Confirm(Confirms),
    Transaction(Transaction),
}

impl Mode {
    pub fn name(&self) -> &'static str {
        match self {
            Mode::Plain => "",
            Mode::Confirm(_) => "confirm",
            Mode::Transaction(_) => "transaction",
        }
    }
}

/// A delivery that waits for its acknowledgement.
#[derive(Debug)]
pub struct Unacknowledged {
    pub entry: Entry,
    pub queue: QueueKey,
    /// The consumer it went to; `None` for `basic.get`.
    pub consumer: Option<ConsumerKey>,
    /// Whether the message stays in its stream, however this ends.
    pub is_copy: bool,
}

/// How a delivery ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settlement {
    Acknowledged,
    Rejected,
    Requeued,
}

/// What waits for `tx.commit`.
#[derive(Debug, Default)]
pub struct Transaction {
    pub publishes: Vec<Staged>,
    pub settlements: Vec<(u64, Unacknowledged, Settlement)>,
    /// The last records of commits that are not answered yet.
    pub committing: VecDeque<RecordNumber>,
}

/// A publish that waits for `tx.commit`, or is on its way.
#[derive(Debug, Clone)]
pub struct Staged {
    pub message: Arc<Message>,
    /// More routing keys, of the headers CC and BCC.
    pub more_keys: Vec<Box<str>>,
    pub is_mandatory: bool,
}
