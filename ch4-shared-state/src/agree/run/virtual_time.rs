//! No socket, no clock, no thread: from one event to the next.

use std::time::Duration;

use common::netem::{Direction, Profile, Wire};

use crate::agree::node::Node;

/// Runs until all are done, or the time is over.
pub fn in_virtual_time(mut nodes: Vec<Node>, profile: &Profile, seed: u64, end: Duration) -> Vec<Node> {
    let count = nodes.len();
    let mut wires: Vec<Wire> = (0..count * count)
        .map(|flow| Wire::new(profile.clone(), seed, flow as u64, Direction::Up)) // from flow / count to flow % count
        .collect();
    let mut now = Duration::ZERO;
    while now < end && !nodes.iter().all(Node::is_done) {
        for (flow, wire) in wires.iter_mut().enumerate() {
            while let Some(datagram) = wire.arrive(now) {
                nodes[flow % count].handle_datagram(now, &datagram);
            }
        }
        for (from, node) in nodes.iter_mut().enumerate() {
            node.handle_timeout(now);
            while let Some((to, datagram)) = node.poll_transmit(now) {
                wires[from * count + to].send(now, datagram);
            }
        }
        let arrivals = wires.iter().filter_map(Wire::next_arrival);
        let next = arrivals.chain(nodes.iter().filter_map(Node::deadline)).min();
        // Something that is due now is done, unless it makes no progress: then time must not stand still.
        now = next.unwrap_or(end).max(now + Duration::from_nanos(1));
    }
    nodes
}
