//! What is written is read again, and what is read is looked at first.

use super::*;
use crate::amqp::{channel, connection, queue};
use amq_protocol::frame::{AMQPFrame, parse_frame};

fn frames(mut bytes: &[u8]) -> Vec<AMQPFrame> {
    let mut frames = Vec::new();
    while !bytes.is_empty() {
        let (rest, frame) = parse_frame(bytes).unwrap();
        frames.push(frame);
        bytes = rest;
    }
    frames
}

fn code(result: Result<impl std::fmt::Debug, Exception>) -> u16 {
    result.unwrap_err().code as u16
}

#[test]
fn a_method_is_read_as_it_is_written() {
    let methods = [
        AMQPClass::Basic(basic::AMQPMethod::Ack(basic::Ack { delivery_tag: 1 << 40, multiple: true })),
        AMQPClass::Channel(channel::AMQPMethod::Open(channel::Open {})),
        AMQPClass::Queue(queue::AMQPMethod::DeclareOk(queue::DeclareOk {
            queue: "q".into(),
            message_count: 1,
            consumer_count: 2,
        })),
        AMQPClass::Connection(connection::AMQPMethod::Tune(connection::Tune {
            channel_max: 2047,
            frame_max: 131_072,
            heartbeat: 60,
        })),
    ];
    for method in methods {
        let mut bytes = b"before".to_vec();
        write_method(&mut bytes, 7, &method);
        let frame = Frame::read(&bytes[6..], 4096).unwrap().unwrap();
        assert_eq!((frame.kind, frame.channel, frame.length()), (METHOD, 7, bytes.len() - 6));
        assert_eq!(read_method(frame.payload), Ok(method.clone()));
        assert_eq!(frames(&bytes[6..]), [AMQPFrame::Method(7, method)], "so reads the crate");
        for cut in 6..bytes.len() {
            assert_eq!(Frame::read(&bytes[6..cut], 4096), Ok(None));
        }
    }
}

#[test]
fn a_frame_that_cannot_be_one_is_refused_before_it_is_awaited() {
    assert_eq!(code(Frame::read(b"\x07", 4096)), 501, "an unknown type, at its first byte");
    assert_eq!(code(Frame::read(b"\x01\0\0\0\0\x0f\xf9", 4096)), 501, "one byte more than was agreed");
    assert_eq!(Frame::read(b"\x01\0\0\0\0\x0f\xf8", 4096), Ok(None));
    assert_eq!(code(Frame::read(b"\x08\0\0\0\0\0\0\xcd", 4096)), 501, "another end");
}

#[test]
fn unknown_numbers_and_bad_arguments_are_told_apart() {
    assert_eq!(code(read_method(b"\0\x63\0\x0a")), 503, "no class 99");
    assert_eq!(code(read_method(b"\0\x3c\0\x63")), 540, "no method 99 in class basic");
    assert_eq!(code(read_method(b"\0\x3c")), 502);
    assert_eq!(code(read_method(b"\0\x3c\0\x50\0")), 502, "an ack that is cut");
    assert_eq!(code(read_method(b"\0\x14\0\x0a\0\0")), 502, "bytes behind the arguments");
    assert_eq!(read_method(b"\0\x3c\0\x63").unwrap_err().method, (60, 99));
    assert_eq!(code(read_method(b"\0\x3c\0\x0a\0\0\0\x01\0\x0a\0")), 540, "a prefetch size");
    assert!(read_method(b"\0\x3c\0\x0a\0\0\0\0\0\x0a\0").is_ok());
}

/// Twenty thousand tables in each other: a reader that calls itself would end the process here.
#[test]
fn a_table_that_is_too_deep_is_refused_in_every_method_that_has_one() {
    let deep = table::tests::nested(20_000);
    let flat = table::tests::nested(2);
    for (class, method, front) in [
        (10u16, 11u16, &b""[..]),
        (40, 10, b"\0\0\x01e\x06fanout\0"),
        (40, 30, b"\0\0\x01a\x01b\x01c\0"),
        (40, 40, b"\0\0\x01a\x01b\x01c\0"),
        (50, 10, b"\0\0\x01q\0"),
        (50, 20, b"\0\0\x01a\x01b\x01c\0"),
        (50, 50, b"\0\0\x01a\x01b\x01c"),
        (60, 20, b"\0\0\x01q\x01c\0"),
    ] {
        let ids = [class.to_be_bytes(), method.to_be_bytes()].concat();
        let behind: &[u8] = if class == 10 { b"\x05PLAIN\0\0\0\0\x05en_US" } else { b"" };
        assert_eq!(code(read_method(&[&ids[..], front, &deep, behind].concat())), 502, "{class}, {method}");
        assert!(read_method(&[&ids[..], front, &flat, behind].concat()).is_ok(), "{class}, {method}");
    }
}

#[test]
fn a_delivery_is_written_from_the_shared_message() {
    for length in [0, 1, 4088, 4089, 9000, 40_000] {
        let properties = b"\x10\0\x02";
        let body = vec![b'x'; length];
        let content = Content::new([&properties[..], &body].concat().into(), properties.len());
        let mut bytes = Vec::new();
        let deliver = Delivery::Deliver { consumer_tag: "tag", delivery_tag: 9, redelivered: true };
        write_delivery(&mut bytes, 3, deliver, "exchange", "key");
        write_content(&mut bytes, 3, content.properties(), &content, 4096);
        let frames = frames(&bytes);
        let expected = AMQPClass::Basic(basic::AMQPMethod::Deliver(basic::Deliver {
            consumer_tag: "tag".into(),
            delivery_tag: 9,
            redelivered: true,
            exchange: "exchange".into(),
            routing_key: "key".into(),
        }));
        assert_eq!(frames[0], AMQPFrame::Method(3, expected));
        let AMQPFrame::Header(3, header) = &frames[1] else { panic!("{frames:?}") };
        assert_eq!((header.body_size, *header.properties.delivery_mode()), (length as u64, Some(2)));
        let mut carried = 0;
        for frame in &frames[2..] {
            let AMQPFrame::Body(3, part) = frame else { panic!("{frame:?}") };
            assert!(!part.is_empty() && part.len() + OVERHEAD <= 4096);
            carried += part.len();
        }
        assert_eq!((carried, frames.len() - 2), (length, length.div_ceil(4088)));
    }
}

#[test]
fn get_ok_and_return_have_their_own_fields() {
    let mut bytes = Vec::new();
    let get = Delivery::GetOk { delivery_tag: 1, redelivered: false, message_count: 5 };
    write_delivery(&mut bytes, 1, get, "", "q");
    write_delivery(&mut bytes, 1, Delivery::Return, "e", "k");
    let [AMQPFrame::Method(1, get), AMQPFrame::Method(1, returned)] = &frames(&bytes)[..] else { panic!() };
    let AMQPClass::Basic(basic::AMQPMethod::GetOk(get)) = get else { panic!("{get:?}") };
    assert_eq!((get.message_count, get.routing_key.as_str()), (5, "q"));
    let AMQPClass::Basic(basic::AMQPMethod::Return(returned)) = returned else { panic!("{returned:?}") };
    assert_eq!((returned.reply_code, returned.reply_text.as_str()), (312, "NO_ROUTE"));
}

#[test]
fn a_short_string_is_cut_at_a_character() {
    let mut bytes = Vec::new();
    write_short(&mut bytes, &"é".repeat(200));
    assert_eq!((bytes[0], bytes.len()), (254, 255));
}
