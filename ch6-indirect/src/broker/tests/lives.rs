//! What goes with what: exclusive queues, transactions, replies, permissions, and publishers that do not wait.

use super::*;

#[test]
fn a_queue_that_goes_tells_its_consumers() {
    let mut lab = Lab::new(false);
    lab.declare("q", &[]);
    lab.put("q", &["a", "b"]);
    lab.qos(2, 1, false);
    lab.consume(2, "q", "t", &[]);
    lab.outputs();
    lab.send(
        1,
        1,
        AMQPClass::Queue(queue::AMQPMethod::Delete(queue::Delete {
            queue: "q".into(),
            ..Default::default()
        })),
    );
    assert_eq!(lab.outputs(), ["2.1 cancel t", "1.1 delete-ok 1"]);
    lab.ack(2, 1, false);
    assert_eq!(lab.outputs(), [""; 0], "what was delivered from it may still be acknowledged");
    assert_eq!(lab.broker.memory.used(), 0);
}

#[test]
fn an_exclusive_queue_is_its_connections_and_goes_with_it() {
    let mut lab = Lab::new(false);
    let mine = || queue::Declare { exclusive: true, ..declare("mine", &[]) };
    lab.declare_on(1, mine());
    lab.declare_on(2, mine());
    let locked =
        "2.1 405 RESOURCE_LOCKED - cannot obtain exclusive access to locked queue 'mine' in vhost '/'.";
    let outputs = lab.outputs();
    assert_eq!(outputs[0], "1.1 declare-ok 0");
    assert!(outputs[1].starts_with(locked), "{}", outputs[1]);
    lab.broker.close(PeerId(1), lab.now);
    lab.connect(3);
    lab.declare_on(3, mine());
    assert_eq!(lab.outputs(), ["3.1 declare-ok 0"]);
}

#[test]
fn a_queue_declared_otherwise_is_refused_with_the_difference() {
    let mut lab = Lab::new(false);
    lab.declare("q", &[("x-message-ttl", int(1000))]);
    let what = "for queue 'q' in vhost '/'";
    let ttl = |received: &str| {
        format!(
            "inequivalent arg 'x-message-ttl' {what}: received {received} but current is the value '1000' of type 'signedint'"
        )
    };
    let cases = [
        (
            queue::Declare { durable: false, ..declare("q", &[("x-message-ttl", int(1000))]) },
            format!("inequivalent arg 'durable' {what}: received 'false' but current is 'true'"),
        ),
        (queue::Declare { durable: true, ..declare("q", &[]) }, ttl("none")),
        (
            queue::Declare { durable: true, ..declare("q", &[("x-message-ttl", int(5))]) },
            ttl("the value '5' of type 'signedint'"),
        ),
    ];
    for (declare, why) in cases {
        lab.declare_on(2, declare);
        assert_eq!(lab.outputs(), [format!("2.1 406 PRECONDITION_FAILED - {why}")]);
        lab.send(2, 1, AMQPClass::Channel(channel::AMQPMethod::CloseOk(channel::CloseOk {})));
        lab.send(2, 1, AMQPClass::Channel(channel::AMQPMethod::Open(channel::Open {})));
        lab.outputs();
    }
    let classic =
        declare("q", &[("x-message-ttl", AMQPValue::LongLongInt(1000)), ("x-queue-type", text("classic"))]);
    lab.declare_on(2, queue::Declare { durable: true, ..classic });
    assert_eq!(lab.outputs(), ["2.1 declare-ok 0"]);
}

#[test]
fn a_transaction_happens_whole_or_not_at_all() {
    let mut lab = Lab::new(false);
    lab.declare("q", &[]);
    lab.put("q", &["old"]);
    lab.tx(1, tx::AMQPMethod::Select(tx::Select {}));
    lab.get(1, "q", false);
    lab.outputs();
    let publish = || basic::Publish { routing_key: "q".into(), ..basic::Publish::default() };
    lab.publish_on(1, publish(), &durable(), "new");
    lab.ack(1, 1, false);
    assert_eq!((lab.queue("q").ready, lab.queue("q").unacknowledged), (0, 1));
    lab.tx(1, tx::AMQPMethod::Rollback(tx::Rollback {}));
    assert_eq!(lab.outputs(), ["1.1 rollback-ok"]);
    lab.publish_on(1, publish(), &durable(), "new");
    lab.ack(1, 1, false);
    lab.tx(1, tx::AMQPMethod::Commit(tx::Commit {}));
    assert_eq!(lab.outputs(), ["1.1 commit-ok"]);
    assert_eq!((lab.queue("q").ready, lab.queue("q").unacknowledged), (1, 0));
    assert_eq!(lab.empty("q"), ["new"]);
    assert_eq!(lab.broker.memory.used(), 0);
    lab.confirm_select(1);
    assert_eq!(lab.outputs(), ["1.1 406 PRECONDITION_FAILED - cannot switch from tx to confirm mode"]);
}

#[test]
fn a_reply_comes_to_the_client_that_asked() {
    let mut lab = Lab::new(false);
    lab.declare("server", &[]);
    let to = || BasicProperties::default().with_reply_to("amq.rabbitmq.reply-to".into());
    lab.consume_with(
        2,
        basic::Consume {
            queue: "amq.rabbitmq.reply-to".into(),
            consumer_tag: "r".into(),
            no_ack: true,
            ..Default::default()
        },
    );
    lab.publish("", "server", &to(), "question");
    assert_eq!(lab.outputs(), ["2.1 consume-ok"]);
    lab.get(1, "server", true);
    let address = loop {
        if let Some(Output::GetOk { message, .. }) = lab.broker.poll_output(lab.now) {
            let properties = properties::Properties::read(message.content.properties()).unwrap();
            break String::from_utf8(properties.text(properties::Property::ReplyTo).unwrap().to_vec())
                .unwrap();
        }
    };
    lab.declare_on(1, queue::Declare { passive: true, ..declare(&address, &[]) });
    let answer = || basic::Publish {
        routing_key: address.as_str().into(),
        mandatory: true,
        ..basic::Publish::default()
    };
    lab.publish_on(1, answer(), &durable(), "answer");
    assert_eq!(lab.outputs(), ["1.1 declare-ok 0", "2.1 deliver r #1 answer"]);
    lab.broker.close(PeerId(2), lab.now);
    lab.publish_on(1, answer(), &durable(), "too late");
    assert_eq!(lab.outputs(), ["1.1 return too late"]);
    lab.publish_on(
        1,
        basic::Publish { routing_key: "server".into(), ..basic::Publish::default() },
        &to(),
        "no consumer",
    );
    assert_eq!(lab.outputs(), ["1.1 406 PRECONDITION_FAILED - fast reply consumer does not exist"]);
}

#[test]
fn what_the_user_may_not_do_is_refused() {
    let mut lab = Lab::new(false);
    lab.declare("q", &[]);
    let only_read = Permissions { configure: Pattern::None, write: Pattern::None, read: Pattern::All };
    lab.broker.open(PeerId(7), Login { user: "reader".into(), permissions: only_read, ..login() });
    lab.send(7, 1, AMQPClass::Channel(channel::AMQPMethod::Open(channel::Open {})));
    lab.get(7, "q", false);
    lab.publish_on(7, basic::Publish { routing_key: "q".into(), ..Default::default() }, &durable(), "m");
    let refused =
        "7.1 403 ACCESS_REFUSED - access to exchange 'amq.default' in vhost '/' refused for user 'reader'";
    assert_eq!(lab.outputs(), ["7.1 20.11", "7.1 get-empty", refused]);
}

#[test]
fn publishers_are_held_back_and_those_who_do_not_wait_are_refused() {
    let mut lab = Lab::with(Settings { memory: 10_000, is_durable: false });
    lab.declare("q", &[]);
    lab.confirm_select(2);
    let body = "x".repeat(1000);
    let outputs: Vec<String> = (0..30)
        .flat_map(|_| {
            lab.publish("", "q", &durable(), &body);
            lab.outputs()
        })
        .collect();
    let blocked = outputs.iter().position(|line| line == "2 blocked Some(\"low on memory\")").unwrap();
    assert!((7..10).contains(&blocked), "{outputs:?}");
    let refused = outputs.iter().filter(|line| line.starts_with("2.1 nack")).count();
    assert!((10..20).contains(&refused), "{outputs:?}");
    assert_eq!(outputs.len(), 31, "one confirm for each, and the word");
    lab.publish_on(1, basic::Publish { routing_key: "q".into(), ..Default::default() }, &durable(), &body);
    let outputs = lab.outputs();
    assert_eq!(
        outputs,
        [
            "1 blocked Some(\"low on memory\")",
            "1.1 506 RESOURCE_ERROR - low on memory: this publisher did not wait"
        ]
    );
    lab.send(
        2,
        2,
        AMQPClass::Queue(queue::AMQPMethod::Purge(queue::Purge { queue: "q".into(), nowait: true })),
    );
    assert_eq!(lab.outputs(), ["1 blocked None", "2 blocked None"]);
    assert_eq!(lab.broker.memory.used(), 0);
}

#[test]
fn an_alarm_ends_with_deliveries_alone() {
    let mut lab = Lab::with(Settings { memory: 10_000, is_durable: false });
    lab.declare("q", &[]);
    lab.consume_with(
        1,
        basic::Consume { queue: "q".into(), consumer_tag: "t".into(), no_ack: true, ..Default::default() },
    );
    lab.broker.handle_full(PeerId(1));
    let body = "x".repeat(1000);
    (0..12).for_each(|_| lab.publish("", "q", &durable(), &body));
    assert_eq!(lab.outputs().last().map(String::as_str), Some("2 blocked Some(\"low on memory\")"));
    lab.broker.handle_room(PeerId(1));
    assert!(
        lab.outputs().contains(&"2 blocked None".to_owned()),
        "no publisher and no acknowledgement comes to end it"
    );
}

#[test]
fn each_virtual_host_has_names_of_its_own() {
    let mut lab = Lab::new(false);
    lab.declare("q", &[]);
    lab.put("q", &["m"]);
    lab.broker.open(PeerId(5), Login { vhost: "other".into(), ..login() });
    lab.send(5, 1, AMQPClass::Channel(channel::AMQPMethod::Open(channel::Open {})));
    lab.outputs();
    lab.get(5, "q", true);
    assert_eq!(lab.outputs(), ["5.1 404 NOT_FOUND - no queue 'q' in vhost 'other'"]);
}
