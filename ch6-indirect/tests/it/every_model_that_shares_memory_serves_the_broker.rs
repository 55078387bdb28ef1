//! The same conversation under every model; those that copy memory say why they cannot.

use ch3_threads::model::Model;
use ch6_indirect::amqp::FieldTable;

use crate::client::{Client, delivered, is_method};
use crate::support::{Broker, ch6, run, text};

fn models() -> impl Iterator<Item = Model> {
    Model::ALL.into_iter().filter(|model| !model.copies_memory() && model.available().is_ok())
}

#[test]
fn messages_go_from_one_client_to_another() {
    for model in models() {
        if matches!(model, Model::OneClient | Model::Sequential) {
            continue; // one client at a time
        }
        println!("{}", model.name());
        let broker = Broker::start(&["--model", &model.name()]);
        let mut consumer = Client::with_channel(broker.address);
        consumer.declare("q", [false; 3], FieldTable::default());
        consumer.qos(100);
        consumer.consume("q", false);
        let mut publisher = Client::with_channel(broker.address);
        publisher.select_confirms();
        let frames = publisher.publishing("", "q", false, b"\0\0", &[b'x'; 500]).repeat(1000);
        let sender = std::thread::spawn(move || {
            publisher.send(&frames);
            publisher
        });
        for tag in 1..=1000 {
            assert_eq!(delivered(consumer.hear()).0, tag, "{}", model.name());
            consumer.ack(tag, false);
        }
        let mut publisher = sender.join().unwrap();
        while publisher.hear().method != confirm(1000) {}
        publisher.close();
        let ended = broker.stop();
        assert!(ended.success(), "{}: {ended:?}", model.name());
        let goodbye = consumer.hear();
        assert!(is_method(&goodbye, 10, 50), "{}: {goodbye:?}", model.name());
    }
}

fn confirm(delivery_tag: u64) -> ch6_indirect::amqp::AMQPClass {
    use ch6_indirect::amqp::{AMQPClass, basic};
    AMQPClass::Basic(basic::AMQPMethod::Ack(basic::Ack { delivery_tag, multiple: false }))
}

#[test]
fn a_model_that_serves_one_client_at_a_time_serves_it() {
    let broker = Broker::start(&["--model", "sequential"]);
    let mut client = Client::with_channel(broker.address);
    client.declare("q", [false; 3], FieldTable::default());
    client.consume("q", true);
    client.publish("", "q", b"to myself");
    assert_eq!(delivered(client.hear()).2.body(), b"to myself");
    client.close();
}

#[test]
fn a_model_that_copies_memory_refuses_it_and_says_why() {
    for model in Model::ALL.into_iter().filter(|model| model.copies_memory()) {
        let output = run(&mut ch6(&["broker", "-p", "0", "--model", &model.name()]));
        assert_eq!(output.status.code(), Some(1), "{}", model.name());
        assert!(text(&output.stderr).contains("broker needs one memory"), "{}", text(&output.stderr));
    }
}
