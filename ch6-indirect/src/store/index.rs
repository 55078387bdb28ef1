//! Which messages live, where each of them is in the log, and how much of each segment lives: what the records say, in their order.
//! The same code follows them while the broker runs and when it starts again.
//!
//! ```text
//!   id / 64 ──► page: 64 slots of 24 bytes: segment, offset, length, state, queue
//! ```
//!
//! Ids come one after the other, so pages are full while messages wait, and go when they are empty: 25 bytes for a message in one
//! queue. A message that is left alone in its page costs 1.5 KiB.

use std::collections::BTreeMap;

use super::body::{Body, Queues, State};
use super::segment::SegmentId;
use crate::broker::MessageId;
use crate::broker::output::QueueId;

/// Where a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// In which segment.
    pub segment: SegmentId,
    /// At which byte.
    pub offset: u32,
    /// The length of its body.
    pub length: u32,
}

/// What lives in a segment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Living {
    /// Messages.
    pub messages: u32,
    /// Bytes of their records' bodies.
    pub bytes: u64,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    place: Place,
    /// [`SEVERAL`]: the queues are in `Index::several`.
    queue: QueueId,
    state: State,
}

const PAGE: u64 = 64;
const EMPTY: Slot =
    Slot { place: Place { segment: SegmentId(0), offset: 0, length: 0 }, queue: QueueId(0), state: State(0) };
const SEVERAL: State = State(u32::MAX);

#[derive(Debug)]
struct Page {
    slots: [Slot; PAGE as usize],
    living: u32,
}

/// The messages that live.
#[derive(Debug, Default)]
pub struct Index {
    pages: BTreeMap<u64, Box<Page>>,
    /// The queues of messages that are in more than one.
    several: BTreeMap<MessageId, Vec<(QueueId, State)>>,
    segments: BTreeMap<SegmentId, Living>,
    /// Up to which message each queue's may have been delivered, and which segment says so.
    delivered: BTreeMap<QueueId, (MessageId, SegmentId)>,
    last_message: u64,
}

impl Index {
    /// Follows a record.
    pub fn apply(&mut self, body: &Body<'_>, place: Place) {
        match *body {
            Body::Message(message) => {
                self.seen(message.id);
                self.insert(message.id, message.queues, place);
            }
            Body::Removed(message, queue) => self.remove(message, queue),
            Body::Requeued(message, queue, state) => self.requeue(message, queue, state),
            Body::Delivered(queue, up_to) => {
                let said = self.delivered.entry(queue).or_insert((up_to, place.segment));
                // The same said again later: the later segment is then enough.
                *said = (*said).max((up_to, place.segment));
            }
            Body::Deleted(queue) => self.remove_queues(|each| each == queue),
        }
    }

    /// No message had a higher id.
    #[must_use]
    pub fn last_message(&self) -> MessageId {
        MessageId(self.last_message)
    }

    /// A message of which only the id is known had this one.
    pub fn seen(&mut self, message: MessageId) {
        self.last_message = self.last_message.max(message.0);
    }

    /// Where a message is; `None` if it does not live.
    #[must_use]
    pub fn place(&self, message: MessageId) -> Option<Place> {
        self.slot(message).map(|slot| slot.place)
    }

    /// In which queues a message is, and how. Nothing for one that does not live.
    #[must_use]
    pub fn queues(&self, message: MessageId) -> Vec<(QueueId, State)> {
        let Some(slot) = self.slot(message) else { return Vec::new() };
        let mut queues = match self.several.get(&message) {
            Some(queues) => queues.clone(),
            None => vec![(slot.queue, slot.state)],
        };
        for (queue, state) in &mut queues {
            if self.delivered.get(queue).is_some_and(|(up_to, _)| message <= *up_to) {
                *state = state.delivered();
            }
        }
        queues
    }

    /// All messages that live, by id: the order in which they came.
    pub fn messages(&self) -> impl Iterator<Item = (MessageId, Place)> {
        self.pages.iter().flat_map(|(page, slots)| {
            let slots = slots.slots.iter().zip(page * PAGE..);
            slots.filter(|(slot, _)| slot.place.length > 0).map(|(slot, id)| (MessageId(id), slot.place))
        })
    }

    /// How many messages live.
    #[must_use]
    pub fn count(&self) -> usize {
        self.segments.values().map(|living| living.messages as usize).sum()
    }

    /// What lives in a segment.
    #[must_use]
    pub fn living(&self, segment: SegmentId) -> Living {
        self.segments.get(&segment).copied().unwrap_or_default()
    }

    /// Bytes of all records of living messages.
    #[must_use]
    pub fn living_bytes(&self) -> u64 {
        self.segments.values().map(|living| living.bytes).sum()
    }

    /// What segments up to this one say about deliveries, and no later one does.
    #[must_use]
    pub fn delivered_in(&self, up_to: SegmentId) -> Vec<(QueueId, MessageId)> {
        let said = self.delivered.iter().filter(|(_, (_, segment))| *segment <= up_to);
        said.map(|(queue, (message, _))| (*queue, *message)).collect()
    }

    /// Messages leave the queues that `is_gone` names. Goes through all messages.
    pub fn remove_queues(&mut self, is_gone: impl Fn(QueueId) -> bool) {
        self.delivered.retain(|queue, _| !is_gone(*queue));
        let messages: Vec<MessageId> = self.messages().map(|(message, _)| message).collect();
        for message in messages {
            for (queue, _) in self.queues(message) {
                if is_gone(queue) {
                    self.remove(message, queue);
                }
            }
        }
    }

    /// The disk has lost it.
    pub fn give_up(&mut self, message: MessageId) {
        self.forget(message);
    }

    fn slot(&self, message: MessageId) -> Option<&Slot> {
        let page = self.pages.get(&(message.0 / PAGE))?;
        Some(&page.slots[(message.0 % PAGE) as usize]).filter(|slot| slot.place.length > 0)
    }

    fn slot_mut(&mut self, message: MessageId) -> Option<&mut Slot> {
        let page = self.pages.get_mut(&(message.0 / PAGE))?;
        Some(&mut page.slots[(message.0 % PAGE) as usize]).filter(|slot| slot.place.length > 0)
    }

    fn insert(&mut self, message: MessageId, queues: Queues<'_>, place: Place) {
        self.forget(message);
        if queues.is_empty() {
            return;
        }
        let (queue, state) = if queues.len() == 1 {
            queues.at(0)
        } else {
            self.several.insert(message, queues.iter().collect());
            (QueueId(0), SEVERAL)
        };
        let new = || Box::new(Page { slots: [EMPTY; PAGE as usize], living: 0 });
        let page = self.pages.entry(message.0 / PAGE).or_insert_with(new);
        page.slots[(message.0 % PAGE) as usize] = Slot { place, queue, state };
        page.living += 1;
        let living = self.segments.entry(place.segment).or_default();
        living.messages += 1;
        living.bytes += u64::from(place.length);
    }

    fn remove(&mut self, message: MessageId, queue: QueueId) {
        let Some(only) = self.slot(message).map(|slot| slot.queue) else { return };
        let is_left = match self.several.get_mut(&message) {
            Some(queues) => {
                queues.retain(|(each, _)| *each != queue);
                !queues.is_empty()
            }
            None => only != queue,
        };
        if !is_left {
            self.forget(message);
        }
    }

    fn requeue(&mut self, message: MessageId, queue: QueueId, state: State) {
        if let Some(queues) = self.several.get_mut(&message) {
            queues.iter_mut().filter(|each| each.0 == queue).for_each(|each| each.1 = state);
        } else if let Some(slot) = self.slot_mut(message).filter(|slot| slot.queue == queue) {
            slot.state = state;
        }
    }

    /// The message does not live any more.
    fn forget(&mut self, message: MessageId) {
        let Some(slot) = self.slot_mut(message) else { return };
        let place = std::mem::replace(slot, EMPTY).place;
        self.several.remove(&message);
        let page = message.0 / PAGE;
        if let Some(left) = self.pages.get_mut(&page) {
            left.living -= 1;
            if left.living == 0 {
                self.pages.remove(&page);
            }
        }
        if let Some(living) = self.segments.get_mut(&place.segment) {
            living.messages -= 1;
            living.bytes -= u64::from(place.length);
            if living.messages == 0 {
                self.segments.remove(&place.segment);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(segment: u32) -> Place {
        Place { segment: SegmentId(segment), offset: 1024, length: 100 }
    }

    fn message(index: &mut Index, id: u64, queues: &[QueueId], segment: u32) {
        index.insert(MessageId(id), Queues::New(queues), at(segment));
    }

    #[test]
    fn a_message_lives_until_it_is_gone_from_its_last_queue() {
        let mut index = Index::default();
        message(&mut index, 70, &[QueueId(1), QueueId(2)], 1);
        index.remove(MessageId(70), QueueId(1));
        index.remove(MessageId(70), QueueId(1));
        assert_eq!(
            index.living(SegmentId(1)),
            Living { messages: 1, bytes: 100 },
            "removed twice counts once"
        );
        index.remove(MessageId(70), QueueId(2));
        assert_eq!((index.count(), index.pages.len(), index.several.len()), (0, 0, 0));
        assert_eq!(index.living(SegmentId(1)), Living::default());
    }

    #[test]
    fn a_later_record_of_a_message_replaces_the_earlier() {
        let mut index = Index::default();
        message(&mut index, 5, &[QueueId(1), QueueId(2)], 1);
        index.insert(MessageId(5), Queues::Known(&[(QueueId(2), State::requeued(3))]), at(2));
        assert_eq!((index.living(SegmentId(1)).messages, index.living(SegmentId(2)).messages), (0, 1));
        assert_eq!(index.queues(MessageId(5)), [(QueueId(2), State::requeued(3))]);
    }

    #[test]
    fn a_deleted_queue_takes_its_messages_along_and_no_others() {
        let mut index = Index::default();
        for id in 1..=200 {
            message(&mut index, id, &[QueueId(id % 2), QueueId(7)][..1 + usize::from(id % 3 == 0)], 1);
        }
        index.apply(&Body::Deleted(QueueId(1)), at(1));
        let left: Vec<u64> = index.messages().map(|(id, _)| id.0).collect();
        let expected: Vec<u64> = (1..=200).filter(|id| id % 2 == 0 || id % 3 == 0).collect();
        assert_eq!(left, expected);
        assert_eq!(index.queues(MessageId(3)), [(QueueId(7), State::default())]);
    }

    #[test]
    fn what_may_have_been_delivered_never_becomes_less() {
        let mut index = Index::default();
        message(&mut index, 9, &[QueueId(1)], 1);
        index.apply(&Body::Delivered(QueueId(1), MessageId(9)), at(1));
        index.apply(&Body::Delivered(QueueId(1), MessageId(4)), at(2));
        assert!(index.queues(MessageId(9))[0].1.is_redelivered());
        assert_eq!(index.delivered_in(SegmentId(1)), [(QueueId(1), MessageId(9))], "the later one says less");
        index.apply(&Body::Delivered(QueueId(1), MessageId(9)), at(2));
        assert_eq!(index.delivered_in(SegmentId(1)), [], "the later one says the same");
    }
}
