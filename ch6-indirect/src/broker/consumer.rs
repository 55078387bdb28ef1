//! Consumers, and whose turn it is: the highest priority first, in turn among equals.
//!
//! ```text
//!   takers:   may be able to take one          parked:  could not: prefetch reached, connection full
//!      c1 c2 c3 ──its turn──► c1 takes, goes to the end      │
//!       ▲               └──► c1 cannot: parked ──────────────┘
//!       └──── an acknowledgement, or room again ─────────────┘
//! ```
//!
//! So nobody looks through all consumers for one that can take a message.

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use common::core::service::PeerId;

use super::arena::Arena;
use super::keys::{ConsumerKey, OfConsumer, QueueKey};

/// A consumer.
#[derive(Debug)]
pub struct Consumer {
    pub tag: Arc<str>,
    pub queue: QueueKey,
    pub connection: PeerId,
    pub channel: u16,
    /// Whether deliveries count as acknowledged at once (`no_ack`).
    pub is_automatic: bool,
    pub is_exclusive: bool,
    pub priority: i32,
    /// How many deliveries may wait for their acknowledgement; 0 for any number.
    pub prefetch: u32,
    pub unacknowledged: u32,
    pub is_parked: bool,
    /// The next message it reads, at a stream.
    pub offset: u64,
}

/// The consumers of a queue.
#[derive(Debug, Default)]
pub struct Consumers {
    /// All, in the order in which they came.
    all: Vec<ConsumerKey>,
    /// Those of priority 0: nearly all.
    takers: VecDeque<ConsumerKey>,
    /// Those of the other priorities. No line is empty.
    ranked: BTreeMap<Reverse<i32>, VecDeque<ConsumerKey>>,
    /// The one that gets messages, where only one does.
    active: Option<ConsumerKey>,
    /// Whether one came ever: a queue that goes with its last consumer does not go before its first.
    pub had_one: bool,
}

impl Consumers {
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub fn len(&self) -> usize {
        self.all.len()
    }

    pub fn all(&self) -> &[ConsumerKey] {
        &self.all
    }

    pub fn has_takers(&self) -> bool {
        !self.takers.is_empty() || !self.ranked.is_empty()
    }

    /// Whether this one gets messages, where only one of them does.
    pub fn is_active(&self, key: ConsumerKey) -> bool {
        self.active.is_none_or(|active| active == key)
    }

    /// A consumer comes. With `single`, it stands by if there is one already.
    pub fn join(&mut self, key: ConsumerKey, priority: i32, single: bool) {
        self.all.push(key);
        self.had_one = true;
        if single && self.active.is_some() {
            return;
        }
        self.active = single.then_some(key);
        self.offer(key, priority);
    }

    /// A consumer goes. If it was the active one, the next takes over: the highest priority, and of these the oldest.
    pub fn leave(&mut self, key: ConsumerKey, consumers: &Arena<Consumer, OfConsumer>) {
        self.all.retain(|other| *other != key);
        self.withdraw(key, consumers);
        if self.active == Some(key) {
            let priority = |key: &ConsumerKey| consumers.get(*key).map_or(0, |consumer| consumer.priority);
            let next =
                self.all.iter().copied().enumerate().max_by_key(|(age, key)| (priority(key), Reverse(*age)));
            self.active = next.map(|(_, key)| key);
            if let Some(key) = self.active {
                self.offer(key, priority(&key));
            }
        }
    }

    /// This one may be able to take a message.
    pub fn offer(&mut self, key: ConsumerKey, priority: i32) {
        match priority {
            0 => self.takers.push_back(key),
            priority => self.ranked.entry(Reverse(priority)).or_default().push_back(key),
        }
    }

    /// The one whose turn it is, taken out of the line.
    pub fn next(&mut self) -> Option<ConsumerKey> {
        let first = self.ranked.first_entry().filter(|first| first.key().0 > 0 || self.takers.is_empty());
        let Some(mut first) = first else { return self.takers.pop_front() };
        let key = first.get_mut().pop_front();
        if first.get().is_empty() {
            first.remove();
        }
        key
    }

    fn withdraw(&mut self, key: ConsumerKey, consumers: &Arena<Consumer, OfConsumer>) {
        let Some(consumer) = consumers.get(key) else { return };
        self.takers.retain(|other| *other != key);
        if let Some(line) = self.ranked.get_mut(&Reverse(consumer.priority)) {
            line.retain(|other| *other != key);
            if line.is_empty() {
                self.ranked.remove(&Reverse(consumer.priority));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn no_queue() -> QueueKey {
        QueueKey::default()
    }

    fn consumer(arena: &mut Arena<Consumer, OfConsumer>, queue: QueueKey, priority: i32) -> ConsumerKey {
        arena.insert(Consumer {
            tag: "".into(),
            queue,
            connection: PeerId(1),
            channel: 1,
            is_automatic: false,
            is_exclusive: false,
            priority,
            prefetch: 0,
            unacknowledged: 0,
            is_parked: false,
            offset: 0,
        })
    }

    #[test]
    fn equals_take_turns_and_a_higher_priority_goes_first() {
        let (mut arena, queue) = (Arena::default(), no_queue());
        let (mut all, keys) =
            (Consumers::default(), [0, 0, 5, -1].map(|priority| consumer(&mut arena, queue, priority)));
        for key in keys {
            all.join(key, arena.get(key).unwrap().priority, false);
        }
        assert_eq!(all.next(), Some(keys[2]));
        assert_eq!(all.next(), Some(keys[0]));
        all.offer(keys[0], 0);
        let rest = [all.next(), all.next(), all.next(), all.next()];
        assert_eq!(rest, [Some(keys[1]), Some(keys[0]), Some(keys[3]), None]);
    }

    #[test]
    fn a_single_active_consumer_is_followed_by_the_highest_priority_and_then_the_oldest() {
        let (mut arena, queue) = (Arena::default(), no_queue());
        let keys = [0, 1, 5, 5].map(|priority| consumer(&mut arena, queue, priority));
        let mut all = Consumers::default();
        for key in keys {
            all.join(key, arena.get(key).unwrap().priority, true);
        }
        for expected in [keys[0], keys[2], keys[3], keys[1]] {
            assert!(all.is_active(expected) && all.next() == Some(expected) && all.next().is_none());
            all.leave(expected, &arena);
        }
        assert!(all.is_empty() && all.next().is_none());
    }
}
