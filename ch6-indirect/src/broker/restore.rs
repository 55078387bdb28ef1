//! What the store has kept: definitions, and then messages.

use std::collections::HashMap;

use super::arguments::Arguments;
use super::binding::{Binding, Destination};
use super::exchange::Exchange;
use super::keys::QueueKey;
use super::options::{Options, Properties};
use super::output::{BindingDefinition, Definition, ExchangeDefinition, QueueDefinition, QueueId};
use super::queue::Queue;
use super::ready::Entry;
use super::recovered::RecoveredMessage;
use super::routing::Kind;
use super::{Broker, Now};

impl Broker {
    /// Exchanges and queues first, as bindings stand between them.
    pub(super) fn restore_definitions(&mut self, definitions: Vec<Definition>, now: Now) {
        let mut bindings = Vec::new();
        for definition in definitions {
            match definition {
                Definition::Exchange { vhost, name, exchange: Some(exchange) } => {
                    self.restore_exchange(&vhost, &name, &exchange);
                }
                Definition::Queue { vhost, name, queue: Some(queue) } => {
                    self.restore_queue(&vhost, &name, &queue, now);
                }
                Definition::Binding { binding, exists: true } => bindings.push(binding),
                _ => {}
            }
        }
        for binding in bindings {
            self.restore_binding(&binding);
        }
    }

    fn restore_exchange(&mut self, vhost: &str, name: &str, exchange: &ExchangeDefinition) {
        let host = self.host(vhost);
        let Some(kind) = Kind::named(&exchange.kind).filter(|_| self.hosts[host].exchange(name).is_none())
        else {
            return;
        };
        let arguments = Arguments::from_wire(&exchange.arguments);
        let alternate = arguments.text("alternate-exchange").ok().flatten().map(Box::from);
        let restored = Exchange {
            is_auto_delete: exchange.auto_delete,
            is_internal: exchange.internal,
            alternate,
            arguments,
            ..Exchange::new(name.into(), host, kind)
        };
        self.hosts[host].add_exchange(restored, &mut self.exchanges);
    }

    fn restore_queue(&mut self, vhost: &str, name: &str, definition: &QueueDefinition, now: Now) {
        let host = self.host(vhost);
        self.last_queue = self.last_queue.max(definition.id.0);
        if self.hosts[host].queue(name).is_some() {
            return;
        }
        let arguments = Arguments::from_wire(&definition.arguments);
        let properties = Properties { durable: true, exclusive: false, auto_delete: definition.auto_delete };
        let options = Options::read(&arguments, properties, name).unwrap_or_default();
        let mut queue = Queue::new(name.into(), host, arguments, options, now);
        queue.is_auto_delete = definition.auto_delete;
        queue.log = Some(definition.id);
        self.add_queue(queue);
    }

    fn restore_binding(&mut self, definition: &BindingDefinition) {
        let host = self.host(&definition.vhost);
        let host = &self.hosts[host];
        let to = definition.destination.as_str();
        let destination = match definition.to_queue {
            true => host.queue(to).map(Destination::Queue),
            false => host.exchange(to).map(Destination::Exchange),
        };
        let (Some(from), Some(destination)) = (host.exchange(&definition.source), destination) else {
            return;
        };
        let arguments = Arguments::from_wire(&definition.arguments);
        let binding = Binding::new(destination, &definition.routing_key, &arguments);
        if self.exchanges.get_mut(from).is_some_and(|exchange| exchange.bind(binding) == Ok(true)) {
            *self.sources(destination).entry(from).or_default() += 1;
        }
    }

    /// Messages stand in the order in which they came. What may have been delivered is delivered again, and says so.
    pub(super) fn restore_messages(&mut self, messages: Vec<RecoveredMessage>, now: Now) {
        let known = self.queues.iter().filter_map(|(key, queue)| Some((queue.log?, key)));
        let queues: HashMap<QueueId, QueueKey> = known.collect();
        for recovered in messages {
            let mut placed = 0;
            self.last_message = self.last_message.max(recovered.message.id.0);
            for (id, deliveries, may_have_been_delivered) in &recovered.queues {
                let Some((key, queue)) =
                    queues.get(id).and_then(|key| Some((*key, self.queues.get_mut(*key)?)))
                else {
                    continue;
                };
                placed += 1;
                let mut entry = Entry {
                    is_logged: true,
                    deliveries: *deliveries,
                    is_redelivered: *may_have_been_delivered || *deliveries > 0,
                    ..Entry::new(recovered.message.clone())
                };
                entry.is_dead_letter = true;
                if queue.stream.is_some() {
                    self.append_to_stream(key, entry, now);
                    continue;
                }
                if let Some(expires) = recovered.expires {
                    let left = std::time::Duration::from_millis(expires).saturating_sub(now.unix);
                    entry.expires = now.instant.checked_add(left);
                }
                queue.push(entry);
                self.set_timer(key);
            }
            self.memory.hold(&recovered.message, placed);
        }
        self.sound_alarm();
    }
}
