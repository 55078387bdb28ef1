//! What can be seen of a broker: for `inspect`, the page and the JSON API. Counts only grow; who looks makes rates of them.

use serde::Serialize;

/// A broker at one moment.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Snapshot {
    /// Exchanges, by virtual host and name.
    pub exchanges: Vec<ExchangeSnapshot>,
    /// Queues, by virtual host and name.
    pub queues: Vec<QueueSnapshot>,
    /// Bindings, without those of the default exchange.
    pub bindings: Vec<BindingSnapshot>,
    /// Channels, by connection and number.
    pub channels: Vec<ChannelSnapshot>,
    /// Consumers, by queue.
    pub consumers: Vec<ConsumerSnapshot>,
    /// Bytes of messages in memory, and from how many on publishers are held back.
    pub memory: (u64, u64),
    /// Why publishers are held back, if they are.
    pub alarm: Option<&'static str>,
}

/// An exchange.
#[derive(Debug, Clone, Serialize)]
pub struct ExchangeSnapshot {
    /// Virtual host.
    pub vhost: String,
    /// Name; empty for the default exchange.
    pub name: String,
    /// `direct`, `fanout`, `topic` or `headers`.
    pub kind: &'static str,
    /// Whether it survives a restart.
    pub durable: bool,
    /// Whether it goes with its last binding.
    pub auto_delete: bool,
    /// Whether clients may not publish to it.
    pub internal: bool,
    /// Its arguments.
    pub arguments: serde_json::Value,
    /// Messages that came in.
    pub published: u64,
    /// Of these, routed to at least one queue.
    pub routed: u64,
}

/// A queue.
#[derive(Debug, Clone, Serialize)]
pub struct QueueSnapshot {
    /// Virtual host.
    pub vhost: String,
    /// Name.
    pub name: String,
    /// `classic`, `quorum` or `stream`.
    pub kind: &'static str,
    /// Whether it survives a restart.
    pub durable: bool,
    /// Whether it goes with its last consumer.
    pub auto_delete: bool,
    /// The connection it belongs to, if it is exclusive.
    pub exclusive: Option<u64>,
    /// Its arguments.
    pub arguments: serde_json::Value,
    /// Messages that wait.
    pub ready: u64,
    /// Messages that are delivered and not acknowledged.
    pub unacknowledged: u64,
    /// Bytes of the bodies of both.
    pub bytes: u64,
    /// Consumers.
    pub consumers: u64,
    /// Messages that came in.
    pub enqueued: u64,
    /// Deliveries, `get` counted.
    pub delivered: u64,
    /// Of these, redeliveries.
    pub redelivered: u64,
    /// Acknowledged, automatic ones counted.
    pub acknowledged: u64,
    /// Expired.
    pub expired: u64,
    /// Dropped or dead-lettered because the queue was full.
    pub overflowed: u64,
    /// Sent on to the dead-letter exchange, for any reason.
    pub dead_lettered: u64,
}

/// A binding.
#[derive(Debug, Clone, Serialize)]
pub struct BindingSnapshot {
    /// Virtual host.
    pub vhost: String,
    /// The exchange it leads from.
    pub source: String,
    /// The queue or exchange it leads to.
    pub destination: String,
    /// Whether that is a queue.
    pub to_queue: bool,
    /// The key.
    pub routing_key: String,
    /// Its arguments.
    pub arguments: serde_json::Value,
    /// Messages that took it.
    pub routed: u64,
}

/// A channel.
#[derive(Debug, Clone, Serialize)]
pub struct ChannelSnapshot {
    /// Its connection.
    pub connection: u64,
    /// Its number.
    pub number: u16,
    /// `""`, `confirm` or `transaction`.
    pub mode: &'static str,
    /// Prefetch of the channel; 0 for none.
    pub prefetch: u32,
    /// Consumers.
    pub consumers: u64,
    /// Deliveries that wait for their acknowledgement.
    pub unacknowledged: u64,
    /// Publishes that wait for their confirm.
    pub unconfirmed: u64,
    /// Messages published on it.
    pub published: u64,
}

/// A consumer.
#[derive(Debug, Clone, Serialize)]
pub struct ConsumerSnapshot {
    /// Virtual host.
    pub vhost: String,
    /// Its queue.
    pub queue: String,
    /// Its connection and channel.
    pub connection: u64,
    /// The channel.
    pub channel: u16,
    /// Its tag.
    pub tag: String,
    /// Prefetch of the consumer; 0 for none.
    pub prefetch: u32,
    /// Whether deliveries count as acknowledged at once.
    pub automatic: bool,
    /// Whether it is the queue's only one.
    pub exclusive: bool,
    /// `x-priority`.
    pub priority: i32,
    /// Whether it gets messages: not so for those that stand by at a queue with a single active consumer.
    pub active: bool,
    /// Deliveries that wait for their acknowledgement.
    pub unacknowledged: u64,
}

/// A connection. The broker itself knows no more of it than its number: its server fills this in.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ConnectionSnapshot {
    /// Its number: what channels, consumers and exclusive queues name it by.
    pub id: u64,
    /// Where the client is: `127.0.0.1:40001`.
    pub address: String,
    /// Its user; empty before the login.
    pub user: String,
    /// Its virtual host; empty before it is opened.
    pub vhost: String,
    /// What the client says of itself: product, version, platform, capabilities.
    pub client: serde_json::Value,
    /// Open channels.
    pub channels: u64,
    /// Frames that came.
    pub frames_in: u64,
    /// Frames for it.
    pub frames_out: u64,
    /// Bytes that came.
    pub bytes_in: u64,
    /// Bytes for it; some may wait.
    pub bytes_out: u64,
    /// Bytes that wait for it.
    pub waiting: u64,
    /// Seconds between heartbeats, as agreed; 0 for none.
    pub heartbeat: u16,
    /// Whether TLS is below it.
    pub tls: bool,
    /// Why it may not publish, if it may not (an alarm).
    pub blocked: Option<&'static str>,
}
