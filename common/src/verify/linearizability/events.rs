//! Beginnings and returns of calls by time, in a list from which a call is crossed out and put back in constant time.
//!
//! The list is Knuth's dancing links: whoever is crossed out still knows its neighbours, and as choices are taken back in
//! reverse order, they are its neighbours again when it comes back.

use crate::verify::history::Call;

/// What is at a place of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The call with this index begins.
    Call(usize),
    /// It returns.
    Return(usize),
    /// Behind the last event.
    End,
}

/// The list. Its nodes are numbered by time from 1; node 0 is its end, which is also before its front.
pub struct Events {
    nodes: Vec<Node>,
    /// Of each call the node of its beginning, and of its return if it has one.
    of_call: Vec<(usize, Option<usize>)>,
}

#[derive(Clone, Copy)]
struct Node {
    event: Event,
    before: usize,
    after: usize,
}

impl Events {
    pub fn of<O, A>(calls: &[Call<O, A>]) -> Events {
        let mut timed = Vec::new();
        for (index, call) in calls.iter().enumerate() {
            timed.push((call.called, 0, Event::Call(index)));
            timed.extend(call.returned.as_ref().map(|(at, _)| (*at, 1, Event::Return(index))));
        }
        // At one moment, beginnings before returns: calls that touch overlap.
        timed.sort_by_key(|&(at, kind, _)| (at, kind));

        let count = timed.len() + 1;
        let mut of_call = vec![(0, None); calls.len()];
        let mut nodes = vec![Node { event: Event::End, before: count - 1, after: 1 % count }];
        for (index, (_, _, event)) in timed.into_iter().enumerate() {
            let node = index + 1;
            match event {
                Event::Call(call) => of_call[call].0 = node,
                Event::Return(call) => of_call[call].1 = Some(node),
                Event::End => {}
            }
            nodes.push(Node { event, before: index, after: (node + 1) % count });
        }
        Events { nodes, of_call }
    }

    pub fn front(&self) -> usize {
        self.nodes[0].after
    }

    pub fn after(&self, node: usize) -> usize {
        self.nodes[node].after
    }

    pub fn at(&self, node: usize) -> Event {
        self.nodes[node].event
    }

    /// The place in time among all events, crossed out or not.
    pub fn place(&self, node: usize) -> usize {
        node
    }

    pub fn beginning(&self, call: usize) -> usize {
        self.of_call[call].0
    }

    pub fn cross_out(&mut self, call: usize) {
        let (beginning, returned) = self.of_call[call];
        for node in [Some(beginning), returned].into_iter().flatten() {
            let Node { before, after, .. } = self.nodes[node];
            self.nodes[before].after = after;
            self.nodes[after].before = before;
        }
    }

    /// Undoes the last `cross_out` that is not undone.
    pub fn put_back(&mut self, call: usize) {
        let (beginning, returned) = self.of_call[call];
        for node in [returned, Some(beginning)].into_iter().flatten() {
            let Node { before, after, .. } = self.nodes[node];
            self.nodes[before].after = node;
            self.nodes[after].before = node;
        }
    }
}
