//! Any command on any channel at any time: the broker answers or says no, and never panics.

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Event {
    Command(u64, u16, Box<AMQPClass>, Option<Content>),
    Junk(u64, Vec<u8>),
    Open(u64),
    Close(u64),
    Full(u64),
    Room(u64),
    Wait(u64),
    Synced,
    Disk(bool),
    Failure,
    Crash,
}

fn name() -> impl Strategy<Value = String> {
    let names = [
        "",
        "q",
        "r",
        "s",
        "x",
        "y",
        "amq.topic",
        "amq.headers",
        "amq.fanout",
        "amq.mine",
        "amq.rabbitmq.reply-to",
    ];
    prop::sample::select(names.to_vec()).prop_map(str::to_owned)
}

fn key() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["", "q", "r", "a.b", "#", "*.b", "a.#.#.*", "...."]).prop_map(str::to_owned)
}

fn value() -> impl Strategy<Value = AMQPValue> {
    let words = [
        "quorum",
        "stream",
        "classic",
        "first",
        "last",
        "1h",
        "any",
        "all",
        "reject-publish",
        "reject-publish-dlx",
        "x",
        "q",
        "",
    ];
    prop_oneof![
        (-2..3i32).prop_map(AMQPValue::LongInt),
        any::<i64>().prop_map(AMQPValue::LongLongInt),
        any::<bool>().prop_map(AMQPValue::Boolean),
        prop::sample::select(words.to_vec()).prop_map(text),
        any::<u64>().prop_map(AMQPValue::Timestamp),
        Just(AMQPValue::Void),
        Just(AMQPValue::FieldArray(vec![text("q"), int(1)].into())),
        Just(AMQPValue::FieldArray(vec![text("q"), text("a.b")].into())),
        Just(AMQPValue::FieldTable(FieldTable::default())),
    ]
}

fn arguments() -> impl Strategy<Value = FieldTable> {
    let known = options::COMPARED.iter().copied().chain([
        "x-match",
        "alternate-exchange",
        "x-priority",
        "x-stream-offset",
        "CC",
        "BCC",
        "x-death",
        "k",
    ]);
    let entry = (prop::sample::select(known.collect::<Vec<_>>()), value());
    prop::collection::vec(entry, 0..3).prop_map(|entries| table(&entries))
}

fn properties() -> impl Strategy<Value = BasicProperties> {
    let expiration = prop::sample::select(vec!["0", "5", "1000", "", "-1", "x", "99999999999999999999"]);
    let all = (
        prop::option::of(arguments()),
        prop::option::of(expiration),
        any::<bool>(),
        any::<u8>(),
        prop::option::of(name()),
        prop::option::weighted(0.1, name()),
    );
    all.prop_map(|(headers, expiration, persistent, priority, reply_to, user)| {
        let mut properties =
            BasicProperties::default().with_priority(priority).with_delivery_mode(1 + u8::from(persistent));
        if let Some(headers) = headers {
            properties = properties.with_headers(headers);
        }
        if let Some(expiration) = expiration {
            properties = properties.with_expiration(expiration.into());
        }
        if let Some(reply_to) = reply_to {
            properties = properties.with_reply_to(reply_to.into());
        }
        user.into_iter().fold(properties, |properties, user| properties.with_user_id(user.into()))
    })
}

fn declares() -> impl Strategy<Value = AMQPClass> {
    let kind = prop::sample::select(vec!["direct", "fanout", "topic", "headers", "odd", ""]);
    let flags = || {
        (any::<bool>(), any::<bool>(), prop::bool::weighted(0.2), prop::bool::weighted(0.2), any::<bool>())
    };
    prop_oneof![
        (name(), kind, flags(), arguments()).prop_map(
            |(exchange, kind, (durable, auto_delete, passive, internal, nowait), arguments)| {
                AMQPClass::Exchange(exchange::AMQPMethod::Declare(exchange::Declare {
                    exchange: exchange.into(),
                    kind: kind.into(),
                    passive,
                    durable,
                    auto_delete,
                    internal,
                    nowait,
                    arguments,
                }))
            }
        ),
        (name(), flags(), arguments()).prop_map(
            |(queue, (durable, auto_delete, passive, exclusive, nowait), arguments)| {
                AMQPClass::Queue(queue::AMQPMethod::Declare(queue::Declare {
                    queue: queue.into(),
                    passive,
                    durable,
                    exclusive,
                    auto_delete,
                    nowait,
                    arguments,
                }))
            }
        ),
        (name(), name(), key(), any::<bool>(), arguments()).prop_map(
            |(destination, source, key, nowait, arguments)| {
                AMQPClass::Exchange(exchange::AMQPMethod::Bind(exchange::Bind {
                    destination: destination.into(),
                    source: source.into(),
                    routing_key: key.into(),
                    nowait,
                    arguments,
                }))
            }
        ),
        (name(), name(), key(), any::<bool>(), arguments()).prop_map(
            |(queue, exchange, key, nowait, arguments)| {
                AMQPClass::Queue(queue::AMQPMethod::Bind(queue::Bind {
                    queue: queue.into(),
                    exchange: exchange.into(),
                    routing_key: key.into(),
                    nowait,
                    arguments,
                }))
            }
        ),
        (name(), name(), key(), arguments()).prop_map(|(queue, exchange, key, arguments)| {
            AMQPClass::Queue(queue::AMQPMethod::Unbind(queue::Unbind {
                queue: queue.into(),
                exchange: exchange.into(),
                routing_key: key.into(),
                arguments,
            }))
        }),
        (name(), name(), key(), arguments()).prop_map(|(destination, source, key, arguments)| {
            AMQPClass::Exchange(exchange::AMQPMethod::Unbind(exchange::Unbind {
                destination: destination.into(),
                source: source.into(),
                routing_key: key.into(),
                nowait: false,
                arguments,
            }))
        }),
        (name(), any::<bool>()).prop_map(|(exchange, if_unused)| AMQPClass::Exchange(
            exchange::AMQPMethod::Delete(exchange::Delete {
                exchange: exchange.into(),
                if_unused,
                nowait: false
            })
        )),
        (name(), any::<bool>(), any::<bool>()).prop_map(|(queue, if_unused, if_empty)| AMQPClass::Queue(
            queue::AMQPMethod::Delete(queue::Delete {
                queue: queue.into(),
                if_unused,
                if_empty,
                nowait: false
            })
        )),
        name().prop_map(|queue| AMQPClass::Queue(queue::AMQPMethod::Purge(queue::Purge {
            queue: queue.into(),
            nowait: false
        }))),
    ]
}

fn basics() -> impl Strategy<Value = AMQPClass> {
    let tag = || prop_oneof![0..8u64, Just(u64::MAX)];
    let method = prop_oneof![
        3 => (name(), key(), any::<bool>(), prop::bool::weighted(0.02)).prop_map(|(exchange, key, mandatory, immediate)| {
            basic::AMQPMethod::Publish(basic::Publish { exchange: exchange.into(), routing_key: key.into(), mandatory, immediate })
        }),
        2 => (name(), prop::sample::select(vec!["", "t", "u"]), any::<bool>(), prop::bool::weighted(0.2), arguments()).prop_map(|(queue, tag, no_ack, exclusive, arguments)| {
            basic::AMQPMethod::Consume(basic::Consume { queue: queue.into(), consumer_tag: tag.into(), no_local: true, no_ack, exclusive, nowait: false, arguments })
        }),
        1 => prop::sample::select(vec!["", "t", "u"]).prop_map(|tag| basic::AMQPMethod::Cancel(basic::Cancel { consumer_tag: tag.into(), nowait: false })),
        1 => (0..3u16, any::<bool>()).prop_map(|(prefetch_count, global)| basic::AMQPMethod::Qos(basic::Qos { prefetch_count, global })),
        2 => (name(), any::<bool>()).prop_map(|(queue, no_ack)| basic::AMQPMethod::Get(basic::Get { queue: queue.into(), no_ack })),
        2 => (tag(), any::<bool>()).prop_map(|(delivery_tag, multiple)| basic::AMQPMethod::Ack(basic::Ack { delivery_tag, multiple })),
        1 => (tag(), any::<bool>()).prop_map(|(delivery_tag, requeue)| basic::AMQPMethod::Reject(basic::Reject { delivery_tag, requeue })),
        2 => (tag(), any::<bool>(), any::<bool>()).prop_map(|(delivery_tag, multiple, requeue)| basic::AMQPMethod::Nack(basic::Nack { delivery_tag, multiple, requeue })),
        1 => prop::bool::weighted(0.9).prop_map(|requeue| basic::AMQPMethod::Recover(basic::Recover { requeue })),
        1 => Just(basic::AMQPMethod::RecoverAsync(basic::RecoverAsync { requeue: true })),
    ];
    method.prop_map(AMQPClass::Basic)
}

fn others() -> impl Strategy<Value = AMQPClass> {
    prop::sample::select(vec![
        AMQPClass::Channel(channel::AMQPMethod::Open(channel::Open {})),
        AMQPClass::Channel(channel::AMQPMethod::Open(channel::Open {})),
        AMQPClass::Channel(channel::AMQPMethod::CloseOk(channel::CloseOk {})),
        AMQPClass::Channel(channel::AMQPMethod::Close(channel::Close {
            reply_code: 200,
            reply_text: "".into(),
            class_id: 0,
            method_id: 0,
        })),
        AMQPClass::Channel(channel::AMQPMethod::Flow(channel::Flow { active: true })),
        AMQPClass::Confirm(confirm::AMQPMethod::Select(confirm::Select { nowait: false })),
        AMQPClass::Tx(tx::AMQPMethod::Select(tx::Select {})),
        AMQPClass::Tx(tx::AMQPMethod::Commit(tx::Commit {})),
        AMQPClass::Tx(tx::AMQPMethod::Rollback(tx::Rollback {})),
        AMQPClass::Connection(crate::amqp::connection::AMQPMethod::CloseOk(
            crate::amqp::connection::CloseOk {},
        )),
    ])
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let by = || 1..=3u64;
    let method = prop_oneof![4 => declares(), 6 => basics(), 2 => others()];
    let content = (properties(), "[a-z]{0,200}").prop_map(|(properties, body)| content(&properties, &body));
    let content = prop::option::weighted(0.95, content);
    let event = prop_oneof![
        20 => (by(), 0..3u16, method, content).prop_map(|(by, channel, method, content)| Event::Command(by, channel, Box::new(method), content)),
        1 => (by(), prop::collection::vec(any::<u8>(), 0..40)).prop_map(|(by, bytes)| Event::Junk(by, bytes)),
        2 => by().prop_map(Event::Open),
        1 => by().prop_map(Event::Close),
        1 => by().prop_map(Event::Full),
        2 => by().prop_map(Event::Room),
        2 => (0..20u64).prop_map(Event::Wait),
        3 => Just(Event::Synced),
        1 => any::<bool>().prop_map(Event::Disk),
        1 => prop::bool::weighted(0.05).prop_map(|fails| if fails { Event::Failure } else { Event::Synced }),
        1 => prop::bool::weighted(0.2).prop_map(|crashes| if crashes { Event::Crash } else { Event::Synced }),
    ];
    prop::collection::vec(event, 1..120)
}

fn happen(event: Event, lab: &mut Lab) {
    match event {
        Event::Command(by, channel, method, with) => {
            lab.broker.handle(PeerId(by), Command { channel, method: *method, content: with }, lab.now);
        }
        Event::Junk(by, bytes) => {
            let length = bytes.len() / 2;
            let content = Some(Content::new(bytes.into(), length));
            let method = AMQPClass::Basic(basic::AMQPMethod::Publish(basic::Publish {
                routing_key: "q".into(),
                ..Default::default()
            }));
            lab.broker.handle(PeerId(by), Command { channel: 1, method, content }, lab.now);
        }
        Event::Open(by) => {
            lab.broker.close(PeerId(by), lab.now);
            lab.broker.open(PeerId(by), login());
            lab.send(by, 1, AMQPClass::Channel(channel::AMQPMethod::Open(channel::Open {})));
        }
        Event::Close(by) => lab.broker.close(PeerId(by), lab.now),
        Event::Full(by) => lab.broker.handle_full(PeerId(by)),
        Event::Room(by) => lab.broker.handle_room(PeerId(by)),
        Event::Wait(time) => lab.wait(time),
        Event::Synced => {
            let last = lab.records.last().map_or(0, |(number, _)| *number);
            lab.broker.handle_synced(RecordNumber(last), lab.now);
        }
        Event::Disk(is_full) => lab.broker.handle_disk(is_full),
        Event::Failure => lab.broker.handle_store_failure(),
        Event::Crash => {
            *lab = lab.restart();
            lab.disk_is_fast = false;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_command_makes_it_panic_and_no_message_is_lost_from_its_account(events in events(), is_small in any::<bool>()) {
        let mut lab = Lab::with(Settings { memory: if is_small { 3000 } else { 1 << 30 }, is_durable: true });
        lab.disk_is_fast = false;
        lab.connect(3);
        for event in events {
            happen(event, &mut lab);
            lab.outputs();
            drop(lab.broker.snapshot());
        }
        for connection in 1..=3 {
            lab.broker.close(PeerId(connection), lab.now);
        }
        let queues: Vec<QueueKey> = lab.broker.queues.iter().map(|(key, _)| key).collect();
        for queue in queues {
            lab.broker.delete_queue(queue);
        }
        prop_assert_eq!(lab.broker.memory.used(), 0);
        prop_assert_eq!(lab.broker.consumers.iter().count(), 0);
        prop_assert!(lab.broker.snapshot().bindings.iter().all(|binding| !binding.to_queue));
    }
}
