//! What the broker says about publishes and acknowledgements: once, and in its order.

use ch6_indirect::amqp::{AMQPClass, FieldTable, basic};

use crate::client::{Client, is_method};
use crate::support::Broker;

/// github.com/streadway/amqp/issues/351: first the message comes back, then it is confirmed.
#[test]
fn a_return_comes_before_its_confirm() {
    let broker = Broker::start(&[]);
    let mut client = Client::with_channel(broker.address);
    client.select_confirms();
    for tag in 1..=20 {
        client.send(&client.publishing("", "nowhere", true, b"\0\0", b"back"));
        let returned = client.hear();
        let AMQPClass::Basic(basic::AMQPMethod::Return(reply)) = &returned.method else {
            panic!("{returned:?}")
        };
        assert_eq!((reply.reply_code, reply.reply_text.as_str()), (312, "NO_ROUTE"));
        assert_eq!(returned.content.unwrap().body(), b"back");
        let confirm = client.hear();
        let AMQPClass::Basic(basic::AMQPMethod::Ack(ack)) = &confirm.method else { panic!("{confirm:?}") };
        assert_eq!(ack.delivery_tag, tag);
    }
}

#[test]
fn every_publish_is_confirmed_once() {
    let broker = Broker::start(&[]);
    let mut client = Client::with_channel(broker.address);
    client.declare("q", [false; 3], FieldTable::default());
    client.select_confirms();
    let frames = client.publishing("", "q", false, b"\0\0", b"x").repeat(5000);
    client.send(&frames);
    let mut confirmed = 0;
    while confirmed < 5000 {
        let confirm = client.hear();
        let AMQPClass::Basic(basic::AMQPMethod::Ack(ack)) = &confirm.method else { panic!("{confirm:?}") };
        assert!(ack.delivery_tag > confirmed, "{} after {confirmed}", ack.delivery_tag);
        assert!(ack.multiple || ack.delivery_tag == confirmed + 1);
        confirmed = ack.delivery_tag;
    }
    client.hears_nothing_else();
}

/// github.com/amqp-rs/lapin/issues/155, and what else can be wrong with a tag.
#[test]
fn a_tag_that_is_not_there_ends_the_channel_only() {
    let broker = Broker::start(&[]);
    let mut client = Client::with_channel(broker.address);
    client.declare("q", [false; 3], FieldTable::default());
    for _ in 0..4 {
        client.publish("", "q", b"x");
    }
    for tags in [&[(7, false)][..], &[(1, false), (1, false)], &[(0, false)], &[(5, true)]] {
        let (ok, _) = client.get("q", false).unwrap();
        assert_eq!(ok.delivery_tag, 1);
        for &(tag, multiple) in tags {
            client.ack(tag, multiple);
        }
        let (code, text) = client.hear_channel_close();
        assert_eq!(code, 406, "{tags:?}");
        assert!(text.starts_with("PRECONDITION_FAILED - unknown delivery tag"), "{text}");
    }
    // Tag 0 with `multiple` is everything that is there.
    while client.get("q", false).is_some() {}
    client.ack(0, true);
    client.hears_nothing_else();
    let mut other = Client::with_channel(broker.address);
    drop(client);
    assert!(other.get("q", true).is_none());
}

#[test]
fn an_exception_closes_its_channel_and_the_others_go_on() {
    let broker = Broker::start(&[]);
    let mut client = Client::with_channel(broker.address);
    client.open_channel(2);
    let get = basic::AMQPMethod::Get(basic::Get { queue: "nowhere".into(), no_ack: true });
    client.method(2, AMQPClass::Basic(get));
    let closed = client.hear();
    assert!(is_method(&closed, 20, 40) && closed.channel == 2, "{closed:?}");
    client.hears_nothing_else();
}
