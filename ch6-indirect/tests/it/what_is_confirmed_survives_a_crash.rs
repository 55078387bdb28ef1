//! SIGKILL: what was confirmed is there again, in its order; what may have been delivered says so.

use ch6_indirect::amqp::{AMQPClass, FieldTable, basic};

use crate::client::{Client, delivered};
use crate::support::Broker;

const PERSISTENT: &[u8] = b"\x10\0\x02";
const DURABLE: [bool; 3] = [true, false, false];

/// Waits until so many publishes are confirmed.
fn confirmed(client: &mut Client, most: u64) {
    let mut confirmed = 0;
    while confirmed < most {
        let heard = client.hear();
        let AMQPClass::Basic(basic::AMQPMethod::Ack(ack)) = &heard.method else { panic!("{heard:?}") };
        assert!(ack.delivery_tag > confirmed, "{} after {confirmed}", ack.delivery_tag);
        confirmed = ack.delivery_tag;
    }
}

#[test]
fn twice_in_a_row() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().display().to_string();
    let broker = Broker::start(&["--data", &data]);
    let mut client = Client::with_channel(broker.address);
    client.declare("kept", DURABLE, FieldTable::default());
    client.select_confirms();
    for number in 0..500u32 {
        client.send(&client.publishing("", "kept", false, PERSISTENT, &number.to_be_bytes()));
    }
    confirmed(&mut client, 500);
    client.consume("kept", false);
    for tag in 1..=10 {
        assert_eq!(delivered(client.hear()).0, tag);
    }
    client.ack(1, false);
    broker.kill();

    let broker = Broker::start(&["--data", &data]);
    let mut client = Client::with_channel(broker.address);
    client.declare("kept", DURABLE, FieldTable::default());
    client.select_confirms();
    client.send(&client.publishing("", "kept", false, PERSISTENT, &500u32.to_be_bytes()));
    confirmed(&mut client, 1);
    broker.kill();

    let broker = Broker::start(&["--data", &data]);
    let mut client = Client::with_channel(broker.address);
    let mut numbers = Vec::new();
    while let Some((ok, content)) = client.get("kept", true) {
        let number = u32::from_be_bytes(content.body().try_into().unwrap());
        assert!(ok.redelivered || number >= 10, "{number} was delivered before");
        numbers.push(number);
    }
    // The acknowledgement was not waited for: it may have been lost.
    let first = numbers[0];
    assert!(first <= 1, "{first}");
    assert_eq!(numbers, (first..=500).collect::<Vec<_>>());
    assert!(broker.stop().success());
}

#[test]
fn a_clean_end_keeps_acknowledgements_too() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().display().to_string();
    let broker = Broker::start(&["--data", &data]);
    let mut client = Client::with_channel(broker.address);
    client.declare("kept", DURABLE, FieldTable::default());
    client.declare("gone", [false; 3], FieldTable::default());
    client.select_confirms();
    for queue in ["kept", "kept", "gone"] {
        client.send(&client.publishing("", queue, false, PERSISTENT, b"x"));
    }
    confirmed(&mut client, 3);
    let (ok, _) = client.get("kept", false).unwrap();
    client.ack(ok.delivery_tag, false);
    client.hears_nothing_else();
    assert!(broker.stop().success());
    let broker = Broker::start(&["--data", &data]);
    let mut client = Client::with_channel(broker.address);
    assert!(client.get("kept", true).is_some());
    assert!(client.get("kept", true).is_none());
}

#[test]
fn a_second_broker_is_refused_the_same_directory() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().display().to_string();
    let _first = Broker::start(&["--data", &data]);
    let output = crate::support::run(&mut crate::support::ch6(&["broker", "-p", "0", "--data", &data]));
    assert_eq!(output.status.code(), Some(1));
}
