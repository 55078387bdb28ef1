//! `basic.*` of consumers: qos, consume, cancel, get.

use std::sync::Arc;

use super::accept::REPLY_TO;
use super::arguments::Arguments;
use super::channel::Settlement;
use super::channel::Unacknowledged;
use super::commands::{Done, Right, no};
use super::consumer::Consumer;
use super::deliver::{count_delivery, delivery_count};
use super::keys::{ConsumerKey, QueueKey};
use super::options::{Kind, Options};
use super::outbox::Waiting;
use super::output::{Output, RecordNumber};
use super::queue::Queue;
use super::settle::Tags;
use super::stream::Start;
use super::{At, Broker};
use crate::amqp::command::Content;
use crate::amqp::exception::{Exception, ReplyCode};
use crate::amqp::{AMQPClass, basic};

impl Broker {
    pub(super) fn basic_method(
        &mut self,
        at: At,
        method: basic::AMQPMethod,
        content: Option<Content>,
    ) -> Done {
        match method {
            basic::AMQPMethod::Publish(publish) => self.publish(at, &publish, content),
            basic::AMQPMethod::Qos(qos) => self.qos(at, &qos),
            basic::AMQPMethod::Consume(consume) => self.consume(at, consume),
            basic::AMQPMethod::Cancel(cancel) => self.cancel(at, cancel),
            basic::AMQPMethod::Get(get) => {
                self.check_get(at, &get)?;
                self.get(at, &get)
            }
            basic::AMQPMethod::Ack(ack) => self.settle(
                at,
                Tags { tag: ack.delivery_tag, is_multiple: ack.multiple },
                Settlement::Acknowledged,
            ),
            basic::AMQPMethod::Nack(nack) => {
                let settlement = if nack.requeue { Settlement::Requeued } else { Settlement::Rejected };
                self.settle(at, Tags { tag: nack.delivery_tag, is_multiple: nack.multiple }, settlement)
            }
            basic::AMQPMethod::Reject(reject) => {
                let settlement = if reject.requeue { Settlement::Requeued } else { Settlement::Rejected };
                self.settle(at, Tags { tag: reject.delivery_tag, is_multiple: false }, settlement)
            }
            basic::AMQPMethod::Recover(recover) => {
                self.recover(at, recover.requeue)?;
                self.answer(at, AMQPClass::Basic(basic::AMQPMethod::RecoverOk(basic::RecoverOk {})));
                Ok(())
            }
            basic::AMQPMethod::RecoverAsync(recover) => self.recover(at, recover.requeue),
            _ => no(ReplyCode::CommandInvalid, "a server does not take this method"),
        }
    }

    /// Prefetch: of each new consumer, or (`global`) of all of the channel together.
    fn qos(&mut self, at: At, qos: &basic::Qos) -> Done {
        let channel = self.channel(at)?;
        if qos.global {
            channel.shared_prefetch = qos.prefetch_count.into();
        } else {
            channel.prefetch = qos.prefetch_count.into();
        }
        self.unpark_channel(at.connection, at.channel);
        self.answer(at, AMQPClass::Basic(basic::AMQPMethod::QosOk(basic::QosOk {})));
        Ok(())
    }

    fn consume(&mut self, at: At, consume: basic::Consume) -> Done {
        let given = consume.consumer_tag.as_str();
        let tag: Arc<str> = if given.is_empty() { self.fresh_name("amq.ctag-").into() } else { given.into() };
        if self.channel(at)?.consumers.contains_key(&tag) {
            return no(ReplyCode::NotAllowed, format_args!("attempt to reuse consumer tag '{tag}'"));
        }
        let arguments = Arguments(consume.arguments);
        let queue = match consume.queue.as_str() {
            REPLY_TO => self.reply_queue(at, consume.no_ack)?,
            name => {
                let name = self.queue_name(at, name)?;
                self.check(at, Right::Read, "queue", &name)?;
                let key = self.queue_named(at, &name)?;
                self.check_consume(at, key, &name, consume.exclusive, consume.no_ack)?;
                key
            }
        };
        let priority = arguments.integer("x-priority").map_err(|why| {
            Exception::new(
                ReplyCode::PreconditionFailed,
                format!("invalid arg 'x-priority' for consumer '{tag}': {why}"),
            )
        })?;
        let start = Start::read(&arguments, at.now.unix)
            .map_err(|why| Exception::new(ReplyCode::PreconditionFailed, why))?;
        let prefetch = self.channel(at)?.prefetch;
        let consumer = Consumer {
            tag: tag.clone(),
            queue,
            connection: at.connection,
            channel: at.channel,
            is_automatic: consume.no_ack,
            is_exclusive: consume.exclusive,
            priority: priority.unwrap_or(0).clamp(i32::MIN.into(), i32::MAX.into()) as i32,
            prefetch,
            unacknowledged: 0,
            is_parked: false,
            offset: self
                .queues
                .get(queue)
                .and_then(|queue| queue.stream.as_ref())
                .map_or(0, |stream| stream.offset(start)),
        };
        let priority = consumer.priority;
        let key = self.consumers.insert(consumer);
        if let Some(queue) = self.queues.get_mut(queue) {
            queue.consumers.join(key, priority, queue.options.single_active);
        }
        self.channel(at)?.consumers.insert(tag.clone(), key);
        if !consume.nowait {
            let ok = basic::ConsumeOk { consumer_tag: (*tag).into() };
            self.answer(at, AMQPClass::Basic(basic::AMQPMethod::ConsumeOk(ok)));
        }
        self.list(queue);
        Ok(())
    }

    fn check_consume(&mut self, at: At, key: QueueKey, name: &str, is_exclusive: bool, no_ack: bool) -> Done {
        let channel = self.channel(at)?;
        let (prefetch, has_shared) = (channel.prefetch, channel.shared_prefetch > 0);
        let Some(queue) = self.queues.get(key) else { return Ok(()) };
        let first = queue.consumers.all().first().and_then(|first| self.consumers.get(*first));
        let what = || self.named(at, "queue", name);
        if first.is_some_and(|first| is_exclusive || first.is_exclusive) {
            return no(ReplyCode::AccessRefused, format_args!("{} in exclusive use", what()));
        }
        let kind = queue.options.kind;
        if kind == Kind::Stream && prefetch == 0 {
            return no(
                ReplyCode::PreconditionFailed,
                format_args!("consumer prefetch count is not set for stream {}", what()),
            );
        }
        if kind == Kind::Stream && no_ack {
            return no(
                ReplyCode::NotImplemented,
                format_args!("automatic acknowledgement not supported by stream {}", what()),
            );
        }
        if kind != Kind::Classic && has_shared {
            return no(ReplyCode::NotImplemented, format_args!("{} does not support global qos", what()));
        }
        Ok(())
    }

    /// The queue behind a consumer of `amq.rabbitmq.reply-to`: it goes with it.
    fn reply_queue(&mut self, at: At, no_ack: bool) -> Result<QueueKey, Exception> {
        if !no_ack {
            return no(ReplyCode::PreconditionFailed, "reply consumer cannot acknowledge");
        }
        if self.channel(at)?.reply_queue.is_some() {
            return no(ReplyCode::PreconditionFailed, "reply consumer already set");
        }
        let host = self.connection(at)?.host;
        let name: Arc<str> = self.fresh_name("amq.rabbitmq.reply-to.").into();
        let mut queue = Queue::new(name.clone(), host, Arguments::default(), Options::default(), at.now);
        queue.is_durable = false;
        queue.is_auto_delete = true;
        queue.is_reply = true;
        let key = self.add_queue(queue);
        self.channel(at)?.reply_queue = Some((key, name));
        Ok(key)
    }

    fn cancel(&mut self, at: At, cancel: basic::Cancel) -> Done {
        if let Some(key) = self.channel(at)?.consumers.get(cancel.consumer_tag.as_str()).copied() {
            self.leave(key, at);
        }
        if !cancel.nowait {
            let ok = basic::CancelOk { consumer_tag: cancel.consumer_tag };
            self.answer(at, AMQPClass::Basic(basic::AMQPMethod::CancelOk(ok)));
        }
        Ok(())
    }

    /// A consumer goes: its unacknowledged messages stay with the channel, its queue goes if it was the last of one that does.
    pub(super) fn leave(&mut self, key: ConsumerKey, at: At) {
        let Some(consumer) = self.consumers.get(key) else { return };
        let queue_key = consumer.queue;
        let known = self.connections.get_mut(&consumer.connection);
        if let Some(channel) = known.and_then(|known| known.channels.get_mut(&consumer.channel)) {
            channel.consumers.remove(&consumer.tag);
            channel.parked.remove(&key);
            if channel.reply_queue.as_ref().is_some_and(|(reply, _)| *reply == queue_key) {
                channel.reply_queue = None;
            }
        }
        let is_over = self.queues.get_mut(queue_key).is_some_and(|queue| {
            queue.consumers.leave(key, &self.consumers);
            if let Some(stream) = &mut queue.stream {
                stream.at_end.retain(|other| *other != key);
            }
            queue.unused_since = at.now.instant;
            queue.is_auto_delete && queue.consumers.is_empty()
        });
        self.consumers.remove(key);
        if is_over {
            self.delete_queue(queue_key);
        } else {
            self.set_timer(queue_key);
            self.list(queue_key);
        }
    }

    fn check_get(&mut self, at: At, get: &basic::Get) -> Done {
        let name = self.queue_name(at, get.queue.as_str())?;
        self.check(at, Right::Read, "queue", &name)?;
        let key = self.queue_named(at, &name)?;
        let Some(queue) = self.queues.get(key) else { return Ok(()) };
        let what = || self.named(at, "queue", &name);
        if queue.stream.is_some() {
            return no(
                ReplyCode::NotImplemented,
                format_args!("basic.get not supported by stream queues {}", what()),
            );
        }
        if queue.options.kind == Kind::Quorum && queue.options.single_active {
            return no(
                ReplyCode::ResourceLocked,
                format_args!(
                    "cannot obtain access to locked {}. basic.get operations are not supported by quorum queues with single \
                     active consumer",
                    what()
                ),
            );
        }
        Ok(())
    }

    /// The answer to `basic.get`. It waits for the log where that must know first that the message may have been delivered.
    pub(super) fn get(&mut self, at: At, get: &basic::Get) -> Done {
        let name = self.queue_name(at, get.queue.as_str())?;
        let key = self.queue_named(at, &name)?;
        self.expire(key, usize::MAX, |expires| expires < at.now.instant);
        let Some(queue) = self.queues.get_mut(key) else { return Ok(()) };
        queue.unused_since = at.now.instant;
        let Some(entry) = queue.ready.pop() else {
            self.answer(at, AMQPClass::Basic(basic::AMQPMethod::GetEmpty(basic::GetEmpty {})));
            return Ok(());
        };
        if self.must_wait(key, &entry) {
            let held_until = self.queues.get(key).map_or(RecordNumber(0), |queue| queue.held_until);
            self.put_back(key, entry);
            let get = basic::Get { queue: (*name).into(), no_ack: get.no_ack };
            let opened = self.channel(at)?.opened;
            self.outbox.wait(held_until, Waiting::Get(at.connection, at.channel, opened, get));
            return Ok(());
        }
        let Some(queue) = self.queues.get_mut(key) else { return Ok(()) };
        count_delivery(queue, &entry);
        self.events.record(&self.hosts[queue.host].name, entry.message.id, "got", |event| {
            event.queue = Some(queue.name.clone());
            event.connection = Some(at.connection.0);
        });
        let (message_count, count) = (queue.len(), delivery_count(queue, &entry));
        let log = queue.log;
        if get.no_ack {
            queue.counters.acknowledged += 1;
        } else {
            queue.unacknowledged += 1;
            queue.unacknowledged_bytes += entry.message.content.body().len() as u64;
        }
        let channel = self.channel(at)?;
        channel.last_tag += 1;
        let delivery_tag = channel.last_tag;
        if !get.no_ack {
            let unacknowledged =
                Unacknowledged { entry: entry.clone(), queue: key, consumer: None, is_copy: false };
            channel.unacknowledged.insert(delivery_tag, unacknowledged);
        }
        self.outbox.push(Output::GetOk {
            connection: at.connection,
            channel: at.channel,
            delivery_tag,
            redelivered: entry.is_redelivered,
            delivery_count: count,
            message_count: u32::try_from(message_count).unwrap_or(u32::MAX),
            message: entry.message.clone(),
        });
        if get.no_ack {
            self.forget(log, &entry);
        }
        Ok(())
    }
}
