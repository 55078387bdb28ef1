//! Heartbeats: the broker sends them, and a client of which no byte comes for two intervals is gone.

use std::thread::sleep;
use std::time::{Duration, Instant};

use ch6_indirect::amqp::FieldTable;
use ch6_indirect::amqp::frame::{END, HEARTBEAT, METHOD};

use crate::client::{Client, Introduction, channel_closed, declare, delivered, is_method};
use crate::support::{Broker, eventually};

fn every_second() -> Introduction {
    Introduction { heartbeat: 1, ..Introduction::default() }
}

const BEAT: [u8; 8] = [HEARTBEAT, 0, 0, 0, 0, 0, 0, END];

#[test]
fn it_hears_heartbeats_and_is_cut_after_two_intervals_of_silence() {
    let broker = Broker::start(&[]);
    let mut client = Client::introduce(broker.address, &every_second());
    let began = Instant::now();
    assert_eq!(client.try_hear().unwrap_err(), "the end");
    let lived = began.elapsed();
    assert!(lived >= Duration::from_millis(1900), "{lived:?}");
    assert!(client.heartbeats >= 2, "{}", client.heartbeats);
}

#[test]
fn a_heartbeat_is_life_and_so_is_every_byte_of_a_frame_that_is_under_way() {
    let broker = Broker::start(&[]);
    let mut clients = [0, 1].map(|_| Client::introduce(broker.address, &every_second()));
    let open = [METHOD, 0, 1, 0, 0, 0, 5, 0, 20, 0, 10, 0, END];
    for byte in open {
        sleep(Duration::from_millis(400)); // all of it takes more than five seconds
        clients[0].send(&BEAT);
        clients[1].send(&[byte]);
    }
    clients[0].open_channel(1);
    let ok = clients[1].hear();
    assert!(is_method(&ok, 20, 11), "{ok:?}");
}

#[test]
fn what_a_dead_client_had_is_there_for_the_next() {
    let broker = Broker::start(&[]);
    let mut dead = Client::introduce(broker.address, &every_second());
    dead.open_channel(1);
    let exclusive = || declare("mine", [false, true, false], FieldTable::default());
    let ok = dead.ask(1, exclusive());
    assert!(is_method(&ok, 50, 11), "{ok:?}");
    dead.declare("work", [false; 3], FieldTable::default());
    dead.publish("", "work", b"job");
    dead.consume("work", false);
    assert_eq!(delivered(dead.hear()).2.body(), b"job");
    // It is silent from here on, and its socket stays open. Its client comes again.
    let mut next = Client::with_channel(broker.address);
    assert_eq!(channel_closed(&next.ask(1, exclusive())).0, 405);
    eventually("the queue is free", || {
        let mut next = Client::with_channel(broker.address);
        let answer = next.ask(1, exclusive());
        is_method(&answer, 50, 11)
    });
    let mut worker = Client::with_channel(broker.address);
    worker.consume("work", false);
    let (_, is_redelivered, content) = delivered(worker.hear());
    assert_eq!((is_redelivered, content.body()), (true, &b"job"[..]));
}

#[test]
fn after_a_clean_end_an_exclusive_name_is_free_at_once() {
    let broker = Broker::start(&[]);
    let mut closed = Vec::new();
    for _ in 0..20 {
        let mut client = Client::with_channel(broker.address);
        client.declare("mine", [false, true, false], FieldTable::default());
        closed.push(client.close());
    }
}

#[test]
fn one_without_heartbeats_may_be_silent() {
    let broker = Broker::start(&[]);
    let mut client = Client::with_channel(broker.address);
    sleep(Duration::from_secs(3));
    client.hears_nothing_else();
    assert_eq!(client.heartbeats, 0);
}
