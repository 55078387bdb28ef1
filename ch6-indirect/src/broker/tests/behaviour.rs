//! What is reported of other brokers, and must not be true of this one: order, flags, acknowledgements, confirms.

use super::*;

#[test]
fn messages_go_in_order_to_consumers_in_turn() {
    let mut lab = Lab::new(false);
    lab.declare("q", &[]);
    lab.consume(1, "q", "a", &[]);
    lab.consume(2, "q", "b", &[]);
    lab.put("q", &["m1", "m2", "m3"]);
    let expected = [
        "1.1 consume-ok",
        "2.1 consume-ok",
        "1.1 deliver a #1 m1",
        "2.1 deliver b #1 m2",
        "1.1 deliver a #2 m3",
    ];
    assert_eq!(lab.outputs(), expected);
    let queue = lab.queue("q");
    assert_eq!((queue.ready, queue.unacknowledged, queue.bytes), (0, 3, 6));
    lab.ack(1, 0, true);
    lab.ack(2, 1, false);
    assert_eq!(lab.outputs(), [""; 0]);
    assert_eq!((lab.queue("q").acknowledged, lab.queue("q").bytes, lab.broker.memory.used()), (3, 0, 0));
}

#[test]
fn the_first_delivery_of_a_priority_queue_is_not_a_redelivery() {
    let mut lab = Lab::new(false);
    lab.declare("q", &[("x-max-priority", int(5))]);
    lab.qos(1, 1, false);
    lab.consume(1, "q", "a", &[]);
    for (priority, body) in [(0, "low"), (3, "high"), (9, "beyond")] {
        lab.publish("", "q", &durable().with_priority(priority), body);
        lab.outputs();
    }
    lab.ack(1, 1, false);
    assert_eq!(lab.outputs(), ["1.1 deliver a #2 beyond"]);
    lab.ack(1, 2, false);
    assert_eq!(lab.outputs(), ["1.1 deliver a #3 high"]);
}

#[test]
fn the_order_stays_when_a_consumer_dies_again_and_again() {
    let mut lab = Lab::new(false);
    lab.declare("q", &[("x-queue-type", text("quorum")), ("x-delivery-limit", int(-1))]);
    lab.put("q", &["1", "2", "3", "4", "5", "6", "7", "8"]);
    for round in 10..15 {
        lab.connect(round);
        lab.qos(round, 5, false);
        lab.consume(round, "q", "a", &[]);
        assert_eq!(lab.outputs().iter().filter(|line| line.contains("deliver")).count(), 5);
        lab.broker.close(PeerId(round), lab.now);
        lab.get(1, "q", false);
        let tag = round - 9;
        assert_eq!(lab.outputs(), [format!("1.1 got #{tag} 1 redelivered, 7 left")]);
        lab.nack(1, tag, false, true);
    }
    assert_eq!(
        lab.empty("q"),
        ["1", "2", "3", "4", "5", "6", "7", "8"].map(|body| match body {
            "1" | "2" | "3" | "4" | "5" => format!("{body} redelivered"),
            body => body.to_owned(),
        })
    );
}

#[test]
fn an_acknowledgement_is_for_a_delivery_of_this_channel_that_waits_for_it() {
    let unknown = |tag| format!("1.1 406 PRECONDITION_FAILED - unknown delivery tag {tag}");
    for (tag, is_multiple, settled, answer) in [
        (1, false, 1, None),
        (2, true, 2, None),
        (0, true, 3, None),
        (0, false, 0, Some(unknown(0))),
        (4, false, 0, Some(unknown(4))),
        (4, true, 0, Some(unknown(4))),
        (u64::MAX, true, 0, Some(unknown(u64::MAX))),
    ] {
        let mut lab = Lab::new(false);
        lab.declare("q", &[]);
        lab.put("q", &["a", "b", "c"]);
        lab.consume(1, "q", "t", &[]);
        lab.outputs();
        lab.ack(1, tag, is_multiple);
        let outputs = lab.outputs();
        assert_eq!(outputs, answer.clone().into_iter().collect::<Vec<_>>(), "{tag} {is_multiple}");
        let queue = lab.queue("q");
        // The exception closes the channel alone: what it had goes back.
        let left = if answer.is_some() { (3, 0) } else { (0, 3 - settled) };
        assert_eq!((queue.ready, queue.unacknowledged), left);
        if answer.is_none() && settled > 0 && tag > 0 {
            lab.ack(1, tag, false);
            assert_eq!(lab.outputs(), [unknown(tag)], "acknowledged twice");
        }
        lab.send(1, 2, AMQPClass::Channel(channel::AMQPMethod::Flow(channel::Flow { active: true })));
        assert_eq!(lab.outputs(), ["1.2 20.21"], "the other channel lives");
    }
}

#[test]
fn a_closed_channel_hears_nothing_until_the_client_knows() {
    let mut lab = Lab::new(false);
    lab.ack(1, 9, false);
    lab.ack(1, 9, false);
    lab.get(1, "nowhere", false);
    assert_eq!(lab.outputs(), ["1.1 406 PRECONDITION_FAILED - unknown delivery tag 9"]);
    lab.send(1, 1, AMQPClass::Channel(channel::AMQPMethod::CloseOk(channel::CloseOk {})));
    lab.get(1, "nowhere", false);
    assert_eq!(lab.outputs(), ["1.1 504 CHANNEL_ERROR - expected 'channel.open'"]);
    lab.send(1, 1, AMQPClass::Channel(channel::AMQPMethod::Open(channel::Open {})));
    assert_eq!(lab.outputs(), [""; 0], "a hard error ends the connection");
}

#[test]
fn what_a_client_has_counts_as_unacknowledged_however_it_got_it() {
    let mut lab = Lab::new(false);
    lab.declare("q", &[]);
    lab.put("q", &["a", "b", "c"]);
    lab.qos(1, 1, false);
    lab.consume(1, "q", "t", &[]);
    lab.get(1, "q", false);
    lab.outputs();
    assert_eq!((lab.queue("q").ready, lab.queue("q").unacknowledged), (1, 2));
    lab.basic(1, 1, basic::AMQPMethod::Cancel(basic::Cancel { consumer_tag: "t".into(), nowait: false }));
    assert_eq!(lab.outputs(), ["1.1 cancel-ok"]);
    assert_eq!(lab.queue("q").unacknowledged, 2, "a cancelled consumer keeps what it has");
    lab.basic(1, 1, basic::AMQPMethod::Recover(basic::Recover { requeue: true }));
    assert_eq!(lab.outputs(), ["1.1 recover-ok"]);
    assert_eq!(lab.empty("q"), ["a redelivered", "b redelivered", "c"]);
}

#[test]
fn a_return_comes_before_the_confirm_and_each_confirm_once() {
    let mut lab = Lab::new(false);
    lab.declare("q", &[]);
    lab.confirm_select(2);
    let mandatory =
        |key: &str| basic::Publish { routing_key: key.into(), mandatory: true, ..basic::Publish::default() };
    lab.publish_on(2, mandatory("nowhere"), &durable(), "lost");
    lab.publish_on(2, mandatory("q"), &durable(), "kept");
    lab.publish("", "nowhere", &durable(), "dropped");
    assert_eq!(lab.outputs(), ["2.1 return lost", "2.1 ack 1", "2.1 ack 2", "2.1 ack 3"]);
}

#[test]
fn a_higher_priority_consumer_that_joins_does_not_stop_a_single_active_one() {
    let mut lab = Lab::new(false);
    lab.declare("q", &[("x-single-active-consumer", AMQPValue::Boolean(true))]);
    lab.qos(1, 1, false);
    lab.consume(1, "q", "low", &[]);
    lab.consume(2, "q", "high", &[("x-priority", int(10))]);
    lab.put("q", &["a", "b", "c"]);
    lab.outputs();
    lab.ack(1, 1, false);
    assert_eq!(lab.outputs(), ["1.1 deliver low #2 b"]);
    lab.broker.close(PeerId(1), lab.now);
    assert_eq!(lab.outputs(), ["2.1 deliver high #1 b redelivered", "2.1 deliver high #2 c"]);
}

#[test]
fn consumers_of_a_higher_priority_get_all_while_they_can_take_it() {
    let mut lab = Lab::new(false);
    lab.declare("q", &[]);
    lab.qos(2, 2, false);
    lab.consume(1, "q", "low", &[]);
    lab.consume(2, "q", "high", &[("x-priority", int(1))]);
    lab.outputs();
    lab.put("q", &["a", "b", "c"]);
    assert_eq!(lab.outputs(), ["2.1 deliver high #1 a", "2.1 deliver high #2 b", "1.1 deliver low #1 c"]);
    lab.ack(2, 1, false);
    lab.put("q", &["d"]);
    assert_eq!(lab.outputs(), ["2.1 deliver high #3 d"]);
}

#[test]
fn prefetch_of_a_channel_is_shared_by_its_consumers() {
    let mut lab = Lab::new(false);
    lab.declare("q", &[]);
    lab.declare("r", &[]);
    lab.qos(1, 2, true);
    lab.consume(1, "q", "a", &[]);
    lab.consume(1, "r", "b", &[]);
    lab.outputs();
    lab.put("q", &["q1", "q2"]);
    lab.put("r", &["r1"]);
    assert_eq!(lab.outputs(), ["1.1 deliver a #1 q1", "1.1 deliver b #2 r1"]);
    lab.ack(1, 2, false);
    assert_eq!(lab.outputs(), ["1.1 deliver a #3 q2"]);
}

#[test]
fn a_full_connection_gets_nothing_until_there_is_room() {
    let mut lab = Lab::new(false);
    lab.declare("q", &[]);
    lab.consume_with(
        1,
        basic::Consume { queue: "q".into(), consumer_tag: "t".into(), no_ack: true, ..Default::default() },
    );
    lab.outputs();
    lab.put("q", &["a", "b"]);
    lab.broker.handle_full(PeerId(1));
    assert_eq!(lab.outputs(), [""; 0]);
    assert_eq!(lab.queue("q").ready, 2);
    lab.broker.handle_room(PeerId(1));
    assert_eq!(lab.outputs(), ["1.1 deliver t #1 a", "1.1 deliver t #2 b"]);
    assert_eq!(lab.broker.memory.used(), 0);
}
