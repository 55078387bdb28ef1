//! `basic.publish`: checked, routed, put into queues, and confirmed when it is safe.
//!
//! The order of what a publisher gets: `basic.return`, if nothing took a mandatory message, and then the confirm.

use std::sync::Arc;
use std::time::Duration;

use common::core::service::PeerId;

use super::channel::{Mode, Staged};
use super::commands::{Done, Right, no};
use super::confirms::Fate;
use super::deliver::AHEAD;
use super::keys::QueueKey;
use super::letter::DeadLetter;
use super::message::{Message, MessageId};
use super::options::Overflow;
use super::outbox::Waiting;
use super::output::{Output, QueueId, Record, RecordNumber};
use super::queue::Reason;
use super::ready::Entry;
use super::routing::Route;
use super::walk;
use super::{At, Broker, Now};
use crate::amqp::command::Content;
use crate::amqp::exception::ReplyCode;
use crate::amqp::{AMQPClass, basic};

impl Broker {
    pub(super) fn publish(&mut self, at: At, publish: &basic::Publish, content: Option<Content>) -> Done {
        let Some(content) = content else {
            return no(ReplyCode::UnexpectedFrame, "basic.publish without content");
        };
        if publish.immediate {
            return no(ReplyCode::NotImplemented, "immediate=true");
        }
        self.check(at, Right::Write, "exchange", publish.exchange.as_str())?;
        let exchange = self.exchange_named(at, publish.exchange.as_str())?;
        if self.exchanges.get(exchange).is_some_and(|exchange| exchange.is_internal) {
            let what = self.named(at, "exchange", publish.exchange.as_str());
            return no(ReplyCode::AccessRefused, format_args!("cannot publish to internal {what}"));
        }
        let staged = self.staged(at, publish, content)?;
        let is_refused = self.memory.is_exhausted();
        if let Some(connection) = self.connections.get_mut(&at.connection)
            && !connection.is_publisher
        {
            connection.is_publisher = true;
            if let Some(reason) = self.alarm {
                connection.is_blocked = true;
                self.outbox.push(Output::Blocked { connection: at.connection, reason: Some(reason) });
            }
        }
        let channel = self.channel(at)?;
        channel.published += 1;
        match &mut channel.mode {
            Mode::Confirm(_) if is_refused => self.confirm(at, Fate::Refused),
            _ if is_refused => {
                return no(ReplyCode::ResourceError, "low on memory: this publisher did not wait");
            }
            Mode::Transaction(transaction) => {
                let message = staged.message.clone();
                transaction.publishes.push(staged);
                self.memory.hold(&message, 1);
            }
            Mode::Confirm(_) => {
                let fate = self.relay(at, &staged, true);
                self.confirm(at, fate);
            }
            Mode::Plain => drop(self.relay(at, &staged, false)),
        }
        Ok(())
    }

    /// Routes a message and puts it into the queues it reaches; returns it if it is mandatory and reaches none.
    pub(super) fn relay(&mut self, at: At, staged: &Staged, is_confirmed: bool) -> Fate {
        let Some(host) = self.connections.get(&at.connection).map(|connection| connection.host) else {
            return Fate::Refused;
        };
        let queues = self.route(host, &staged.message, &staged.more_keys);
        let vhost = &self.hosts[host].name;
        self.events.record(vhost, staged.message.id, "published", |event| {
            event.exchange = Some(staged.message.exchange.clone());
            event.routing_key = Some(staged.message.routing_key.clone());
            event.connection = Some(at.connection.0);
        });
        if queues.is_empty() {
            self.events.record(vhost, staged.message.id, "unroutable", |event| {
                event.exchange = Some(staged.message.exchange.clone());
            });
        }
        if queues.is_empty() && staged.is_mandatory {
            let message = staged.message.clone();
            self.outbox.push(Output::Return { connection: at.connection, channel: at.channel, message });
        }
        self.enqueue(&Entry::new(staged.message.clone()), &queues, is_confirmed, at.now)
    }

    /// The queues that a message reaches.
    pub(super) fn route(&mut self, host: usize, message: &Message, more_keys: &[Box<str>]) -> Vec<QueueKey> {
        let mut queues = Vec::new();
        let first = [&*message.routing_key];
        let all: Vec<&str>;
        let keys = if more_keys.is_empty() {
            &first[..]
        } else {
            all = first.into_iter().chain(more_keys.iter().map(|key| &**key)).collect();
            &all
        };
        let route = Route::new(&message.exchange, keys, &message.content);
        walk::route(&self.hosts[host], &mut self.exchanges, &route, &mut queues);
        queues
    }

    /// Puts a message at the end of these queues. Where it finds no place, its publisher or the first of the queue pays for it.
    pub(super) fn enqueue(&mut self, new: &Entry, queues: &[QueueKey], is_confirmed: bool, now: Now) -> Fate {
        let message = new.message.clone();
        let is_written = message.is_persistent && self.outbox.is_durable();
        let cannot_write = is_written && (self.outbox.has_failed() || self.memory.is_disk_full());
        let logs = |queue: &QueueKey| self.queues.get(*queue).is_some_and(|queue| queue.log.is_some());
        if cannot_write && is_confirmed && queues.iter().any(logs) {
            return Fate::Refused;
        }
        let (mut placed, mut logged, mut expires, mut is_refused) = (0, Vec::new(), None::<Duration>, false);
        for key in queues {
            let Some(queue) = self.queues.get_mut(*key) else { continue };
            if queue.refuses(&message) {
                is_refused = true;
                queue.counters.refused += 1;
                self.refuse(*key, new);
                continue;
            }
            placed += 1;
            self.events.record(&self.hosts[queue.host].name, message.id, "routed", |event| {
                event.queue = Some(queue.name.clone());
            });
            let mut entry = new.clone();
            if let Some(log) = queue.log.filter(|_| is_written && self.outbox.can_log()) {
                entry.is_logged = true;
                logged.push(log);
                if message.id.0 > queue.delivered_up_to && !queue.consumers.is_empty() {
                    queue.delivered_up_to = message.id.0 + AHEAD;
                    self.outbox
                        .append(Record::Delivered { queue: log, up_to: MessageId(queue.delivered_up_to) });
                }
            }
            if queue.stream.is_some() {
                self.append_to_stream(*key, entry, now);
                continue;
            }
            if let Some(wait) = queue.time_to_live(&message) {
                entry.expires = Some(now.instant + wait);
                if entry.is_logged {
                    expires = Some(expires.map_or(wait, |other| other.min(wait)));
                }
            }
            let has_deadline = entry.expires.is_some();
            queue.push(entry);
            if has_deadline {
                self.set_timer(*key);
            }
        }
        self.memory.hold(&message, placed);
        let record = self.log(message, logged, expires.map(|wait| now.unix + wait));
        for key in queues {
            self.cut(*key, now);
            self.list(*key);
        }
        if is_refused { Fate::Refused } else { Fate::Safe(record) }
    }

    fn log(
        &mut self,
        message: Arc<Message>,
        queues: Vec<QueueId>,
        expires: Option<Duration>,
    ) -> RecordNumber {
        if queues.is_empty() {
            return RecordNumber(0);
        }
        let expires = expires.map(|expires| u64::try_from(expires.as_millis()).unwrap_or(u64::MAX));
        self.outbox.append(Record::Message { message, queues: queues.into(), expires })
    }

    /// A queue has no place for a new message.
    fn refuse(&mut self, key: QueueKey, new: &Entry) {
        let Some(queue) = self.queues.get_mut(key) else { return };
        if queue.options.overflow == Overflow::RejectPublishDeadLetter
            && let Some(letter) = DeadLetter::of(queue, new.clone(), Reason::MaxLength)
        {
            queue.counters.dead_lettered += 1;
            self.memory.hold(&new.message, 1);
            self.dead_letters.push_back(letter.unlogged());
        }
    }

    /// Takes from the front what is too much.
    fn cut(&mut self, key: QueueKey, now: Now) {
        while let Some(queue) = self.queues.get_mut(key) {
            let (log, max_bytes, max_age) = (queue.log, queue.options.max_bytes, queue.options.max_age);
            if let Some(stream) = &mut queue.stream {
                let Some(entry) = stream.pop_old(max_bytes, max_age, now.unix) else { return };
                self.forget(log, &entry);
            } else {
                let Some(entry) = queue.pop_overflow() else { return };
                queue.counters.overflowed += 1;
                self.bury(key, entry, Reason::MaxLength);
            }
        }
    }

    /// One more publish is decided.
    pub(super) fn confirm(&mut self, at: At, fate: Fate) {
        let Ok(channel) = self.channel(at) else { return };
        let Mode::Confirm(confirms) = &mut channel.mode else { return };
        confirms.push(fate);
        match fate {
            Fate::Safe(record) if !self.outbox.is_synced(record) => {
                self.outbox.wait(record, Waiting::Channel(at.connection, at.channel));
            }
            _ => self.send_confirms(at.connection, at.channel),
        }
    }

    /// Sends the confirms that wait for nothing any more.
    pub(super) fn send_confirms(&mut self, connection: PeerId, channel: u16) {
        let known = self.connections.get_mut(&connection).and_then(|known| known.channels.get_mut(&channel));
        let Some(Mode::Confirm(confirms)) = known.map(|channel| &mut channel.mode) else { return };
        while let Some(confirm) = confirms.next(self.outbox.synced(), self.outbox.has_failed()) {
            let (delivery_tag, multiple) = (confirm.tag, confirm.is_multiple);
            let method = match confirm.is_positive {
                true => basic::AMQPMethod::Ack(basic::Ack { delivery_tag, multiple }),
                false => basic::AMQPMethod::Nack(basic::Nack { delivery_tag, multiple, requeue: false }),
            };
            self.outbox.method(connection, channel, AMQPClass::Basic(method));
        }
    }
}
