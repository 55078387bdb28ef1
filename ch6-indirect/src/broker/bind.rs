//! `exchange.bind` and `queue.bind`.

use std::collections::BTreeMap;

use super::arguments::Arguments;
use super::binding::{Binding, Destination};
use super::commands::{Done, Right, no};
use super::keys::ExchangeKey;
use super::output::{BindingDefinition, Definition};
use super::{At, Broker};
use crate::amqp::exception::{Exception, ReplyCode};
use crate::amqp::{AMQPClass, exchange, queue};

impl Broker {
    pub(super) fn bind_exchange(&mut self, at: At, bind: exchange::Bind) -> Done {
        let (source, name) = (bind.source.as_str(), bind.destination.as_str());
        self.check_binding(at, "exchange", source, name)?;
        let destination = Destination::Exchange(self.exchange_named(at, name)?);
        self.bind(at, source, destination, bind.routing_key.as_str(), &Arguments(bind.arguments))?;
        if !bind.nowait {
            self.answer(at, AMQPClass::Exchange(exchange::AMQPMethod::BindOk(exchange::BindOk {})));
        }
        Ok(())
    }

    pub(super) fn bind_queue(&mut self, at: At, bind: queue::Bind) -> Done {
        let name = self.queue_name(at, bind.queue.as_str())?;
        let key = if bind.queue.as_str().is_empty() && bind.routing_key.as_str().is_empty() {
            &*name
        } else {
            bind.routing_key.as_str()
        };
        let source = bind.exchange.as_str();
        self.check_binding(at, "queue", source, &name)?;
        let destination = Destination::Queue(self.queue_named(at, &name)?);
        self.bind(at, source, destination, key, &Arguments(bind.arguments))?;
        if !bind.nowait {
            self.answer(at, AMQPClass::Queue(queue::AMQPMethod::BindOk(queue::BindOk {})));
        }
        Ok(())
    }

    /// May this user bind these two, and may anybody?
    pub(super) fn check_binding(&self, at: At, kind: &str, source: &str, destination: &str) -> Done {
        if source.is_empty() || kind == "exchange" && destination.is_empty() {
            return no(ReplyCode::AccessRefused, "operation not permitted on the default exchange");
        }
        self.check(at, Right::Write, kind, destination)?;
        self.check(at, Right::Read, "exchange", source)
    }

    fn bind(
        &mut self,
        at: At,
        source: &str,
        destination: Destination,
        key: &str,
        arguments: &Arguments,
    ) -> Done {
        let from = self.exchange_named(at, source)?;
        let binding = Binding::new(destination, key, arguments);
        let Some(exchange) = self.exchanges.get_mut(from) else { return Ok(()) };
        let is_new = exchange
            .bind(binding.clone())
            .map_err(|why| Exception::new(ReplyCode::PreconditionFailed, why))?;
        if is_new {
            *self.sources(destination).entry(from).or_default() += 1;
            self.define_binding(from, &binding, true);
        }
        Ok(())
    }

    /// The table of exchanges with bindings to a destination.
    pub(super) fn sources(&mut self, destination: Destination) -> &mut BTreeMap<ExchangeKey, u32> {
        match destination {
            Destination::Queue(key) => {
                &mut self.queues.get_mut(key).expect("a binding's destination is there").sources
            }
            Destination::Exchange(key) => {
                &mut self.exchanges.get_mut(key).expect("a binding's destination is there").sources
            }
        }
    }

    /// Writes a binding down, if both ends survive a restart.
    pub(super) fn define_binding(&mut self, from: ExchangeKey, binding: &Binding, exists: bool) {
        let Some(source) = self.exchanges.get(from).filter(|source| source.is_durable) else { return };
        let (name, to_queue, is_durable) = match binding.destination {
            Destination::Queue(key) => match self.queues.get(key) {
                Some(queue) => (&queue.name, true, queue.log.is_some()),
                None => return,
            },
            Destination::Exchange(key) => match self.exchanges.get(key) {
                Some(exchange) => (&exchange.name, false, exchange.is_durable),
                None => return,
            },
        };
        if is_durable {
            let binding = BindingDefinition {
                vhost: self.hosts[source.host].name.to_string(),
                source: source.name.to_string(),
                destination: name.to_string(),
                to_queue,
                routing_key: binding.key.to_string(),
                arguments: binding.arguments().wire(),
            };
            self.outbox.define(Definition::Binding { binding, exists });
        }
    }
}
