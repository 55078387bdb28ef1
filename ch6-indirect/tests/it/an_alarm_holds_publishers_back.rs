//! Memory is full: publishers wait, and are told so; acknowledgements and heartbeats go on, and then everything does.

use std::time::Duration;

use ch6_indirect::amqp::FieldTable;

use crate::client::{Client, Introduction, delivered, is_method};
use crate::support::Broker;

const BODY: usize = 100_000;

#[test]
fn a_blocked_publisher_waits_until_consumers_have_made_room() {
    let broker = Broker::start(&["--queue-memory", "1MiB"]);
    let mut publisher = Client::with_channel(broker.address);
    publisher.declare("q", [false; 3], FieldTable::default());
    let frames = publisher.publishing("", "q", false, b"\0\0", &vec![b'x'; BODY]);
    for _ in 0..40 {
        publisher.send(&frames);
    }
    let blocked = publisher.hear();
    assert!(is_method(&blocked, 10, 60), "{blocked:?}");
    // Nobody else waits: a consumer comes, and its acknowledgements make room.
    let mut consumer = Client::with_channel(broker.address);
    consumer.consume("q", false);
    for tag in 1..=40 {
        let (got, _, content) = delivered(consumer.hear());
        assert_eq!((got, content.body().len()), (tag, BODY));
        consumer.ack(tag, false);
    }
    let mut heard = publisher.hear();
    while is_method(&heard, 10, 60) {
        heard = publisher.hear();
    }
    assert!(is_method(&heard, 10, 61), "{heard:?}");
}

#[test]
fn the_acknowledgements_of_a_blocked_client_go_on() {
    let broker = Broker::start(&["--queue-memory", "1MiB"]);
    let mut client = Client::with_channel(broker.address);
    client.declare("q", [false; 3], FieldTable::default());
    client.qos(1);
    client.consume("q", false);
    let frames = client.publishing("", "q", false, b"\0\0", &vec![b'x'; BODY]);
    for _ in 0..20 {
        client.send(&frames);
    }
    let mut tag = 0;
    while tag < 20 {
        let heard = client.hear();
        if is_method(&heard, 10, 60) || is_method(&heard, 10, 61) {
            continue;
        }
        tag += 1;
        assert_eq!(delivered(heard).0, tag);
        client.ack(tag, false);
    }
}

#[test]
fn a_blocked_client_that_sends_heartbeats_lives_and_hears_some() {
    let broker = Broker::start(&["--queue-memory", "1MiB"]);
    let mut client =
        Client::introduce(broker.address, &Introduction { heartbeat: 1, ..Introduction::default() });
    client.open_channel(1);
    client.declare("q", [false; 3], FieldTable::default());
    let frames = client.publishing("", "q", false, b"\0\0", &vec![b'x'; BODY]);
    for _ in 0..30 {
        client.send(&frames); // so much that it is not read from any more
    }
    assert!(is_method(&client.hear(), 10, 60));
    client.stream.set_read_timeout(Some(Duration::from_millis(400))).unwrap();
    for _ in 0..10 {
        client.send(&[8, 0, 0, 0, 0, 0, 0, 0xCE]);
        assert_ne!(client.try_hear().unwrap_err(), "the end");
    }
    assert!(client.heartbeats >= 3, "{}", client.heartbeats);
}
