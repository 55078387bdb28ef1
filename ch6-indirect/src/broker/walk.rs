//! The walk of a message from exchange to exchange, until it has found its queues.

use std::collections::BTreeSet;

use super::arena::Arena;
use super::binding::Destination;
use super::exchange::Exchange;
use super::keys::{OfExchange, QueueKey};
use super::routing::Route;
use super::vhost::VirtualHost;

/// The queues that a message reaches from an exchange, each once: over other exchanges, and over alternate exchanges where one
/// finds nothing.
pub fn route(
    host: &VirtualHost,
    exchanges: &mut Arena<Exchange, OfExchange>,
    route: &Route<'_>,
    queues: &mut Vec<QueueKey>,
) {
    let Some(first) = host.exchange(route.exchange) else { return };
    let (mut next, mut walk, mut found, mut seen) = (Some(first), Vec::new(), Vec::new(), BTreeSet::new());
    while let Some(at) = next {
        found.clear();
        let Some(exchange) = exchanges.get_mut(at) else { break };
        exchange.published += 1;
        if exchange.name.is_empty() {
            found.extend(route.keys.iter().filter_map(|key| host.queue(key)).map(Destination::Queue));
        } else {
            for key in route.keys {
                exchange.router.find(key, route, &mut found);
            }
        }
        if found.is_empty() {
            let alternate = exchange.alternate.as_ref().and_then(|name| host.exchange(name));
            found.extend(alternate.map(Destination::Exchange));
        } else {
            exchange.routed += 1;
        }
        for destination in &found {
            match *destination {
                Destination::Queue(queue) => queues.push(queue),
                Destination::Exchange(exchange) => {
                    if exchange != first && seen.insert(exchange) {
                        walk.push(exchange);
                    }
                }
            }
        }
        next = walk.pop();
    }
    if queues.len() > 1 {
        queues.sort_unstable();
        queues.dedup();
    }
}
