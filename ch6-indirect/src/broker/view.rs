//! A [`Snapshot`] of the broker.

use super::binding::Destination;
use super::channel::Mode;
use super::snapshot::{
    BindingSnapshot, ChannelSnapshot, ConsumerSnapshot, ExchangeSnapshot, QueueSnapshot, Snapshot,
};
use super::{Broker, queue::Queue};

impl Broker {
    pub(super) fn view(&self) -> Snapshot {
        let mut exchanges: Vec<ExchangeSnapshot> = Vec::new();
        let mut bindings: Vec<BindingSnapshot> = Vec::new();
        for (_, exchange) in self.exchanges.iter() {
            let vhost = self.hosts[exchange.host].name.to_string();
            for binding in &exchange.bindings {
                let name = match binding.destination {
                    Destination::Queue(key) => self.queues.get(key).map(|queue| &queue.name),
                    Destination::Exchange(key) => self.exchanges.get(key).map(|exchange| &exchange.name),
                };
                bindings.push(BindingSnapshot {
                    vhost: vhost.clone(),
                    source: exchange.name.to_string(),
                    destination: name.map(ToString::to_string).unwrap_or_default(),
                    to_queue: matches!(binding.destination, Destination::Queue(_)),
                    routing_key: binding.key.to_string(),
                    arguments: binding.arguments().json(),
                    routed: exchange.router.routed(binding),
                });
            }
            exchanges.push(ExchangeSnapshot {
                vhost,
                name: exchange.name.to_string(),
                kind: exchange.kind.name(),
                durable: exchange.is_durable,
                auto_delete: exchange.is_auto_delete,
                internal: exchange.is_internal,
                arguments: exchange.arguments.json(),
                published: exchange.published,
                routed: exchange.routed,
            });
        }
        let mut queues: Vec<QueueSnapshot> =
            self.queues.iter().map(|(_, queue)| self.queue_view(queue)).collect();
        exchanges.sort_by(|a, b| (&a.vhost, &a.name).cmp(&(&b.vhost, &b.name)));
        queues.sort_by(|a, b| (&a.vhost, &a.name).cmp(&(&b.vhost, &b.name)));
        bindings.sort_by(|a, b| {
            (&a.vhost, &a.source, &a.destination, &a.routing_key).cmp(&(
                &b.vhost,
                &b.source,
                &b.destination,
                &b.routing_key,
            ))
        });
        Snapshot {
            exchanges,
            queues,
            bindings,
            channels: self.channel_views(),
            consumers: self.consumer_views(),
            memory: (self.memory.used(), self.memory.limit()),
            alarm: self.alarm,
        }
    }

    fn queue_view(&self, queue: &Queue) -> QueueSnapshot {
        let counters = &queue.counters;
        QueueSnapshot {
            vhost: self.hosts[queue.host].name.to_string(),
            name: queue.name.to_string(),
            kind: queue.options.kind.name(),
            durable: queue.is_durable,
            auto_delete: queue.is_auto_delete,
            exclusive: queue.owner.map(|owner| owner.0),
            arguments: queue.arguments.json(),
            ready: queue.len(),
            unacknowledged: queue.unacknowledged,
            bytes: queue.bytes(),
            consumers: queue.consumers.len() as u64,
            enqueued: counters.enqueued,
            delivered: counters.delivered,
            redelivered: counters.redelivered,
            acknowledged: counters.acknowledged,
            expired: counters.expired,
            overflowed: counters.overflowed,
            dead_lettered: counters.dead_lettered,
        }
    }

    fn channel_views(&self) -> Vec<ChannelSnapshot> {
        let channels = self.connections.iter().flat_map(|(id, known)| {
            known.channels.iter().map(move |(number, channel)| (id, *number, channel))
        });
        channels
            .filter(|(_, _, channel)| !channel.is_closing)
            .map(|(connection, number, channel)| ChannelSnapshot {
                connection: connection.0,
                number,
                mode: channel.mode.name(),
                prefetch: channel.shared_prefetch,
                consumers: channel.consumers.len() as u64,
                unacknowledged: channel.unacknowledged.len() as u64,
                unconfirmed: if let Mode::Confirm(confirms) = &channel.mode {
                    confirms.len() as u64
                } else {
                    0
                },
                published: channel.published,
            })
            .collect()
    }

    fn consumer_views(&self) -> Vec<ConsumerSnapshot> {
        let all = self
            .queues
            .iter()
            .flat_map(|(_, queue)| queue.consumers.all().iter().map(move |key| (queue, *key)));
        let mut views: Vec<ConsumerSnapshot> = all
            .filter_map(|(queue, key)| Some((queue, key, self.consumers.get(key)?)))
            .map(|(queue, key, consumer)| ConsumerSnapshot {
                vhost: self.hosts[queue.host].name.to_string(),
                queue: queue.name.to_string(),
                connection: consumer.connection.0,
                channel: consumer.channel,
                tag: consumer.tag.to_string(),
                prefetch: consumer.prefetch,
                automatic: consumer.is_automatic,
                exclusive: consumer.is_exclusive,
                priority: consumer.priority,
                active: queue.consumers.is_active(key),
                unacknowledged: consumer.unacknowledged.into(),
            })
            .collect();
        views.sort_by(|a, b| (&a.vhost, &a.queue).cmp(&(&b.vhost, &b.queue)));
        views
    }
}
