//! What is written, when it is confirmed, and what is there again after a start.

use std::collections::BTreeMap;

use super::*;
use crate::broker::output::QueueId;

/// A store: what is left of records, as the documentation of [`Record`] says.
pub fn recovered(records: &[(u64, Record)], definitions: &[Definition]) -> Recovered {
    let mut messages: BTreeMap<u64, RecoveredMessage> = BTreeMap::new();
    let mut delivered: BTreeMap<QueueId, u64> = BTreeMap::new();
    let mut last = 0;
    for (_, record) in records {
        match record {
            Record::Message { message, queues, expires } => {
                last = last.max(message.id.0);
                let queues = queues.iter().map(|queue| (*queue, 0, false)).collect();
                messages.insert(
                    message.id.0,
                    RecoveredMessage { message: message.clone(), expires: *expires, queues },
                );
            }
            Record::Removed { message, queue } => {
                let left = messages.get_mut(&message.0).expect("what is removed was there");
                let before = left.queues.len();
                left.queues.retain(|(other, ..)| other != queue);
                assert_eq!(left.queues.len(), before - 1, "removed twice");
                if left.queues.is_empty() {
                    messages.remove(&message.0);
                }
            }
            Record::Requeued { message, queue, deliveries } => {
                let back = messages.get_mut(&message.0).expect("what comes back was there");
                back.queues
                    .iter_mut()
                    .filter(|(other, ..)| other == queue)
                    .for_each(|(_, count, _)| *count = *deliveries);
            }
            Record::Delivered { queue, up_to } => {
                let up_to = up_to.0;
                delivered.entry(*queue).and_modify(|last| *last = up_to.max(*last)).or_insert(up_to);
            }
            Record::Deleted { queue } => {
                messages.retain(|_, message| {
                    message.queues.retain(|(other, ..)| other != queue);
                    !message.queues.is_empty()
                });
            }
        }
    }
    for (id, message) in &mut messages {
        for (queue, _, may_have_been) in &mut message.queues {
            *may_have_been = delivered.get(queue).is_some_and(|up_to| up_to >= id);
        }
    }
    Recovered {
        definitions: left(definitions),
        messages: messages.into_values().collect(),
        last_message: Some(MessageId(last)),
        damaged: Vec::new(),
    }
}

/// The definitions that hold in the end.
fn left(definitions: &[Definition]) -> Vec<Definition> {
    let mut left: Vec<Definition> = Vec::new();
    for definition in definitions {
        let same = |other: &Definition| match (other, definition) {
            (Definition::Queue { name: a, .. }, Definition::Queue { name: b, .. })
            | (Definition::Exchange { name: a, .. }, Definition::Exchange { name: b, .. }) => a == b,
            (Definition::Binding { binding: a, .. }, Definition::Binding { binding: b, .. }) => a == b,
            _ => false,
        };
        left.retain(|other| !same(other));
        left.push(definition.clone());
    }
    left
}

impl Lab {
    /// A crash, and a start with what was written.
    pub fn restart(&self) -> Lab {
        let mut lab = Lab::new(true);
        lab.now = self.now;
        lab.older = self.older.iter().chain(&self.records).cloned().collect();
        lab.definitions = self.definitions.clone();
        lab.broker = Broker::new(Settings { memory: 1 << 30, is_durable: true });
        lab.broker.restore(recovered(&lab.older, &lab.definitions), lab.now);
        for connection in [1, 2] {
            lab.connect(connection);
        }
        lab
    }
}

#[test]
fn a_confirm_waits_for_the_disk_and_one_covers_a_batch() {
    let mut lab = Lab::new(true);
    lab.declare("q", &[]);
    lab.confirm_select(2);
    lab.disk_is_fast = false;
    lab.put("q", &["a", "b"]);
    lab.publish("", "q", &BasicProperties::default(), "transient, behind them");
    lab.put("q", &["d"]);
    assert_eq!(lab.outputs(), [""; 0]);
    lab.broker.handle_synced(RecordNumber(1), lab.now);
    assert_eq!(lab.outputs(), ["2.1 ack 1"]);
    lab.broker.handle_synced(RecordNumber(3), lab.now);
    lab.broker.handle_synced(RecordNumber(3), lab.now);
    assert_eq!(lab.outputs(), ["2.1 ack 4 multiple"]);
}

#[test]
fn a_log_that_cannot_be_written_ends_the_confirms() {
    let mut lab = Lab::new(true);
    lab.declare("q", &[]);
    lab.confirm_select(2);
    lab.disk_is_fast = false;
    lab.put("q", &["a", "b", "c"]);
    lab.outputs();
    lab.broker.handle_synced(RecordNumber(1), lab.now);
    lab.broker.handle_store_failure();
    lab.put("q", &["d"]);
    lab.publish("", "q", &BasicProperties::default(), "transient");
    assert_eq!(lab.outputs(), ["2.1 ack 1", "2.1 nack 4 multiple", "2.1 ack 5"]);
}

#[test]
fn a_full_disk_refuses_what_is_to_be_kept() {
    let mut lab = Lab::new(true);
    lab.declare("q", &[]);
    lab.confirm_select(2);
    lab.put("q", &["a"]);
    lab.outputs();
    lab.broker.handle_disk(true);
    lab.put("q", &["b"]);
    lab.publish("", "q", &BasicProperties::default(), "transient");
    assert_eq!(lab.outputs(), ["2 blocked Some(\"low on disk\")", "2.1 nack 2", "2.1 ack 3"]);
    lab.broker.handle_disk(false);
    assert_eq!(lab.outputs(), ["2 blocked None"]);
}

#[test]
fn queues_bindings_and_messages_are_there_again() {
    let mut lab = Lab::new(true);
    lab.exchange("x", "topic", &[("alternate-exchange", text("amq.fanout"))]);
    lab.declare("q", &[("x-max-length", int(10))]);
    lab.declare("gone", &[]);
    lab.bind("x", "q", "a.#", &[("k", int(1))]);
    lab.bind("x", "gone", "a.#", &[]);
    lab.bind("amq.fanout", "q", "", &[]);
    lab.publish("x", "a.b", &durable(), "both");
    lab.publish("x", "z", &durable(), "alternate");
    lab.publish("x", "a.c", &BasicProperties::default(), "transient");
    lab.declare_on(1, declare("transient", &[]));
    lab.send(
        1,
        1,
        AMQPClass::Queue(queue::AMQPMethod::Delete(queue::Delete {
            queue: "gone".into(),
            ..Default::default()
        })),
    );
    lab.outputs();
    let mut again = lab.restart();
    assert_eq!(again.empty("q"), ["both", "alternate"]);
    again.publish("x", "a.d", &durable(), "new");
    again.publish("x", "z", &durable(), "alternate");
    assert_eq!(again.empty("q"), ["new", "alternate"]);
    let names: Vec<String> = again.broker.snapshot().queues.into_iter().map(|queue| queue.name).collect();
    assert_eq!(names, ["q"]);
    assert!(
        again
            .records
            .iter()
            .all(|(_, record)| !matches!(record, Record::Message { message, .. } if message.id.0 <= 2))
    );
}

#[test]
fn what_was_delivered_is_redelivered_and_what_was_not_is_not() {
    let mut lab = Lab::new(true);
    lab.declare("q", &[("x-queue-type", text("quorum"))]);
    lab.declare("still", &[]);
    lab.put("q", &["back", "kept", "done"]);
    lab.put("still", &["never"]);
    lab.consume(1, "q", "t", &[]);
    lab.outputs();
    lab.ack(1, 3, false);
    lab.nack(1, 1, false, true);
    lab.outputs();
    let mut again = lab.restart();
    again.consume(1, "q", "t", &[]);
    let expected =
        ["1.1 consume-ok", "1.1 deliver t #1 back redelivered count=1", "1.1 deliver t #2 kept redelivered"];
    assert_eq!(again.outputs(), expected);
    assert_eq!(again.empty("still"), ["never"]);
    assert_eq!(again.queue("q").unacknowledged, 2);
}

#[test]
fn nothing_is_delivered_before_the_log_knows_that_it_may_have_been() {
    let mut lab = Lab::new(true);
    lab.declare("q", &[]);
    lab.put("q", &["a", "b", "c"]);
    lab.outputs();
    lab.disk_is_fast = false;
    lab.get(1, "q", false);
    assert_eq!(lab.outputs(), [""; 0], "the answer waits");
    let (number, record) = lab.records.last().unwrap().clone();
    assert!(matches!(record, Record::Delivered { .. }), "{record:?}");
    lab.consume(2, "q", "t", &[]);
    assert_eq!(lab.outputs(), ["2.1 consume-ok"]);
    lab.broker.handle_synced(RecordNumber(number), lab.now);
    assert_eq!(lab.outputs(), ["1.1 got #1 a, 2 left", "2.1 deliver t #1 b", "2.1 deliver t #2 c"]);
}

#[test]
fn with_a_consumer_the_word_stands_in_the_log_before_the_message() {
    let mut lab = Lab::new(true);
    lab.declare("q", &[]);
    lab.consume(1, "q", "t", &[]);
    lab.put("q", &["a", "b"]);
    lab.disk_is_fast = false;
    assert_eq!(
        lab.outputs(),
        ["1.1 consume-ok", "1.1 deliver t #1 a", "1.1 deliver t #2 b"],
        "without waiting"
    );
    let kinds: Vec<bool> =
        lab.records.iter().map(|(_, record)| matches!(record, Record::Delivered { .. })).collect();
    assert_eq!(kinds, [true, false, false], "once for many");
}

#[test]
fn a_commit_is_answered_when_it_is_on_disk() {
    let mut lab = Lab::new(true);
    lab.declare("q", &[]);
    lab.tx(1, tx::AMQPMethod::Select(tx::Select {}));
    lab.outputs();
    lab.disk_is_fast = false;
    lab.publish_on(1, basic::Publish { routing_key: "q".into(), ..Default::default() }, &durable(), "m");
    lab.tx(1, tx::AMQPMethod::Commit(tx::Commit {}));
    assert_eq!(lab.outputs(), [""; 0]);
    lab.broker.handle_synced(RecordNumber(1), lab.now);
    assert_eq!(lab.outputs(), ["1.1 commit-ok"]);
}

#[test]
fn a_dead_letter_is_in_its_new_queue_before_it_leaves_the_old_one() {
    let mut lab = Lab::new(true);
    lab.declare(
        "q",
        &[
            ("x-dead-letter-exchange", text("")),
            ("x-dead-letter-routing-key", text("dead")),
            ("x-message-ttl", int(5)),
        ],
    );
    lab.declare("dead", &[]);
    lab.put("q", &["m"]);
    lab.outputs();
    let written = lab.records.len();
    lab.wait(5);
    lab.outputs();
    assert!(
        matches!(lab.records[written..], [(_, Record::Message { .. }), (_, Record::Removed { .. })]),
        "{:?}",
        lab.records
    );
    assert_eq!(lab.restart().empty("dead"), ["m"]);
}

#[test]
fn what_expired_while_nobody_ran_is_gone() {
    let mut lab = Lab::new(true);
    lab.declare("q", &[]);
    lab.publish("", "q", &durable().with_expiration("1000".into()), "short");
    lab.put("q", &["long"]);
    lab.outputs();
    lab.now.unix += Duration::from_secs(2);
    let mut again = lab.restart();
    again.wait(0);
    assert_eq!(again.empty("q"), ["long"]);
}

#[test]
fn a_get_that_waits_is_answered_to_nobody_when_its_channel_is_another() {
    let mut lab = Lab::new(true);
    lab.declare("q", &[]);
    lab.put("q", &["a"]);
    lab.outputs();
    lab.disk_is_fast = false;
    lab.get(1, "q", true);
    let close = channel::Close { reply_code: 200, reply_text: "".into(), class_id: 0, method_id: 0 };
    lab.send(1, 1, AMQPClass::Channel(channel::AMQPMethod::Close(close)));
    lab.send(1, 1, AMQPClass::Channel(channel::AMQPMethod::Open(channel::Open {})));
    lab.disk_is_fast = true;
    assert_eq!(lab.outputs(), ["1.1 20.41", "1.1 20.11"]);
    assert_eq!(lab.empty("q"), ["a"]);
}
