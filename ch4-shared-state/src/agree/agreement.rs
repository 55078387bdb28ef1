//! Mutual exclusion by agreement (Ricart and Agrawala, *An optimal algorithm for mutual exclusion in computer networks*, 1981), sans-I/O.
//!
//! ```text
//!   request:  time + 1, and (time, me) to all                        enter: when all have replied
//!   heard:    have the pen, or want it with a smaller stamp?  yes: reply later      no: reply now
//!   release:  reply to all who wait
//! ```
//!
//! **Why never two?** Of two that want it, one has the smaller stamp, and does not reply to the other before it is done. **Why in the order of
//! the stamps?** Who has replied to a request has moved its clock on past it, so what it asks for afterwards is greater. The price: 2(n − 1)
//! messages each time, and one dead node stops all.

use std::collections::{BTreeSet, VecDeque};

/// A Lamport time, and the node for two that are equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp {
    pub time: u64,
    pub node: usize,
}

/// What nodes say to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message {
    /// May I have the pen?
    Request(Stamp),
    /// You may, as far as I am concerned: to this request.
    Reply(Stamp),
}

/// One node's part. Every message must arrive, once; [`channel`](super::channel) sees to that.
#[derive(Debug)]
pub struct Agreement {
    me: usize,
    /// The Lamport clock.
    time: u64,
    /// Our request, until we release.
    wanted: Option<Stamp>,
    has_pen: bool,
    /// All others, but those taken for dead.
    others: BTreeSet<usize>,
    /// They have not replied yet.
    missing: BTreeSet<usize>,
    /// Their requests wait for our release.
    waiting: Vec<Stamp>,
    out: VecDeque<(usize, Message)>,
}

impl Agreement {
    /// Node `me` of `nodes`.
    pub fn new(me: usize, nodes: usize) -> Agreement {
        Agreement {
            me,
            time: 0,
            wanted: None,
            has_pen: false,
            others: (0..nodes).filter(|&node| node != me).collect(),
            missing: BTreeSet::new(),
            waiting: Vec::new(),
            out: VecDeque::new(),
        }
    }

    /// Asks for the pen.
    pub fn request(&mut self) -> Stamp {
        self.time += 1;
        let stamp = Stamp { time: self.time, node: self.me };
        self.wanted = Some(stamp);
        self.missing = self.others.clone();
        self.out.extend(self.others.iter().map(|&other| (other, Message::Request(stamp))));
        stamp
    }

    /// Takes the pen when all have agreed; whether this has happened now.
    pub fn enter(&mut self) -> bool {
        let enters = self.wanted.is_some() && self.missing.is_empty() && !self.has_pen;
        self.has_pen |= enters;
        enters
    }

    /// Gives the pen back.
    pub fn release(&mut self) {
        (self.wanted, self.has_pen) = (None, false);
        for stamp in std::mem::take(&mut self.waiting) {
            self.out.push_back((stamp.node, Message::Reply(stamp)));
        }
    }

    /// Another says something.
    pub fn handle_message(&mut self, from: usize, message: Message) {
        match message {
            Message::Request(stamp) => {
                self.time = self.time.max(stamp.time) + 1;
                if self.has_pen || self.wanted.is_some_and(|ours| ours < stamp) {
                    self.waiting.push(stamp);
                } else {
                    self.out.push_back((from, Message::Reply(stamp)));
                }
            }
            Message::Reply(stamp) if self.wanted == Some(stamp) => {
                self.missing.remove(&from);
            }
            Message::Reply(_) => {}
        }
    }

    /// That node is taken for dead: nothing is asked of it any more. If it is not dead, two may have the pen.
    pub fn leave_out(&mut self, node: usize) {
        self.others.remove(&node);
        self.missing.remove(&node);
        self.waiting.retain(|stamp| stamp.node != node);
    }

    /// What is to be sent next, and to whom.
    pub fn poll_message(&mut self) -> Option<(usize, Message)> {
        self.out.pop_front()
    }

    /// Whom we wait for.
    pub fn missing(&self) -> impl Iterator<Item = usize> {
        self.missing.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Delivers all messages, the newest or the oldest first.
    fn deliver(nodes: &mut [Agreement], newest_first: bool) {
        let mut on_the_way = VecDeque::new();
        loop {
            for (from, node) in nodes.iter_mut().enumerate() {
                on_the_way.extend(
                    std::iter::from_fn(|| node.poll_message()).map(|(to, message)| (from, to, message)),
                );
            }
            let next = if newest_first { on_the_way.pop_back() } else { on_the_way.pop_front() };
            let Some((from, to, message)) = next else { return };
            nodes[to].handle_message(from, message);
        }
    }

    #[test]
    fn of_three_that_want_it_at_once_each_has_it_once_in_the_order_of_the_stamps() {
        for newest_first in [false, true] {
            let mut nodes = [0, 1, 2].map(|node| Agreement::new(node, 3));
            let mut wanted: Vec<Stamp> = nodes.iter_mut().rev().map(Agreement::request).collect();
            wanted.sort();
            for stamp in wanted {
                deliver(&mut nodes, newest_first);
                let entered: Vec<usize> = (0..3).filter(|&node| nodes[node].enter()).collect();
                assert_eq!(entered, [stamp.node], "{stamp:?}");
                nodes[stamp.node].release();
            }
        }
    }

    #[test]
    fn who_has_replied_asks_with_a_greater_stamp() {
        let mut nodes = [0, 1].map(|node| Agreement::new(node, 2));
        nodes[1].time = 10;
        let first = nodes[1].request();
        deliver(&mut nodes, false);
        assert!(nodes[1].enter());
        assert!(nodes[0].request() > first);
        deliver(&mut nodes, false);
        assert!(!nodes[0].enter());
        nodes[1].release();
        deliver(&mut nodes, false);
        assert!(nodes[0].enter());
    }

    #[test]
    fn a_dead_node_stops_all_until_it_is_taken_for_dead() {
        let mut node = Agreement::new(0, 3);
        let stamp = node.request();
        node.handle_message(1, Message::Reply(stamp));
        node.handle_message(2, Message::Reply(Stamp { time: 9, node: 0 })); // to another request
        assert!(!node.enter());
        assert_eq!(node.missing().collect::<Vec<_>>(), [2]);
        node.leave_out(2);
        assert!(node.enter());
    }
}
