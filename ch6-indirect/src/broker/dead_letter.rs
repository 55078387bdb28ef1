//! Dead letters: a message that was rejected, expired, found no room or came back too often goes on to another exchange.
//!
//! It carries its history in the header `x-death`, the last death first:
//!
//! ```text
//!   x-death: [ {queue: q2, reason: expired, count: 1, …}, {queue: q1, reason: rejected, count: 3, …} ]
//! ```
//!
//! A message that comes to a queue it has been in, and on the way from there was never rejected by a consumer, would go round for
//! ever: it is dropped there. A header `x-death` that a client wrote itself is not believed.

use std::sync::Arc;

use super::arguments;
use super::keys::QueueKey;
use super::letter::DeadLetter;
use super::message::{Message, MessageId};
use super::output::{QueueId, Record};
use super::properties::{Properties, Property, headers_field};
use super::queue::Reason;
use super::ready::Entry;
use super::{Broker, Now};
use crate::amqp::{AMQPValue, FieldTable};

/// A message that died in more ways than this is dropped: its history would not fit into a frame, and each step would copy it.
const MOST_DEATHS: usize = 100;

impl Broker {
    /// A message leaves its queue without having been consumed.
    pub(super) fn bury(&mut self, key: QueueKey, entry: Entry, reason: Reason) {
        let Some(queue) = self.queues.get_mut(key) else { return };
        let what = match reason {
            Reason::Rejected => None, // that was recorded
            Reason::Expired => Some("expired"),
            Reason::MaxLength => Some("overflowed"),
            Reason::DeliveryLimit => Some("gave_up"),
        };
        if let Some(what) = what {
            self.events.record(&self.hosts[queue.host].name, entry.message.id, what, |event| {
                event.queue = Some(queue.name.clone());
            });
        }
        if queue.options.dead_letter_exchange.is_none() {
            let log = queue.log;
            self.forget(log, &entry);
        } else if let Some(letter) = DeadLetter::of(queue, entry, reason) {
            queue.counters.dead_lettered += 1;
            self.dead_letters.push_back(letter);
        }
    }

    /// A message is no longer in a queue.
    pub(super) fn forget(&mut self, log: Option<QueueId>, entry: &Entry) {
        if let Some(queue) = log.filter(|_| entry.is_logged) {
            self.outbox.append(Record::Removed { message: entry.message.id, queue });
        }
        self.memory.release(&entry.message);
    }

    /// Sends all dead letters on. One may make others, so this is a loop and not a call in a call.
    pub(super) fn send_dead_letters(&mut self, now: Now) {
        while let Some(letter) = self.dead_letters.pop_front() {
            let (message, more_keys, deaths) = self.rewritten(&letter, now);
            self.events.record(
                &self.hosts[letter.host].name,
                letter.entry.message.id,
                "dead_lettered",
                |event| {
                    event.queue = Some(letter.queue.clone());
                    event.exchange = Some(letter.exchange.clone());
                    event.routing_key = Some(message.routing_key.clone());
                    event.next = Some(message.id.0);
                },
            );
            let mut queues = self.route(letter.host, &message, &more_keys);
            queues.retain(|key| self.queues.get(*key).is_some_and(|queue| !is_cycle(&queue.name, &deaths)));
            if deaths.len() > MOST_DEATHS {
                queues.clear();
            }
            let entry = Entry { is_dead_letter: true, ..Entry::new(Arc::new(message)) };
            self.enqueue(&entry, &queues, false, now);
            // First the new place and then the old: a crash in between makes two of it, and not none.
            self.forget(letter.log, &letter.entry);
        }
    }

    /// The message as it goes on, its further routing keys, and the history it carries.
    fn rewritten(&mut self, letter: &DeadLetter, now: Now) -> (Message, Vec<Box<str>>, Vec<FieldTable>) {
        let old = &letter.entry.message;
        let properties = Properties::read(old.content.properties());
        let mut headers = properties.as_ref().and_then(Properties::headers).unwrap_or_default();
        let copies = match headers.inner().get("CC") {
            Some(AMQPValue::FieldArray(keys)) => keys.as_slice().to_vec(),
            _ => Vec::new(),
        };
        let deaths = deaths(letter, &headers, &copies, now);
        let array = deaths.iter().cloned().map(AMQPValue::FieldTable).collect::<Vec<_>>();
        headers.insert("x-death".into(), AMQPValue::FieldArray(array.into()));
        for (name, value) in
            [("queue", &*letter.queue), ("reason", letter.reason.word()), ("exchange", &*old.exchange)]
        {
            let first = format!("x-first-death-{name}");
            if !letter.entry.is_dead_letter || !headers.contains_key(&first) {
                headers.insert(first.into(), text(value));
            }
            headers.insert(format!("x-last-death-{name}").into(), text(value));
        }
        if letter.key.is_some() {
            headers = arguments::without(&headers, "CC");
        }
        let content = properties.map_or_else(
            || old.content.clone(),
            |properties| {
                let changes =
                    [(Property::Headers, Some(headers_field(&headers))), (Property::Expiration, None)];
                properties.with(old.content.body(), &changes)
            },
        );
        self.last_message += 1;
        let message = Message {
            id: MessageId(self.last_message),
            exchange: letter.exchange.clone(),
            routing_key: letter.key.clone().unwrap_or_else(|| old.routing_key.clone()),
            is_persistent: old.is_persistent,
            priority: old.priority,
            expiration: None,
            content,
        };
        let keep = letter.key.is_none();
        let more_keys = copies.iter().filter(|_| keep).filter_map(arguments::text).map(Box::from).collect();
        (message, more_keys, deaths)
    }
}

/// The history of a message, this death the first.
fn deaths(letter: &DeadLetter, headers: &FieldTable, copies: &[AMQPValue], now: Now) -> Vec<FieldTable> {
    let mut deaths: Vec<FieldTable> = match headers.inner().get("x-death") {
        Some(AMQPValue::FieldArray(deaths)) if letter.entry.is_dead_letter => {
            deaths.as_slice().iter().filter_map(|death| death.as_field_table().cloned()).collect()
        }
        _ => Vec::new(),
    };
    let is_same = |death: &FieldTable| {
        said(death, "queue") == Some(&letter.queue) && said(death, "reason") == Some(letter.reason.word())
    };
    let before = deaths.iter().position(is_same).map(|index| deaths.remove(index));
    let count = before.as_ref().and_then(|death| death.inner().get("count")).and_then(arguments::integer);
    let old = &letter.entry.message;
    let mut keys = vec![text(&old.routing_key)];
    keys.extend_from_slice(copies);
    let mut death = FieldTable::default();
    death.insert("queue".into(), text(&letter.queue));
    death.insert("reason".into(), text(letter.reason.word()));
    death.insert("count".into(), AMQPValue::LongLongInt(count.unwrap_or(0).saturating_add(1)));
    death.insert("exchange".into(), text(&old.exchange));
    death.insert("time".into(), AMQPValue::Timestamp(now.unix.as_secs()));
    death.insert("routing-keys".into(), AMQPValue::FieldArray(keys.into()));
    if let Some(expiration) = old.expiration {
        death.insert("original-expiration".into(), text(&expiration.as_millis().to_string()));
    }
    deaths.insert(0, death);
    deaths
}

/// Whether a message with this history has been in this queue and came here without a consumer's rejection.
fn is_cycle(queue: &str, deaths: &[FieldTable]) -> bool {
    let before = deaths.iter().position(|death| said(death, "queue") == Some(queue));
    before.is_some_and(|before| {
        deaths[..=before].iter().all(|death| said(death, "reason") != Some(Reason::Rejected.word()))
    })
}

fn said<'a>(death: &'a FieldTable, name: &str) -> Option<&'a str> {
    death.inner().get(name).and_then(arguments::text)
}

fn text(text: &str) -> AMQPValue {
    AMQPValue::LongString(text.into())
}
