//! Ways through exchanges.

use super::*;

fn ready(lab: &Lab) -> Vec<(String, u64)> {
    lab.broker.snapshot().queues.into_iter().map(|queue| (queue.name, queue.enqueued)).collect()
}

fn counts(lab: &Lab, expected: &[(&str, u64)]) {
    assert_eq!(
        ready(lab),
        expected.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect::<Vec<_>>()
    );
}

#[test]
fn a_message_reaches_a_queue_once_however_many_ways_lead_there() {
    let mut lab = Lab::new(false);
    for queue in ["a", "b", "c"] {
        lab.declare(queue, &[]);
    }
    lab.bind("amq.topic", "a", "#", &[]);
    lab.bind("amq.topic", "a", "x.*", &[]);
    lab.bind("amq.topic", "b", "x.y", &[]);
    lab.bind("amq.topic", "c", "y.*", &[]);
    lab.publish("amq.topic", "x.y", &durable(), "m");
    counts(&lab, &[("a", 1), ("b", 1), ("c", 0)]);
    lab.bind("amq.direct", "c", "k", &[]);
    lab.bind("amq.direct", "c", "k", &[("other", int(1))]);
    lab.publish("amq.direct", "k", &durable(), "m");
    counts(&lab, &[("a", 1), ("b", 1), ("c", 1)]);
    assert_eq!(lab.broker.snapshot().bindings.len(), 6);
}

#[test]
fn exchanges_lead_to_exchanges_even_in_a_circle() {
    let mut lab = Lab::new(false);
    lab.declare("q", &[]);
    lab.exchange("x", "fanout", &[]);
    lab.exchange("y", "fanout", &[]);
    for (source, destination) in [("x", "y"), ("y", "x"), ("x", "x")] {
        let bind = exchange::Bind {
            source: source.into(),
            destination: destination.into(),
            ..exchange::Bind::default()
        };
        lab.send(1, 1, AMQPClass::Exchange(exchange::AMQPMethod::Bind(bind)));
    }
    lab.bind("y", "q", "", &[]);
    lab.publish("x", "", &durable(), "m");
    counts(&lab, &[("q", 1)]);
    let unbind = exchange::Unbind {
        source: "x".into(),
        destination: "y".into(),
        nowait: true,
        ..exchange::Unbind::default()
    };
    lab.outputs();
    lab.send(1, 1, AMQPClass::Exchange(exchange::AMQPMethod::Unbind(unbind.clone())));
    lab.send(
        1,
        1,
        AMQPClass::Exchange(exchange::AMQPMethod::Unbind(exchange::Unbind { nowait: false, ..unbind })),
    );
    assert_eq!(lab.outputs(), ["1.1 40.51"], "what is not bound is unbound already");
    lab.publish("x", "", &durable(), "m");
    counts(&lab, &[("q", 1)]);
}

#[test]
fn what_reaches_nothing_goes_to_the_alternate_exchange() {
    let mut lab = Lab::new(false);
    lab.declare("known", &[]);
    lab.declare("unknown", &[]);
    lab.exchange("other", "fanout", &[]);
    lab.exchange("x", "direct", &[("alternate-exchange", text("other"))]);
    lab.bind("x", "known", "k", &[]);
    lab.bind("other", "unknown", "", &[]);
    lab.publish("x", "k", &durable(), "m");
    lab.publish("x", "z", &durable(), "m");
    lab.publish("x", "z", &durable(), "m");
    counts(&lab, &[("known", 1), ("unknown", 2)]);
}

#[test]
fn headers_decide_at_a_headers_exchange() {
    let mut lab = Lab::new(false);
    lab.declare("all", &[]);
    lab.declare("any", &[]);
    let asked = [("a", int(1)), ("b", text("x"))];
    lab.bind("amq.headers", "all", "", &asked);
    lab.bind("amq.headers", "any", "", &[&asked[..], &[("x-match", text("any"))]].concat());
    lab.publish("amq.match", "", &durable(), "another exchange");
    lab.publish("amq.headers", "", &durable().with_headers(table(&asked[..1])), "m");
    lab.publish("amq.headers", "", &durable().with_headers(table(&asked)), "m");
    lab.publish("amq.headers", "", &durable(), "none");
    counts(&lab, &[("all", 1), ("any", 2)]);
    lab.outputs();
    lab.bind("amq.headers", "any", "", &[("x-match", text("most"))]);
    assert!(
        lab.outputs()[0].starts_with("1.1 406 PRECONDITION_FAILED - Invalid x-match field value \"most\"")
    );
}

#[test]
fn an_auto_delete_exchange_goes_with_its_last_binding_and_takes_others_along() {
    let mut lab = Lab::new(true);
    lab.declare("q", &[]);
    let chain = 20_000;
    for number in 0..chain {
        let name = format!("x{number}");
        let declare = exchange::Declare {
            exchange: name.as_str().into(),
            kind: "fanout".into(),
            auto_delete: true,
            nowait: true,
            ..Default::default()
        };
        lab.send(1, 1, AMQPClass::Exchange(exchange::AMQPMethod::Declare(declare)));
        if number > 0 {
            let bind = exchange::Bind {
                source: format!("x{}", number - 1).as_str().into(),
                destination: name.as_str().into(),
                nowait: true,
                ..Default::default()
            };
            lab.send(1, 1, AMQPClass::Exchange(exchange::AMQPMethod::Bind(bind)));
        }
    }
    lab.bind(&format!("x{}", chain - 1), "q", "", &[]);
    lab.outputs();
    lab.send(
        1,
        1,
        AMQPClass::Queue(queue::AMQPMethod::Delete(queue::Delete {
            queue: "q".into(),
            ..Default::default()
        })),
    );
    assert_eq!(lab.outputs(), ["1.1 delete-ok 0"]);
    let left: Vec<String> =
        lab.broker.snapshot().exchanges.into_iter().map(|exchange| exchange.name).collect();
    assert_eq!(
        left,
        ["", "amq.direct", "amq.fanout", "amq.headers", "amq.match", "amq.rabbitmq.trace", "amq.topic"]
    );
    assert!(lab.broker.snapshot().bindings.is_empty());
}

#[test]
fn what_nobody_may_do_is_said_in_rabbitmqs_words() {
    let declare = |name: &str, kind: &str| {
        exchange::AMQPMethod::Declare(exchange::Declare {
            exchange: name.into(),
            kind: kind.into(),
            ..Default::default()
        })
    };
    let delete = |name: &str| {
        exchange::AMQPMethod::Delete(exchange::Delete { exchange: name.into(), ..Default::default() })
    };
    let publish = |exchange: &str, immediate| {
        basic::AMQPMethod::Publish(basic::Publish {
            exchange: exchange.into(),
            immediate,
            ..Default::default()
        })
    };
    let cases = [
        (
            AMQPClass::Exchange(declare("", "direct")),
            "403 ACCESS_REFUSED - operation not permitted on the default exchange",
        ),
        (
            AMQPClass::Exchange(declare("amq.mine", "direct")),
            "403 ACCESS_REFUSED - exchange name 'amq.mine' contains reserved prefix 'amq.*'",
        ),
        (AMQPClass::Exchange(declare("x", "odd")), "406 PRECONDITION_FAILED - unknown exchange type 'odd'"),
        (
            AMQPClass::Exchange(declare("amq.direct", "fanout")),
            "406 PRECONDITION_FAILED - inequivalent arg 'type' for exchange 'amq.direct' in vhost '/': received 'fanout' but current is 'direct'",
        ),
        (
            AMQPClass::Exchange(delete("amq.direct")),
            "403 ACCESS_REFUSED - deletion of system exchange 'amq.direct' in vhost '/' not allowed",
        ),
        (AMQPClass::Basic(publish("none", false)), "404 NOT_FOUND - no exchange 'none' in vhost '/'"),
        (
            AMQPClass::Basic(publish("amq.rabbitmq.trace", false)),
            "403 ACCESS_REFUSED - cannot publish to internal exchange 'amq.rabbitmq.trace' in vhost '/'",
        ),
        (AMQPClass::Basic(publish("", true)), "540 NOT_IMPLEMENTED - immediate=true"),
        (
            AMQPClass::Basic(basic::AMQPMethod::Recover(basic::Recover { requeue: false })),
            "540 NOT_IMPLEMENTED - requeue=false",
        ),
        (
            AMQPClass::Basic(basic::AMQPMethod::Get(basic::Get { queue: "".into(), no_ack: true })),
            "404 NOT_FOUND - no previously declared queue",
        ),
        (
            AMQPClass::Queue(queue::AMQPMethod::Declare(queue::Declare {
                queue: "q".into(),
                passive: true,
                ..Default::default()
            })),
            "404 NOT_FOUND - no queue 'q' in vhost '/'",
        ),
        (
            AMQPClass::Queue(queue::AMQPMethod::Declare(queue::Declare {
                queue: "amq.q".into(),
                ..Default::default()
            })),
            "403 ACCESS_REFUSED - queue name 'amq.q' contains reserved prefix 'amq.*'",
        ),
        (
            AMQPClass::Tx(tx::AMQPMethod::Commit(tx::Commit {})),
            "406 PRECONDITION_FAILED - channel is not transactional",
        ),
        (
            AMQPClass::Channel(channel::AMQPMethod::Flow(channel::Flow { active: false })),
            "540 NOT_IMPLEMENTED - active=false",
        ),
        (
            AMQPClass::Basic(basic::AMQPMethod::GetEmpty(basic::GetEmpty {})),
            "503 COMMAND_INVALID - a server does not take this method",
        ),
    ];
    for (method, answer) in cases {
        let mut lab = Lab::new(false);
        lab.broker.handle(
            PeerId(1),
            Command { channel: 1, method, content: Some(content(&durable(), "m")) },
            lab.now,
        );
        assert_eq!(lab.outputs(), [format!("1.1 {answer}")]);
    }
    let mut lab = Lab::new(false);
    lab.publish("", "q", &durable().with_user_id("root".into()), "m");
    lab.declare("q", &[]);
    lab.qos(1, 1, false);
    for _ in 0..2 {
        lab.consume(1, "q", "t", &[]);
    }
    let outputs = lab.outputs();
    assert_eq!(outputs[2..], ["1.1 530 NOT_ALLOWED - attempt to reuse consumer tag 't'"]);
}

#[test]
fn what_a_fan_out_holds_is_counted_once() {
    let mut lab = Lab::new(false);
    for queue in ["a", "b", "c"] {
        lab.declare(queue, &[]);
        lab.bind("amq.fanout", queue, "", &[]);
    }
    let body = "x".repeat(100_000);
    lab.publish("amq.fanout", "", &durable(), &body);
    let held = |lab: &Lab| (100_000..101_000).contains(&lab.broker.memory.used());
    assert!(held(&lab));
    for queue in ["a", "b"] {
        lab.empty(queue);
        assert!(held(&lab));
    }
    lab.empty("c");
    assert_eq!(lab.broker.memory.used(), 0);
}
