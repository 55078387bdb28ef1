//! A queue: messages that wait, consumers that take them, and the rules for both.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::core::service::PeerId;

use super::arguments::Arguments;
use super::consumer::Consumers;
use super::keys::ExchangeKey;
use super::message::Message;
use super::now::Now;
use super::options::{Kind, Options, Overflow};
use super::output::{QueueId, RecordNumber};
use super::ready::{Entry, Ready};
use super::stream::Stream;

/// A queue.
#[derive(Debug)]
pub struct Queue {
    pub name: Arc<str>,
    /// The index of its virtual host.
    pub host: usize,
    pub is_durable: bool,
    pub is_auto_delete: bool,
    /// The connection that alone may use it, and with which it goes.
    pub owner: Option<PeerId>,
    /// Whether it stands behind a consumer of `amq.rabbitmq.reply-to`: everyone may publish to it, nobody may do anything else.
    pub is_reply: bool,
    pub arguments: Arguments,
    pub options: Options,
    /// Its name in the log, if its persistent messages are logged.
    pub log: Option<QueueId>,
    pub ready: Ready,
    /// The log that is read, if it is a stream; `ready` is empty then.
    pub stream: Option<Box<Stream>>,
    pub consumers: Consumers,
    /// Exchanges with bindings to it, and how many.
    pub sources: BTreeMap<ExchangeKey, u32>,
    pub unacknowledged: u64,
    pub unacknowledged_bytes: u64,
    pub counters: Counters,
    /// Whether it is in the list of queues with work.
    pub is_listed: bool,
    /// Since when nobody has used it, for `x-expires`.
    pub unused_since: Instant,
    /// When it is to be looked at again.
    pub timer: Option<Instant>,
    /// The log says already that messages up to this id may have been delivered.
    pub delivered_up_to: u64,
    /// No delivery before this record is on disk.
    pub held_until: RecordNumber,
}

/// What has happened at a queue so far.
#[derive(Debug, Default)]
pub struct Counters {
    pub enqueued: u64,
    pub delivered: u64,
    pub redelivered: u64,
    pub acknowledged: u64,
    pub rejected: u64,
    /// Came back too often.
    pub gave_up: u64,
    pub purged: u64,
    pub expired: u64,
    /// Refused because the queue was full: they never were in it.
    pub refused: u64,
    pub overflowed: u64,
    pub dead_lettered: u64,
}

/// Why a message leaves a queue without having been consumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    Rejected,
    Expired,
    MaxLength,
    DeliveryLimit,
}

impl Reason {
    /// RabbitMQ's word in `x-death`.
    pub fn word(self) -> &'static str {
        match self {
            Reason::Rejected => "rejected",
            Reason::Expired => "expired",
            Reason::MaxLength => "maxlen",
            Reason::DeliveryLimit => "delivery_limit",
        }
    }
}

impl Queue {
    /// A durable queue that nobody has seen yet; `host` is the index of its virtual host.
    pub fn new(name: Arc<str>, host: usize, arguments: Arguments, options: Options, now: Now) -> Queue {
        Queue {
            name,
            host,
            is_durable: true,
            is_auto_delete: false,
            owner: None,
            is_reply: false,
            arguments,
            log: None,
            ready: Ready::default(),
            stream: (options.kind == Kind::Stream).then(Box::default),
            options,
            consumers: Consumers::default(),
            sources: BTreeMap::new(),
            unacknowledged: 0,
            unacknowledged_bytes: 0,
            counters: Counters::default(),
            is_listed: false,
            unused_since: now.instant,
            timer: None,
            delivered_up_to: 0,
            held_until: RecordNumber(0),
        }
    }

    /// How long `message` may wait here.
    pub fn time_to_live(&self, message: &Message) -> Option<Duration> {
        match (self.options.message_ttl, message.expiration) {
            (Some(queue), Some(message)) => Some(queue.min(message)),
            (queue, message) => queue.or(message),
        }
    }

    /// Puts a new message at the end of those of its priority.
    pub fn push(&mut self, entry: Entry) {
        let priority = entry.message.priority.min(self.options.max_priority.unwrap_or(0));
        self.counters.enqueued += 1;
        self.ready.push(entry, priority);
    }

    /// Whether a new message finds no place and the publisher is told so.
    pub fn refuses(&self, message: &Message) -> bool {
        self.options.overflow != Overflow::DropHead && {
            let (length, bytes) =
                (self.ready.len() as u64 + 1, self.ready.bytes() + message.content.body().len() as u64);
            self.is_over(length, bytes)
        }
    }

    /// A message that is too much: the first.
    pub fn pop_overflow(&mut self) -> Option<Entry> {
        self.is_over(self.ready.len() as u64, self.ready.bytes()).then(|| self.ready.pop()).flatten()
    }

    fn is_over(&self, length: u64, bytes: u64) -> bool {
        self.options.max_length.is_some_and(|most| length > most)
            || self.options.max_bytes.is_some_and(|most| bytes > most)
    }

    /// Whether there may be a message for a consumer.
    pub fn has_work(&self) -> bool {
        self.consumers.has_takers() && (self.stream.is_some() || !self.ready.is_empty())
    }

    /// Messages that wait.
    pub fn len(&self) -> u64 {
        self.stream.as_ref().map_or(self.ready.len() as u64, |stream| stream.len())
    }

    /// Bytes of the bodies of all messages here, unacknowledged ones counted.
    pub fn bytes(&self) -> u64 {
        self.unacknowledged_bytes + self.stream.as_ref().map_or(self.ready.bytes(), |stream| stream.bytes())
    }

    /// When it is to be looked at: the next message expires, or it does itself.
    pub fn deadline(&self) -> Option<Instant> {
        let own = self.expires_at();
        match (self.ready.deadline(), own) {
            (Some(message), Some(own)) => Some(message.min(own)),
            (message, own) => message.or(own),
        }
    }

    /// When it goes because nobody uses it.
    pub fn expires_at(&self) -> Option<Instant> {
        let expires = self.options.expires.filter(|_| self.consumers.is_empty())?;
        Some(self.unused_since + expires)
    }
}
