//! What is published is delivered: every length around the size of a frame, every type of a header, and many at once.

use ch6_indirect::amqp::FieldTable;
use ch6_indirect::amqp::frame::OVERHEAD;

use crate::client::{Client, Introduction, delivered};
use crate::support::Broker;

fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8).collect()
}

#[test]
fn bodies_around_the_size_of_a_frame_come_whole_to_clients_with_other_sizes() {
    let broker = Broker::start(&[]);
    let small = Introduction { frame_max: 4096, ..Introduction::default() };
    let mut publisher = Client::with_channel(broker.address);
    publisher.declare("whole", [false; 3], FieldTable::default());
    let mut consumers = [Client::with_channel(broker.address), Client::introduce(broker.address, &small)];
    consumers[1].open_channel(1);
    for most in [4096, 131_072] {
        for length in [0, 1, most - OVERHEAD - 1, most - OVERHEAD, most - OVERHEAD + 1, 3 * most] {
            let body = bytes(length);
            for consumer in &mut consumers {
                publisher.publish("", "whole", &body);
                publisher.hears_nothing_else();
                let (_, content) = consumer.get("whole", true).unwrap();
                assert!(content.body() == body, "{length}");
            }
        }
    }
}

#[test]
fn a_body_of_many_megabytes_comes_whole() {
    let broker = Broker::start(&[]);
    let mut client = Client::with_channel(broker.address);
    client.declare("long", [false; 3], FieldTable::default());
    client.consume("long", true);
    let body = bytes(10_000_000);
    for _ in 0..3 {
        client.publish("", "long", &body);
        let (_, _, content) = delivered(client.hear());
        assert!(content.body() == body);
    }
}

#[test]
fn a_body_that_is_too_long_ends_its_channel_and_not_its_connection() {
    let broker = Broker::start(&[]);
    let mut client = Client::with_channel(broker.address);
    let mut frames = client.publishing("", "q", false, b"\0\0", b"x");
    let at = frames.len() - 12 - OVERHEAD; // the length of the body, in its header
    frames[at..at + 8].copy_from_slice(&(128 * 1024 * 1024 + 1u64).to_be_bytes());
    client.send(&frames);
    let (code, text) = client.hear_channel_close();
    assert_eq!(code, 406);
    assert!(text.contains("larger than max size"), "{text}");
    client.declare("q", [false; 3], FieldTable::default());
}

#[test]
fn every_type_of_a_header_comes_as_it_was_sent() {
    let broker = Broker::start(&[]);
    let mut client = Client::with_channel(broker.address);
    client.declare("types", [false; 3], FieldTable::default());
    let table: Vec<u8> = [
        &b"\x01tt\x01"[..],
        b"\x01bb\xff",
        b"\x01BB\xff",
        b"\x01ss\xff\xfe",
        b"\x01uu\xff\xfe",
        b"\x01II\xff\xff\xff\xfe",
        b"\x01ii\xff\xff\xff\xfe",
        b"\x01ll\xff\xff\xff\xff\xff\xff\xff\xfe",
        b"\x01ff\x3f\x80\0\0",
        b"\x01dd\x3f\xf0\0\0\0\0\0\0",
        b"\x01DD\x02\0\0\x01\x3a",
        b"\x01SS\0\0\0\x04text",
        b"\x01AA\0\0\0\x03t\x01V",
        b"\x01TT\0\0\0\0\x5f\0\0\0",
        b"\x01FF\0\0\0\x03\x01vV",
        b"\x01VV",
        b"\x01xx\0\0\0\x02\0\xff",
    ]
    .concat();
    let length = u32::try_from(table.len()).unwrap().to_be_bytes();
    let properties = [&b"\x20\0"[..], &length, &table].concat();
    client.send(&client.publishing("", "types", false, &properties, b"body"));
    let (_, content) = client.get("types", true).unwrap();
    assert_eq!(content.properties(), properties);
}

#[test]
fn ten_thousand_come_in_their_order() {
    let broker = Broker::start(&[]);
    let mut publisher = Client::with_channel(broker.address);
    publisher.declare("order", [false; 3], FieldTable::default());
    let mut consumer = Client::with_channel(broker.address);
    consumer.consume("order", false);
    let frames: Vec<u8> = (0..10_000u32)
        .flat_map(|number| publisher.publishing("", "order", false, b"\0\0", &number.to_be_bytes()))
        .collect();
    publisher.send(&frames);
    for number in 0..10_000u32 {
        let (tag, is_redelivered, content) = delivered(consumer.hear());
        assert_eq!((tag, is_redelivered), (u64::from(number) + 1, false));
        assert_eq!(content.body(), number.to_be_bytes());
        consumer.ack(tag, false);
    }
    consumer.hears_nothing_else();
}
