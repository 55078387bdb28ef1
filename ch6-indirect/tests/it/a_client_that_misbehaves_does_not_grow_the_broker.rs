//! Clients that take and do not give: the memory of the broker stays bounded, and the others are served.

use std::io::{ErrorKind, Write};
use std::time::Duration;

use ch6_indirect::amqp::FieldTable;
use ch6_indirect::amqp::frame::{END, HEADER, METHOD, write_method};

use crate::client::{Client, delivered, open_channel};
use crate::support::{Broker, eventually};

const MIB: u64 = 1024 * 1024;

/// Writes again and again, until nothing is taken for a second; how many bytes it was.
fn write_until_it_stalls(client: &mut Client, bytes: &[u8], most: u64) -> u64 {
    client.stream.set_write_timeout(Some(Duration::from_secs(1))).unwrap();
    let mut written = 0;
    while written < most {
        match client.stream.write(bytes) {
            Ok(count) if count == bytes.len() => written += count as u64,
            Ok(_) => break, // the rest would have to follow: a frame is cut, and the client is of no more use
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => break,
            Err(error) => panic!("{error}"),
        }
    }
    written
}

#[test]
fn a_publisher_that_never_reads_its_confirms_is_slowed_down() {
    let broker = Broker::start(&[]);
    let mut publisher = Client::with_channel(broker.address);
    publisher.select_confirms();
    let before = broker.memory();
    // Nobody has bound a queue: nothing is kept but the confirms.
    let frames = publisher.publishing("amq.fanout", "", false, b"\0\0", b"").repeat(1000);
    let most = 400 * MIB;
    let written = write_until_it_stalls(&mut publisher, &frames, most);
    assert!(written < most, "nothing slowed it down");
    let grown = broker.memory().saturating_sub(before);
    assert!(grown < 16 * MIB, "{grown} bytes more");
    Client::with_channel(broker.address).close();
}

#[test]
fn consumers_that_do_not_read_get_a_bounded_share_and_the_others_theirs() {
    let broker = Broker::start(&[]);
    let mut publisher = Client::with_channel(broker.address);
    publisher.declare("quick", [false; 3], FieldTable::default());
    let mut quick = Client::with_channel(broker.address);
    quick.consume("quick", true);
    let mut slow: Vec<Client> = (0..8).map(|_| Client::with_channel(broker.address)).collect();
    for client in &mut slow {
        let queue = client.declare("", [false, true, false], FieldTable::default());
        client.bind(&queue, "amq.fanout");
        client.consume(&queue, true);
    }
    let before = broker.memory();
    let body = vec![b'x'; 1000];
    for _ in 0..20_000 {
        publisher.publish("amq.fanout", "", &body);
    }
    for _ in 0..1000 {
        publisher.publish("", "quick", &body);
        assert_eq!(delivered(quick.hear()).2.body().len(), 1000);
    }
    // 20 MB are there, once. Written into eight outboxes they would be 160 MB.
    let grown = broker.memory().saturating_sub(before);
    assert!(grown < 100 * MIB, "{grown} bytes more");
    for client in &mut slow {
        for _ in 0..20_000 {
            assert_eq!(delivered(client.hear()).2.body().len(), 1000);
        }
    }
}

#[test]
fn a_consumer_that_never_acknowledges_gets_its_prefetch_and_no_more() {
    let broker = Broker::start(&[]);
    let mut client = Client::with_channel(broker.address);
    client.declare("q", [false; 3], FieldTable::default());
    for _ in 0..100 {
        client.publish("", "q", b"x");
    }
    client.qos(10);
    client.consume("q", false);
    for tag in 1..=10 {
        assert_eq!(delivered(client.hear()).0, tag);
    }
    client.hears_nothing_else();
    client.ack(10, true);
    for tag in 11..=20 {
        assert_eq!(delivered(client.hear()).0, tag);
    }
}

#[test]
fn all_channels_may_be_open_and_each_may_hold_half_a_message() {
    let broker = Broker::start(&["--queue-memory", "64MiB"]);
    let mut client = Client::connect(broker.address);
    let before = broker.memory();
    for channel in 1..=2047u16 {
        client.method(channel, open_channel());
    }
    for channel in 1..=2047 {
        assert_eq!(client.hear().channel, channel);
    }
    for channel in 1..=2047u16 {
        let mut frames = Vec::new();
        let publish = ch6_indirect::amqp::basic::Publish {
            exchange: "".into(),
            routing_key: "q".into(),
            mandatory: false,
            immediate: false,
        };
        let publish = ch6_indirect::amqp::basic::AMQPMethod::Publish(publish);
        write_method(&mut frames, channel, &ch6_indirect::amqp::AMQPClass::Basic(publish));
        let header = [&[0, 60, 0, 0][..], &(100 * MIB).to_be_bytes(), &[0, 0]].concat();
        let [high, low] = channel.to_be_bytes();
        frames.extend([HEADER, high, low, 0, 0, 0, 14]);
        frames.extend(header);
        frames.push(END);
        client.send(&frames);
    }
    client.open_again_is_refused();
    let grown = broker.memory().saturating_sub(before);
    assert!(grown < 64 * MIB, "{grown} bytes more");
}

impl Client {
    /// A channel that is open cannot be opened again (504), and no further one than was agreed (530).
    fn open_again_is_refused(&mut self) {
        let mut frame = Vec::new();
        write_method(&mut frame, 2048, &open_channel());
        assert_eq!(frame[0], METHOD);
        self.send(&frame);
        assert_eq!(self.hear_close().0, 530);
    }
}

#[test]
fn half_messages_of_all_clients_share_one_budget() {
    let broker = Broker::start(&["--queue-memory", "8MiB"]);
    let mut clients: Vec<Client> = (0..4).map(|_| Client::with_channel(broker.address)).collect();
    let mut refused = 0;
    for client in &mut clients {
        // 4 of 100 MiB each: the third does not fit.
        let mut frames = client.publishing("", "q", false, b"\0\0", &vec![0; 4 * MIB as usize]);
        let at = frames.iter().position(|&byte| byte == HEADER).unwrap();
        let header = frames.windows(4).position(|bytes| bytes == [0, 60, 0, 0]).unwrap();
        assert!(header > at);
        frames[header + 4..header + 12].copy_from_slice(&(100 * MIB).to_be_bytes());
        let _ = client.stream.write_all(&frames);
    }
    for client in &mut clients {
        client.stream.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
        if let Ok(command) = client.try_hear() {
            assert_eq!(crate::client::connection_closed(&command).0, 506);
            refused += 1;
        }
    }
    assert!((1..=3).contains(&refused), "{refused}");
    drop(clients);
    eventually("there is room again", || {
        let mut client = Client::with_channel(broker.address);
        client.declare("q", [false; 3], FieldTable::default());
        client.publish("", "q", &vec![0; 3 * MIB as usize]);
        client.try_hear_flow()
    });
}

impl Client {
    /// Whether the connection is still there.
    fn try_hear_flow(&mut self) -> bool {
        let flow =
            ch6_indirect::amqp::channel::AMQPMethod::Flow(ch6_indirect::amqp::channel::Flow { active: true });
        self.method(1, ch6_indirect::amqp::AMQPClass::Channel(flow));
        self.try_hear().is_ok_and(|command| crate::client::is_method(&command, 20, 21))
    }
}
