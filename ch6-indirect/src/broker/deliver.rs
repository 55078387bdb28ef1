//! Who gets which message, and when: a list of queues that may have work, and one delivery at a time.
//!
//! ```text
//!   work:  q3  q7  q1                      a queue is in the list once, at most
//!          │
//!          └─► its next taker can take one?  yes: deliver, and q3 goes to the end of the list
//!                                            no:  the consumer is parked; no taker left: q3 leaves the list
//! ```

use super::channel::Unacknowledged;
use super::keys::{ConsumerKey, QueueKey};
use super::message::MessageId;
use super::options::Kind;
use super::outbox::Waiting;
use super::output::{Output, Record};
use super::queue::{Queue, Reason};
use super::ready::Entry;
use super::{Broker, Now};
use common::core::service::PeerId;

/// For how many messages a queue writes down in advance that they may have been delivered.
pub const AHEAD: u64 = 1024;

impl Broker {
    /// Puts a queue into the list, if it may have work.
    pub(super) fn list(&mut self, key: QueueKey) {
        if let Some(queue) = self.queues.get_mut(key).filter(|queue| !queue.is_listed && queue.has_work()) {
            queue.is_listed = true;
            self.work.push_back(key);
        }
    }

    /// Makes one delivery, if there is one to be made.
    pub(super) fn next_delivery(&mut self, now: Now) -> Option<Output> {
        let time = self.handled.unwrap_or(now.instant);
        while let Some(key) = self.work.pop_front() {
            let Some(queue) = self.queues.get_mut(key) else { continue };
            queue.is_listed = false;
            let has_expired = queue.ready.deadline().is_some_and(|expires| expires < time);
            let is_held = !self.outbox.is_synced(queue.held_until) && !self.outbox.has_failed();
            if has_expired {
                self.expire(key, usize::MAX, |expires| expires < time);
                self.send_dead_letters(now);
            }
            if !is_held {
                self.deliver_from(key);
                self.list(key);
            }
            if self.alarm.is_some() {
                self.sound_alarm();
            }
            if let Some(output) = self.outbox.pop() {
                return Some(output);
            }
        }
        None
    }

    /// Delivers one message of this queue to the consumer whose turn it is.
    fn deliver_from(&mut self, key: QueueKey) {
        let Some(taker) = self.next_taker(key) else { return };
        let Some(queue) = self.queues.get_mut(key) else { return };
        let Some(consumer) = self.consumers.get_mut(taker) else { return };
        let mut stream_offset = None;
        let entry = match &mut queue.stream {
            Some(stream) => {
                let Some((offset, entry)) = stream.at(consumer.offset) else {
                    stream.at_end.push(taker);
                    return;
                };
                consumer.offset = offset + 1;
                stream_offset = Some(offset);
                entry.clone()
            }
            None => {
                let Some(entry) = queue.ready.pop() else {
                    self.offer(taker);
                    return;
                };
                if self.must_wait(key, &entry) {
                    self.put_back(key, entry);
                    self.offer(taker);
                    return;
                }
                entry
            }
        };
        self.deliver(key, taker, entry, stream_offset);
        self.offer(taker);
    }

    /// The consumer whose turn it is, if one can take a message. Those that cannot are parked.
    fn next_taker(&mut self, key: QueueKey) -> Option<ConsumerKey> {
        loop {
            let taker = self.queues.get_mut(key)?.consumers.next()?;
            if self.can_take(taker) {
                return Some(taker);
            }
            self.park(taker);
        }
    }

    /// Whether the log must first know that this message may have been delivered. It is told so for many at once.
    pub(super) fn must_wait(&mut self, key: QueueKey, entry: &Entry) -> bool {
        let Some(queue) = self.queues.get_mut(key) else { return false };
        let Some(log) = queue.log.filter(|_| entry.is_logged && self.outbox.can_log()) else { return false };
        if entry.message.id.0 > queue.delivered_up_to {
            queue.delivered_up_to = entry.message.id.0 + AHEAD;
            let up_to = MessageId(queue.delivered_up_to);
            queue.held_until = self.outbox.append(Record::Delivered { queue: log, up_to });
            self.outbox.wait(queue.held_until, Waiting::Queue(key));
        }
        !self.outbox.is_synced(queue.held_until)
    }

    /// A message that was taken out and is not delivered yet.
    pub(super) fn put_back(&mut self, key: QueueKey, entry: Entry) {
        if let Some(queue) = self.queues.get_mut(key) {
            queue.ready.insert(entry);
        }
    }

    fn deliver(&mut self, key: QueueKey, taker: ConsumerKey, entry: Entry, stream_offset: Option<u64>) {
        let (Some(queue), Some(consumer)) = (self.queues.get_mut(key), self.consumers.get_mut(taker)) else {
            return;
        };
        let known = self.connections.get_mut(&consumer.connection);
        let Some(channel) = known.and_then(|known| known.channels.get_mut(&consumer.channel)) else { return };
        channel.last_tag += 1;
        self.outbox.push(Output::Deliver {
            connection: consumer.connection,
            channel: consumer.channel,
            consumer_tag: consumer.tag.clone(),
            delivery_tag: channel.last_tag,
            redelivered: entry.is_redelivered,
            delivery_count: delivery_count(queue, &entry),
            stream_offset,
            message: entry.message.clone(),
        });
        count_delivery(queue, &entry);
        let vhost = &self.hosts[queue.host].name;
        self.events.record(vhost, entry.message.id, "delivered", |event| {
            event.queue = Some(queue.name.clone());
            event.consumer = Some(consumer.tag.clone());
            event.connection = Some(consumer.connection.0);
        });
        if consumer.is_automatic {
            self.events.record(vhost, entry.message.id, "acknowledged", |event| {
                event.queue = Some(queue.name.clone());
            });
            queue.counters.acknowledged += 1;
            let log = queue.log;
            self.forget(log, &entry);
            return;
        }
        consumer.unacknowledged += 1;
        channel.in_flight += 1;
        let is_copy = stream_offset.is_some();
        if !is_copy {
            queue.unacknowledged_bytes += entry.message.content.body().len() as u64;
        }
        queue.unacknowledged += 1;
        channel
            .unacknowledged
            .insert(channel.last_tag, Unacknowledged { entry, queue: key, consumer: Some(taker), is_copy });
    }

    /// A new message of a stream: consumers that had read all go on.
    pub(super) fn append_to_stream(&mut self, key: QueueKey, entry: Entry, now: Now) {
        let Some(queue) = self.queues.get_mut(key) else { return };
        let Some(stream) = &mut queue.stream else { return };
        queue.counters.enqueued += 1;
        stream.append(entry, now.unix);
        for consumer in std::mem::take(&mut stream.at_end) {
            self.offer(consumer);
        }
    }

    fn can_take(&self, key: ConsumerKey) -> bool {
        let Some(consumer) = self.consumers.get(key) else { return false };
        let Some(connection) = self.connections.get(&consumer.connection) else { return false };
        let Some(channel) = connection.channels.get(&consumer.channel) else { return false };
        let has_room = |limit: u32, used: u32| limit == 0 || used < limit;
        !connection.is_full
            && !connection.is_ended
            && (consumer.is_automatic
                || has_room(consumer.prefetch, consumer.unacknowledged)
                    && has_room(channel.shared_prefetch, channel.in_flight))
    }

    /// This consumer may be able to take a message.
    fn offer(&mut self, key: ConsumerKey) {
        let Some(consumer) = self.consumers.get(key) else { return };
        if let Some(queue) = self.queues.get_mut(consumer.queue) {
            queue.consumers.offer(key, consumer.priority);
        }
    }

    fn park(&mut self, key: ConsumerKey) {
        let Some(consumer) = self.consumers.get_mut(key) else { return };
        consumer.is_parked = true;
        let known = self.connections.get_mut(&consumer.connection);
        if let Some(channel) = known.and_then(|known| known.channels.get_mut(&consumer.channel)) {
            channel.parked.insert(key);
        }
    }

    /// A consumer that could not take a message perhaps can now.
    pub(super) fn unpark(&mut self, key: ConsumerKey) {
        let Some(consumer) = self.consumers.get_mut(key).filter(|consumer| consumer.is_parked) else {
            return;
        };
        consumer.is_parked = false;
        let queue = consumer.queue;
        let known = self.connections.get_mut(&consumer.connection);
        if let Some(channel) = known.and_then(|known| known.channels.get_mut(&consumer.channel)) {
            channel.parked.remove(&key);
        }
        self.offer(key);
        self.list(queue);
    }

    /// All consumers of a channel perhaps can.
    pub(super) fn unpark_channel(&mut self, connection: PeerId, channel: u16) {
        let known = self.connections.get(&connection).and_then(|known| known.channels.get(&channel));
        let parked: Vec<ConsumerKey> =
            known.map(|channel| channel.parked.iter().copied().collect()).unwrap_or_default();
        for key in parked {
            self.unpark(key);
        }
    }

    /// Takes out messages that have expired, up to `most`; returns how many there were.
    pub(super) fn expire(
        &mut self,
        key: QueueKey,
        most: usize,
        is_expired: impl Fn(std::time::Instant) -> bool,
    ) -> usize {
        let mut count = 0;
        while count < most {
            let Some(queue) = self.queues.get_mut(key) else { break };
            let Some(entry) = queue.ready.pop_expired(&is_expired) else { break };
            queue.counters.expired += 1;
            count += 1;
            self.bury(key, entry, Reason::Expired);
        }
        count
    }
}

/// The header `x-delivery-count`: a quorum queue counts, and says it of what was delivered before.
pub fn delivery_count(queue: &Queue, entry: &Entry) -> Option<u32> {
    (queue.options.kind == Kind::Quorum && entry.deliveries > 0).then_some(entry.deliveries)
}

pub fn count_delivery(queue: &mut Queue, entry: &Entry) {
    queue.counters.delivered += 1;
    queue.counters.redelivered += u64::from(entry.is_redelivered);
}
