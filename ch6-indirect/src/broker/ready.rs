//! The messages of a queue that wait, in their order: by priority, then by arrival. One that comes back stands where it stood.
//!
//! ```text
//!   place:   priority, turned round (8 bits) │ number of arrival (56 bits)
//!
//!   fresh    a deque:  came at the end, does not expire          ── most messages: a few nanoseconds each
//!   sorted   a tree:   came back, overtakes, or expires          ── can be taken out of the middle
//!
//!   the first of the queue is the smaller of the two firsts
//! ```

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use super::message::Message;

/// From so many places on, an empty deque gives its memory back.
const KEPT: usize = 1024;

/// Where a message stands in its queue: the smaller, the nearer to the front.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(u64);

/// A message in a queue.
#[derive(Debug, Clone)]
pub struct Entry {
    pub message: Arc<Message>,
    pub place: Place,
    pub expires: Option<Instant>,
    /// How often it was delivered and came back.
    pub deliveries: u32,
    pub is_redelivered: bool,
    /// Whether the log has it.
    pub is_logged: bool,
    /// Whether this broker wrote its `x-death`, so that it can be trusted.
    pub is_dead_letter: bool,
}

impl Entry {
    /// A message that has not been in a queue yet.
    pub fn new(message: Arc<Message>) -> Entry {
        Entry {
            message,
            place: Place(0),
            expires: None,
            deliveries: 0,
            is_redelivered: false,
            is_logged: false,
            is_dead_letter: false,
        }
    }
}

/// The messages that wait.
#[derive(Debug, Default)]
pub struct Ready {
    fresh: VecDeque<Entry>,
    sorted: BTreeMap<Place, Entry>,
    expiries: BTreeSet<(Instant, Place)>,
    arrivals: u64,
    bytes: u64,
}

impl Ready {
    pub fn len(&self) -> usize {
        self.fresh.len() + self.sorted.len()
    }

    pub fn is_empty(&self) -> bool {
        self.fresh.is_empty() && self.sorted.is_empty()
    }

    /// Bytes of the bodies.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// A new message of this priority: behind all that have at least the same.
    pub fn push(&mut self, mut entry: Entry, priority: u8) {
        self.arrivals += 1;
        entry.place = Place(u64::from(u8::MAX - priority) << 56 | self.arrivals);
        self.insert(entry);
    }

    /// A message that was here: it stands where it stood.
    pub fn insert(&mut self, entry: Entry) {
        self.bytes += entry.message.content.body().len() as u64;
        let is_last = self.fresh.back().is_none_or(|last| last.place < entry.place);
        match entry.expires {
            None if is_last => self.fresh.push_back(entry),
            expires => {
                self.expiries.extend(expires.map(|expires| (expires, entry.place)));
                self.sorted.insert(entry.place, entry);
            }
        }
    }

    /// The first, taken out.
    pub fn pop(&mut self) -> Option<Entry> {
        let fresh = self.fresh.front().map(|entry| entry.place);
        let sorted = self.sorted.first_key_value().map(|(place, _)| *place);
        match (fresh, sorted) {
            (Some(fresh), Some(sorted)) if sorted < fresh => self.take(sorted),
            (None, Some(sorted)) => self.take(sorted),
            (None, None) => None,
            (Some(_), _) => {
                let entry = self.fresh.pop_front()?;
                if self.fresh.is_empty() && self.fresh.capacity() > KEPT {
                    self.fresh = VecDeque::new();
                }
                self.bytes -= entry.message.content.body().len() as u64;
                Some(entry)
            }
        }
    }

    /// A message that has expired, taken out wherever it stands.
    pub fn pop_expired(&mut self, is_expired: impl Fn(Instant) -> bool) -> Option<Entry> {
        let (_, place) = self.expiries.first().copied().filter(|(expires, _)| is_expired(*expires))?;
        self.take(place)
    }

    /// When the next one expires.
    pub fn deadline(&self) -> Option<Instant> {
        self.expiries.first().map(|(expires, _)| *expires)
    }

    fn take(&mut self, place: Place) -> Option<Entry> {
        let entry = self.sorted.remove(&place)?;
        if let Some(expires) = entry.expires {
            self.expiries.remove(&(expires, place));
        }
        self.bytes -= entry.message.content.body().len() as u64;
        Some(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::amqp::command::Content;
    use crate::broker::message::MessageId;
    use std::time::Duration;

    fn entry(id: u64) -> Entry {
        Entry::new(Arc::new(Message {
            id: MessageId(id),
            exchange: "".into(),
            routing_key: "".into(),
            is_persistent: false,
            priority: 0,
            expiration: None,
            content: Content::new(bytes::Bytes::from_static(b"12"), 0),
        }))
    }

    fn ids(ready: &mut Ready) -> Vec<u64> {
        std::iter::from_fn(|| ready.pop()).map(|entry| entry.message.id.0).collect()
    }

    #[test]
    fn what_comes_back_stands_where_it_stood() {
        let mut ready = Ready::default();
        for id in 1..=6 {
            ready.push(entry(id), 0);
        }
        let mut taken: Vec<Entry> = (0..4).filter_map(|_| ready.pop()).collect();
        ready.push(entry(7), 0);
        ready.insert(taken.remove(2));
        ready.insert(taken.remove(0));
        assert_eq!((ready.len(), ready.bytes()), (5, 10));
        assert_eq!(ids(&mut ready), [1, 3, 5, 6, 7]);
        assert!(ready.is_empty() && ready.bytes() == 0);
        ready.insert(taken.remove(1));
        ready.insert(taken.remove(0));
        assert_eq!(ids(&mut ready), [2, 4]);
    }

    #[test]
    fn a_higher_priority_overtakes() {
        let mut ready = Ready::default();
        for (id, priority) in [(1, 0), (2, 5), (3, 5), (4, 0), (5, 255)] {
            ready.push(entry(id), priority);
        }
        assert_eq!(ids(&mut ready), [5, 2, 3, 1, 4]);
    }

    #[test]
    fn one_expires_behind_another_that_does_not() {
        let (mut ready, start) = (Ready::default(), Instant::now());
        let expiring =
            |id, seconds| Entry { expires: Some(start + Duration::from_secs(seconds)), ..entry(id) };
        for entry in [entry(1), expiring(2, 9), entry(3), expiring(4, 5)] {
            ready.push(entry, 0);
        }
        assert_eq!(ready.deadline(), Some(start + Duration::from_secs(5)));
        let now = start + Duration::from_secs(6);
        let gone = ready.pop_expired(|expires| expires <= now).map(|entry| entry.message.id.0);
        assert_eq!((gone, ready.pop_expired(|expires| expires <= now).is_none()), (Some(4), true));
        assert_eq!(ids(&mut ready), [1, 2, 3]);
        assert_eq!(ready.deadline(), None);
    }
}
