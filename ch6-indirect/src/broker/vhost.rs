//! A virtual host: names of exchanges and queues that know nothing of those of another.

use std::collections::HashMap;
use std::sync::Arc;

use super::arena::Arena;
use super::exchange::Exchange;
use super::keys::{ExchangeKey, OfExchange, QueueKey};
use super::routing::Kind;

/// The exchanges that are always there. The default exchange has no name, and a binding to each queue by the queue's name.
const PREDECLARED: [(&str, Kind); 7] = [
    ("", Kind::Direct),
    ("amq.direct", Kind::Direct),
    ("amq.fanout", Kind::Fanout),
    ("amq.topic", Kind::Topic),
    ("amq.headers", Kind::Headers),
    ("amq.match", Kind::Headers),
    ("amq.rabbitmq.trace", Kind::Topic),
];

/// A virtual host.
#[derive(Debug)]
pub struct VirtualHost {
    pub name: Arc<str>,
    exchanges: HashMap<Arc<str>, ExchangeKey>,
    queues: HashMap<Arc<str>, QueueKey>,
}

impl VirtualHost {
    /// One with the predeclared exchanges; `index` is its own.
    pub fn new(name: &str, index: usize, exchanges: &mut Arena<Exchange, OfExchange>) -> VirtualHost {
        let mut host = VirtualHost { name: name.into(), exchanges: HashMap::new(), queues: HashMap::new() };
        for (name, kind) in PREDECLARED {
            let mut exchange = Exchange::new(name.into(), index, kind);
            exchange.is_internal = name == "amq.rabbitmq.trace";
            host.add_exchange(exchange, exchanges);
        }
        host
    }

    pub fn exchange(&self, name: &str) -> Option<ExchangeKey> {
        self.exchanges.get(name).copied()
    }

    pub fn queue(&self, name: &str) -> Option<QueueKey> {
        self.queues.get(name).copied()
    }

    pub fn add_exchange(
        &mut self,
        exchange: Exchange,
        exchanges: &mut Arena<Exchange, OfExchange>,
    ) -> ExchangeKey {
        let name = exchange.name.clone();
        let key = exchanges.insert(exchange);
        self.exchanges.insert(name, key);
        key
    }

    pub fn add_queue(&mut self, name: Arc<str>, key: QueueKey) {
        self.queues.insert(name, key);
    }

    pub fn remove_exchange(&mut self, name: &str) {
        self.exchanges.remove(name);
    }

    pub fn remove_queue(&mut self, name: &str) {
        self.queues.remove(name);
    }
}
