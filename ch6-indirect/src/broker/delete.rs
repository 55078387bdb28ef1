//! What goes: exchanges, queues, bindings, and all that goes with them.

use super::arguments::Arguments;
use super::binding::{Binding, Destination};
use super::commands::{Done, Right, no};
use super::keys::{ConsumerKey, ExchangeKey, QueueKey};
use super::output::{Definition, Record};
use super::{At, Broker};
use crate::amqp::exception::ReplyCode;
use crate::amqp::{AMQPClass, basic, exchange, queue};

impl Broker {
    pub(super) fn exchange_delete(&mut self, at: At, delete: &exchange::Delete) -> Done {
        let name = delete.exchange.as_str();
        if name.is_empty() {
            return no(ReplyCode::AccessRefused, "operation not permitted on the default exchange");
        }
        self.check(at, Right::Configure, "exchange", name)?;
        if name.starts_with("amq.") {
            let what = self.named(at, "exchange", name);
            return no(ReplyCode::AccessRefused, format_args!("deletion of system {what} not allowed"));
        }
        let key = self.hosts[self.connection(at)?.host].exchange(name);
        if let Some((key, there)) = key.and_then(|key| Some((key, self.exchanges.get(key)?))) {
            if delete.if_unused && !there.bindings.is_empty() {
                return no(
                    ReplyCode::PreconditionFailed,
                    format_args!("{} in use", self.named(at, "exchange", name)),
                );
            }
            self.delete_exchange(key);
        }
        if !delete.nowait {
            self.answer(at, AMQPClass::Exchange(exchange::AMQPMethod::DeleteOk(exchange::DeleteOk {})));
        }
        Ok(())
    }

    pub(super) fn queue_delete(&mut self, at: At, delete: &queue::Delete) -> Done {
        let name = self.queue_name(at, delete.queue.as_str())?;
        self.check(at, Right::Configure, "queue", &name)?;
        let mut message_count = 0;
        if self.hosts[self.connection(at)?.host].queue(&name).is_some() {
            let key = self.queue_named(at, &name)?;
            let what = || self.named(at, "queue", &name);
            if let Some(queue) = self.queues.get(key) {
                if delete.if_unused && !queue.consumers.is_empty() {
                    return no(ReplyCode::PreconditionFailed, format_args!("{} in use", what()));
                }
                if delete.if_empty && queue.len() > 0 {
                    return no(ReplyCode::PreconditionFailed, format_args!("{} not empty", what()));
                }
            }
            message_count = self.delete_queue(key);
        }
        if !delete.nowait {
            let message_count = u32::try_from(message_count).unwrap_or(u32::MAX);
            self.answer(at, AMQPClass::Queue(queue::AMQPMethod::DeleteOk(queue::DeleteOk { message_count })));
        }
        Ok(())
    }

    pub(super) fn purge(&mut self, at: At, purge: &queue::Purge) -> Done {
        let name = self.queue_name(at, purge.queue.as_str())?;
        self.check(at, Right::Read, "queue", &name)?;
        let key = self.queue_named(at, &name)?;
        let mut message_count = 0;
        if let Some(queue) = self.queues.get_mut(key) {
            if queue.stream.is_some() {
                let what = self.named(at, "queue", &name);
                return no(
                    ReplyCode::NotImplemented,
                    format_args!("queue.purge not supported by stream queues {what}"),
                );
            }
            let log = queue.log;
            let mut ready = std::mem::take(&mut queue.ready);
            while let Some(entry) = ready.pop() {
                message_count += 1;
                self.forget(log, &entry);
            }
            if let Some(queue) = self.queues.get_mut(key) {
                queue.counters.purged += u64::from(message_count);
                queue.ready = ready;
            }
        }
        if !purge.nowait {
            self.answer(at, AMQPClass::Queue(queue::AMQPMethod::PurgeOk(queue::PurgeOk { message_count })));
        }
        Ok(())
    }

    pub(super) fn unbind_exchange(&mut self, at: At, unbind: exchange::Unbind) -> Done {
        let (source, name) = (unbind.source.as_str(), unbind.destination.as_str());
        self.check_binding(at, "exchange", source, name)?;
        let destination = self.hosts[self.connection(at)?.host].exchange(name).map(Destination::Exchange);
        self.unbind(at, source, destination, unbind.routing_key.as_str(), &Arguments(unbind.arguments))?;
        if !unbind.nowait {
            self.answer(at, AMQPClass::Exchange(exchange::AMQPMethod::UnbindOk(exchange::UnbindOk {})));
        }
        Ok(())
    }

    pub(super) fn unbind_queue(&mut self, at: At, unbind: queue::Unbind) -> Done {
        let name = self.queue_name(at, unbind.queue.as_str())?;
        let source = unbind.exchange.as_str();
        self.check_binding(at, "queue", source, &name)?;
        let is_there = self.hosts[self.connection(at)?.host].queue(&name).is_some();
        let destination = is_there.then(|| self.queue_named(at, &name)).transpose()?.map(Destination::Queue);
        self.unbind(at, source, destination, unbind.routing_key.as_str(), &Arguments(unbind.arguments))?;
        self.answer(at, AMQPClass::Queue(queue::AMQPMethod::UnbindOk(queue::UnbindOk {})));
        Ok(())
    }

    /// Takes a binding away. One that is not there, or whose ends are not there, is gone already.
    fn unbind(
        &mut self,
        at: At,
        source: &str,
        destination: Option<Destination>,
        key: &str,
        arguments: &Arguments,
    ) -> Done {
        let from = self.hosts[self.connection(at)?.host].exchange(source);
        if let (Some(from), Some(destination)) = (from, destination) {
            self.remove_binding(from, &Binding::new(destination, key, arguments));
            self.delete_unused();
        }
        Ok(())
    }

    /// Takes a binding away, and its source, too, if that goes with its last binding.
    fn remove_binding(&mut self, from: ExchangeKey, binding: &Binding) {
        let Some(exchange) = self.exchanges.get_mut(from) else { return };
        if !exchange.unbind(binding) {
            return;
        }
        let is_over = exchange.is_auto_delete && exchange.bindings.is_empty();
        let sources = self.sources(binding.destination);
        if let Some(count) = sources.get_mut(&from) {
            *count -= 1;
            if *count == 0 {
                sources.remove(&from);
            }
        }
        self.define_binding(from, binding, false);
        if is_over {
            self.unused.push(from);
        }
    }

    /// Deletes the exchanges that lost their last binding. One may follow from another, so this is a loop and not a call in a call.
    fn delete_unused(&mut self) {
        while let Some(key) = self.unused.pop() {
            self.delete_one(key);
        }
    }

    /// Takes away all bindings to a destination that goes.
    fn remove_bindings_to(&mut self, destination: Destination) {
        let sources: Vec<ExchangeKey> = self.sources(destination).keys().copied().collect();
        for from in sources {
            let bindings = self
                .exchanges
                .get(from)
                .map(|exchange| exchange.bindings_to(destination))
                .unwrap_or_default();
            for binding in bindings {
                self.remove_binding(from, &binding);
            }
        }
    }

    fn delete_exchange(&mut self, key: ExchangeKey) {
        self.delete_one(key);
        self.delete_unused();
    }

    fn delete_one(&mut self, key: ExchangeKey) {
        let Some(exchange) = self.exchanges.get_mut(key) else { return };
        // What is being deleted does not delete itself once more with its last binding.
        exchange.is_auto_delete = false;
        let bindings: Vec<Binding> = exchange.bindings.iter().cloned().collect();
        for binding in bindings {
            self.remove_binding(key, &binding);
        }
        self.remove_bindings_to(Destination::Exchange(key));
        let Some(exchange) = self.exchanges.remove(key) else { return };
        let host = &mut self.hosts[exchange.host];
        host.remove_exchange(&exchange.name);
        if exchange.is_durable {
            let (vhost, name) = (host.name.to_string(), exchange.name.to_string());
            self.outbox.define(Definition::Exchange { vhost, name, exchange: None });
        }
    }

    /// Deletes a queue with all that is in it; its consumers are told. Returns how many messages were ready.
    pub(super) fn delete_queue(&mut self, key: QueueKey) -> u64 {
        if self.queues.get(key).is_none() {
            return 0;
        }
        self.remove_bindings_to(Destination::Queue(key));
        self.delete_unused();
        let Some(mut queue) = self.queues.remove(key) else { return 0 };
        let host = &mut self.hosts[queue.host];
        host.remove_queue(&queue.name);
        if let Some(log) = queue.log {
            let (vhost, name) = (host.name.to_string(), queue.name.to_string());
            self.outbox.define(Definition::Queue { vhost, name, queue: None });
            self.outbox.append(Record::Deleted { queue: log });
        }
        if let Some(timer) = queue.timer {
            self.timers.remove(&(timer, key));
        }
        if let Some(owner) = queue.owner.and_then(|owner| self.connections.get_mut(&owner)) {
            owner.exclusive.remove(&key);
        }
        for consumer in queue.consumers.all() {
            self.cancel_orphan(*consumer);
        }
        let count = queue.len();
        while let Some(entry) = queue.ready.pop() {
            self.memory.release(&entry.message);
        }
        while let Some(entry) = queue.stream.as_mut().and_then(|stream| stream.pop()) {
            self.memory.release(&entry.message);
        }
        count
    }

    /// The queue of this consumer is gone: the client is told by `basic.cancel`.
    fn cancel_orphan(&mut self, key: ConsumerKey) {
        let Some(consumer) = self.consumers.remove(key) else { return };
        let connection = self.connections.get_mut(&consumer.connection);
        let Some(channel) = connection.and_then(|connection| connection.channels.get_mut(&consumer.channel))
        else {
            return;
        };
        channel.parked.remove(&key);
        channel.consumers.remove(&consumer.tag);
        let cancel = basic::Cancel { consumer_tag: (*consumer.tag).into(), nowait: true };
        self.outbox.method(
            consumer.connection,
            consumer.channel,
            AMQPClass::Basic(basic::AMQPMethod::Cancel(cancel)),
        );
    }
}
