//! From the protocol header to an open virtual host, and to the end: what is agreed, and what is refused with which code.

use ch6_indirect::amqp::frame::PROTOCOL_HEADER;
use ch6_indirect::amqp::{AMQPClass, AMQPValue, FieldTable, connection};

use crate::client::{Client, Introduction, connection_closed, is_method, open_channel, start_ok};
use crate::support::Broker;

fn tune_ok(channel_max: u16, frame_max: u32) -> connection::TuneOk {
    connection::TuneOk { channel_max, frame_max, heartbeat: 0 }
}

#[test]
fn what_does_not_speak_amqp_gets_the_header_and_the_end() {
    let broker = Broker::start(&[]);
    for header in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"AMQP\0\x01\0\0", b"AMQP\x03\x01\0\0", b"AMQQ"] {
        let mut client = Client::silent(broker.address);
        client.send(header);
        assert_eq!(client.bytes_to_the_end(), PROTOCOL_HEADER, "{header:?}");
    }
}

#[test]
fn a_client_is_told_what_the_broker_can_do_and_what_it_offers() {
    let broker = Broker::start(&[]);
    let mut client = Client::silent(broker.address);
    client.send(&PROTOCOL_HEADER);
    let start = client.hear().method;
    let AMQPClass::Connection(connection::AMQPMethod::Start(start)) = start else { panic!("{start:?}") };
    assert_eq!((start.version_major, start.version_minor), (0, 9));
    assert_eq!(start.mechanisms.as_bytes(), b"PLAIN AMQPLAIN");
    let AMQPValue::FieldTable(can) = &start.server_properties.inner()["capabilities"] else { panic!() };
    for capability in ["publisher_confirms", "basic.nack", "connection.blocked", "consumer_priorities"] {
        assert_eq!(can.inner()[capability], AMQPValue::Boolean(true), "{capability}");
    }
    client.method(0, start_ok(&Introduction::default()));
    let tune = client.hear().method;
    let AMQPClass::Connection(connection::AMQPMethod::Tune(tune)) = tune else { panic!("{tune:?}") };
    assert_eq!((tune.channel_max, tune.frame_max, tune.heartbeat), (2047, 131_072, 60));
    client.open_vhost(tune_ok(0, 0), "/");
    let ok = client.hear();
    assert!(is_method(&ok, 10, 41));
    client.close();
}

#[test]
fn a_wrong_password_is_told_to_those_that_can_hear_it_and_is_the_end_for_others() {
    let broker = Broker::start(&[]);
    let wrong = Introduction { password: "wrong", ..Introduction::default() };
    let mut client = Client::silent(broker.address);
    let refusal = connection_closed(&client.begin(&wrong));
    assert_eq!(refusal.0, 403);
    assert!(refusal.1.starts_with("ACCESS_REFUSED - Login was refused"), "{}", refusal.1);

    let deaf = Introduction { capabilities: &[], ..wrong };
    let mut client = Client::silent(broker.address);
    client.send(&PROTOCOL_HEADER);
    client.hear();
    client.method(0, start_ok(&deaf));
    assert_eq!(client.try_hear().unwrap_err(), "the end");
}

#[test]
fn amqplain_is_a_login_too_and_others_are_503() {
    let broker = Broker::start(&[]);
    for (mechanism, response, expected) in [
        ("AMQPLAIN", &b"\x05LOGINS\0\0\0\x05guest\x08PASSWORDS\0\0\0\x05guest"[..], None),
        ("AMQPLAIN", b"\x05LOGINS\0\0\0\x05guest", Some(403)),
        ("SCRAM", b"", Some(503)),
    ] {
        let mut client = Client::silent(broker.address);
        client.send(&PROTOCOL_HEADER);
        client.hear();
        let AMQPClass::Connection(connection::AMQPMethod::StartOk(mut start)) =
            start_ok(&Introduction::default())
        else {
            unreachable!()
        };
        (start.mechanism, start.response) = (mechanism.into(), response.to_vec().into());
        client.method(0, AMQPClass::Connection(connection::AMQPMethod::StartOk(start)));
        match expected {
            None => assert!(is_method(&client.hear(), 10, 30)),
            Some(code) => assert_eq!(connection_closed(&client.hear()).0, code, "{mechanism}"),
        }
    }
}

#[test]
fn more_than_was_offered_is_refused() {
    let broker = Broker::start(&[]);
    for tune in [tune_ok(2048, 131_072), tune_ok(2047, 131_073), tune_ok(2047, 4095)] {
        let mut client = Client::silent(broker.address);
        client.begin(&Introduction::default());
        client.open_vhost(tune.clone(), "/");
        let (code, text) = client.hear_close();
        assert_eq!(code, 530, "{tune:?}");
        assert!(text.starts_with("NOT_ALLOWED - negotiated"), "{text}");
    }
    Client::introduce(broker.address, &Introduction { frame_max: 4096, ..Introduction::default() }).close();
}

#[test]
fn a_virtual_host_that_is_not_there_is_530() {
    let broker = Broker::start(&[]);
    let mut client = Client::silent(broker.address);
    client.begin(&Introduction::default());
    client.open_vhost(tune_ok(0, 0), "nowhere");
    assert_eq!(client.hear_close(), (530, "NOT_ALLOWED - vhost nowhere not found".into()));
}

#[test]
fn a_method_before_its_time_is_503() {
    let broker = Broker::start(&[]);
    let mut client = Client::silent(broker.address);
    client.begin(&Introduction::default());
    client.method(1, open_channel());
    assert_eq!(client.hear_close().0, 503);

    let mut client = Client::connect(broker.address);
    client.method(0, AMQPClass::Connection(connection::AMQPMethod::TuneOk(tune_ok(0, 0))));
    assert_eq!(client.hear_close().0, 503);

    let mut client = Client::connect(broker.address);
    client.method(1, AMQPClass::Connection(connection::AMQPMethod::TuneOk(tune_ok(0, 0))));
    assert_eq!(client.hear_close().0, 503, "the class connection, on a channel");

    let mut client = Client::connect(broker.address);
    client.method(0, open_channel());
    assert_eq!(client.hear_close().0, 503, "a channel's method, on channel 0");
}

#[test]
fn a_channel_beyond_those_that_were_agreed_is_530() {
    let broker = Broker::start(&[]);
    let few = Introduction { channel_max: 3, ..Introduction::default() };
    let mut client = Client::introduce(broker.address, &few);
    client.open_channel(3);
    client.method(4, open_channel());
    assert_eq!(client.hear_close().0, 530);
}

#[test]
fn a_new_secret_is_taken() {
    let broker = Broker::start(&[]);
    let mut client = Client::connect(broker.address);
    let update = connection::UpdateSecret { new_secret: b"x".to_vec().into(), reason: "renewed".into() };
    let ok = client.ask(0, AMQPClass::Connection(connection::AMQPMethod::UpdateSecret(update)));
    assert!(is_method(&ok, 10, 71), "{ok:?}");
}

#[test]
fn what_is_pipelined_is_answered_in_order() {
    let broker = Broker::start(&[]);
    let mut client = Client::connect(broker.address);
    for channel in 1..=200 {
        client.method(channel, open_channel());
    }
    for channel in 1..=200 {
        let ok = client.hear();
        assert!(is_method(&ok, 20, 11) && ok.channel == channel, "{ok:?}");
    }
    let declare = crate::client::declare("", [false; 3], FieldTable::default());
    for channel in 1..=200 {
        client.method(channel, declare.clone());
    }
    for channel in 1..=200 {
        assert_eq!(client.hear().channel, channel);
    }
}
