//! Frames of every illegal kind: each ends the connection that it came on, with the right code, and the broker goes on.

use std::net::SocketAddr;

use ch6_indirect::amqp::FieldTable;
use ch6_indirect::amqp::frame::{BODY, END, HEADER, HEARTBEAT, METHOD};

use crate::client::{Client, declare, open_channel};
use crate::support::Broker;

/// A frame around this payload.
fn frame(kind: u8, channel: u16, payload: &[u8]) -> Vec<u8> {
    let size = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&[kind][..], &channel.to_be_bytes(), &size, payload, &[END]].concat()
}

/// The code that these bytes are answered with, on a connection with channel 1 open.
fn code(address: SocketAddr, bytes: &[u8]) -> u16 {
    let mut client = Client::with_channel(address);
    client.send(bytes);
    client.hear_close().0
}

const PUBLISH: &[u8] = b"\0\x3c\0\x28\0\0\0\x01q\0";

fn header(class: u8, length: u64) -> Vec<u8> {
    [&[0, class, 0, 0][..], &length.to_be_bytes(), &[0, 0]].concat()
}

#[test]
fn each_has_its_code() {
    let broker = Broker::start(&[]);
    let mut bystander = Client::with_channel(broker.address);
    bystander.declare("q", [false; 3], FieldTable::default());
    let publish = frame(METHOD, 1, PUBLISH);
    let long = [&[METHOD, 0, 1][..], &131_065u32.to_be_bytes()].concat();
    let mut bad_end = frame(METHOD, 1, PUBLISH);
    *bad_end.last_mut().unwrap() = 0;
    for (what, bytes, expected) in [
        ("an unknown type", frame(4, 0, b""), 501),
        ("another end octet", bad_end, 501),
        ("a frame longer than agreed, which is not awaited", long, 501),
        ("an unknown class", frame(METHOD, 1, b"\0\x63\0\x0a"), 503),
        ("an unknown method", frame(METHOD, 1, b"\0\x3c\0\x63"), 540),
        ("an unknown method of the connection", frame(METHOD, 0, b"\0\x0a\0\x63"), 540),
        ("a method without numbers", frame(METHOD, 1, b"\0"), 502),
        ("arguments that are cut", frame(METHOD, 1, &PUBLISH[..6]), 502),
        ("bytes behind the arguments", frame(METHOD, 1, b"\0\x14\0\x14\x01\0"), 502),
        ("a heartbeat on a channel", frame(HEARTBEAT, 1, b""), 505),
        ("a heartbeat that carries something", frame(HEARTBEAT, 0, b"x"), 501),
        ("a header without a publish", frame(HEADER, 1, &header(60, 1)), 505),
        ("a body without a publish", frame(BODY, 1, b"x"), 505),
        ("a body without a header", [publish.clone(), frame(BODY, 1, b"x")].concat(), 505),
        ("a method inside a content", [publish.clone(), publish.clone()].concat(), 505),
        ("a header of another class", [publish.clone(), frame(HEADER, 1, &header(50, 1))].concat(), 505),
        (
            "more than the header says",
            [publish.clone(), frame(HEADER, 1, &header(60, 1)), frame(BODY, 1, b"xy")].concat(),
            501,
        ),
        ("a header that is too short", [publish.clone(), frame(HEADER, 1, b"\0\x3c\0\0")].concat(), 502),
        (
            "properties that cannot be read",
            [publish.clone(), frame(HEADER, 1, b"\0\x3c\0\0\0\0\0\0\0\0\0\0\x80\0\x05a")].concat(),
            502,
        ),
        ("a channel that is not open", frame(METHOD, 9, PUBLISH), 504),
        ("a delivery, which only a broker makes", delivery(), 503),
    ] {
        if expected == 504 {
            let content = [bytes, frame(HEADER, 9, &header(60, 0))].concat();
            assert_eq!(code(broker.address, &content), expected, "{what}");
            continue;
        }
        assert_eq!(code(broker.address, &bytes), expected, "{what}");
        bystander.hears_nothing_else();
    }
    bystander.publish("", "q", b"still here");
    assert_eq!(bystander.get("q", true).unwrap().1.body(), b"still here");
}

fn delivery() -> Vec<u8> {
    let method = frame(METHOD, 1, b"\0\x3c\0\x3c\x01t\0\0\0\0\0\0\0\x01\0\0\x01q");
    [method, frame(HEADER, 1, &header(60, 0))].concat()
}

/// Twenty thousand arrays in each other: a reader that calls itself would end the whole process.
#[test]
fn a_table_without_a_bottom_ends_its_connection_only() {
    let broker = Broker::start(&[]);
    let mut value = vec![b'V'];
    for _ in 0..20_000 {
        let length = u32::try_from(value.len()).unwrap();
        value = [&b"A"[..], &length.to_be_bytes(), &value].concat();
    }
    let entry = [&b"\x01a"[..], &value].concat();
    let table = [&u32::try_from(entry.len()).unwrap().to_be_bytes()[..], &entry].concat();
    let arguments = [&b"\0\x32\0\x0a\0\0\x01q\0"[..], &table].concat();
    assert_eq!(code(broker.address, &frame(METHOD, 1, &arguments)), 502);
    let properties = [&b"\0\x3c\0\0\0\0\0\0\0\0\0\0\x20\0"[..], &table].concat();
    let content = [frame(METHOD, 1, PUBLISH), frame(HEADER, 1, &properties)].concat();
    assert_eq!(code(broker.address, &content), 502);
    Client::with_channel(broker.address).close();
}

/// A client that dies at any byte of a conversation leaves nothing behind.
#[test]
fn a_stream_may_be_cut_at_every_byte() {
    let broker = Broker::start(&[]);
    let mut rest = Vec::new();
    ch6_indirect::amqp::frame::write_method(&mut rest, 1, &open_channel());
    let declaration = declare("cut", [false, true, false], FieldTable::default());
    ch6_indirect::amqp::frame::write_method(&mut rest, 1, &declaration);
    rest.extend(frame(METHOD, 1, b"\0\x3c\0\x28\0\0\0\x03cut\0"));
    rest.extend(frame(HEADER, 1, &header(60, 3)));
    rest.extend(frame(BODY, 1, b"abc"));
    for cut in 0..rest.len() {
        let mut client = Client::connect(broker.address);
        client.send(&rest[..cut]);
    }
    // The last ones may not be gone yet: their exclusive queue is another's as long as they are there.
    crate::support::eventually("the queue of the last one is gone", || {
        let mut client = Client::with_channel(broker.address);
        client.method(1, declare("cut", [false, true, false], FieldTable::default()));
        crate::client::is_method(&client.hear(), 50, 11)
    });
}

/// Any cut of the same bytes says the same.
#[test]
fn bytes_may_come_one_by_one() {
    let broker = Broker::start(&[]);
    let mut client = Client::with_channel(broker.address);
    client.declare("slow", [false; 3], FieldTable::default());
    for byte in client.publishing("", "slow", false, b"\0\0", b"one by one") {
        client.send(&[byte]);
    }
    assert_eq!(client.get("slow", true).unwrap().1.body(), b"one by one");
}
