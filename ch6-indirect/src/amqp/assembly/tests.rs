//! Frames of several channels, mixed, too long, too short, and in the wrong place.

use super::*;
use crate::amqp::frame::{BODY, HEADER, HEARTBEAT, METHOD, SMALLEST_MAX, write_content, write_method};

fn assembly(limit: u64) -> Assembly {
    Assembly::new(10, Arc::new(ContentBudget::new(limit)))
}

fn publish() -> Vec<u8> {
    let mut bytes = Vec::new();
    let publish =
        basic::Publish { exchange: "e".into(), routing_key: "k".into(), mandatory: false, immediate: false };
    write_method(&mut bytes, 0, &AMQPClass::Basic(basic::AMQPMethod::Publish(publish)));
    bytes[7..bytes.len() - 1].to_vec()
}

fn header(class: u16, length: u64) -> Vec<u8> {
    [&class.to_be_bytes()[..], &[0, 0], &length.to_be_bytes(), &[0, 0]].concat()
}

fn code(result: Result<Option<Command>, Refused>) -> u16 {
    result.unwrap_err().exception.code as u16
}

/// Gives frames to an assembly; what the last one came to.
fn feed(assembly: &mut Assembly, frames: &[(u8, u16, Vec<u8>)]) -> Result<Option<Command>, Refused> {
    let mut last = Ok(None);
    for (kind, channel, payload) in frames {
        last = assembly.handle_frame(Frame { kind: *kind, channel: *channel, payload });
    }
    last
}

#[test]
fn contents_of_two_channels_may_come_mixed() {
    let mut assembly = assembly(1 << 20);
    let begun = [
        (METHOD, 1, publish()),
        (METHOD, 2, publish()),
        (HEADER, 2, header(60, 3)),
        (HEADER, 1, header(60, 2)),
        (BODY, 1, b"a".to_vec()),
    ];
    assert_eq!(feed(&mut assembly, &begun), Ok(None));
    let second = feed(&mut assembly, &[(BODY, 2, b"xyz".to_vec())]).unwrap().unwrap();
    assert_eq!((second.channel, second.content.unwrap().body()), (2, &b"xyz"[..]));
    let first = feed(&mut assembly, &[(BODY, 1, b"b".to_vec())]).unwrap().unwrap();
    assert_eq!((first.channel, first.content.unwrap().body()), (1, &b"ab"[..]));
    assert_eq!(assembly.unfinished(), 0);
}

#[test]
fn a_body_of_no_bytes_needs_no_frame() {
    let empty = feed(&mut assembly(0), &[(METHOD, 1, publish()), (HEADER, 1, header(60, 0))]);
    assert!(empty.unwrap().unwrap().content.unwrap().body().is_empty());
}

#[test]
fn what_is_in_the_wrong_place_is_505() {
    let [header, body] = [(HEADER, 1, header(60, 5)), (BODY, 1, b"x".to_vec())];
    let method = (METHOD, 1, publish());
    for frames in [
        std::slice::from_ref(&header),
        std::slice::from_ref(&body),
        &[method.clone(), method.clone()],
        &[method.clone(), body.clone()],
        &[method.clone(), header.clone(), header.clone()],
        &[method.clone(), header.clone(), body.clone(), method.clone()],
        &[(HEARTBEAT, 1, Vec::new())],
        &[method.clone(), (HEADER, 1, self::header(50, 5))],
    ] {
        assert_eq!(code(feed(&mut assembly(1 << 20), frames)), 505, "{frames:?}");
    }
}

#[test]
fn a_body_has_the_length_that_its_header_says() {
    let begun = [(METHOD, 1, publish()), (HEADER, 1, header(60, 2))];
    let mut assembly = assembly(1 << 20);
    feed(&mut assembly, &begun).unwrap();
    assert_eq!(code(feed(&mut assembly, &[(BODY, 1, b"abc".to_vec())])), 501);
}

#[test]
fn a_body_that_is_too_long_is_refused_by_its_header_and_ends_the_channel_only() {
    let mut assembly = assembly(1 << 20);
    let begun = [(METHOD, 1, publish()), (HEADER, 1, header(60, BODY_LIMIT + 1))];
    let refused = feed(&mut assembly, &begun).unwrap_err();
    assert_eq!((refused.exception.code, refused.exception.is_hard()), (ReplyCode::PreconditionFailed, false));
    assert_eq!(feed(&mut assembly, &[(BODY, 1, b"dropped".to_vec())]), Ok(None));
    assert_eq!(feed(&mut assembly, &[(METHOD, 1, publish())]), Ok(None), "the next one counts again");
}

#[test]
fn unfinished_bodies_share_one_budget() {
    let budget = Arc::new(ContentBudget::new(20_000));
    let mut assembly = Assembly::new(10, Arc::clone(&budget));
    let begun = |channel| [(METHOD, channel, publish()), (HEADER, channel, header(60, 1 << 20))];
    let body = |channel| (BODY, channel, vec![0; 9_000]);
    feed(&mut assembly, &begun(1)).unwrap();
    assert_eq!(budget.used(), 0, "what is only announced takes nothing");
    feed(&mut assembly, &[body(1)]).unwrap();
    assert!(budget.used() >= 9_000);
    feed(&mut assembly, &begun(2)).unwrap();
    assert_eq!(code(feed(&mut assembly, &[body(2), body(2)])), 506);
    drop(assembly);
    assert_eq!(budget.used(), 0);
}

#[test]
fn a_finished_content_has_no_memory_to_spare() {
    for length in [1, 4096, 4097, 10_000, 100_000] {
        let body = vec![7; length];
        let content = Content::new([&b"\0\0"[..], &body].concat().into(), 2);
        let mut bytes = Vec::new();
        write_content(&mut bytes, 1, content.properties(), &content, SMALLEST_MAX);
        let mut assembly = assembly(1 << 20);
        feed(&mut assembly, &[(METHOD, 1, publish())]).unwrap();
        let (mut rest, mut done) = (&bytes[..], None);
        while let Some(frame) = Frame::read(rest, SMALLEST_MAX).unwrap() {
            rest = &rest[frame.length()..];
            done = assembly.handle_frame(frame).unwrap();
        }
        let done = done.unwrap().content.unwrap();
        assert_eq!(done, content);
    }
}

#[test]
fn a_channel_beyond_those_agreed_is_530() {
    assert_eq!(code(feed(&mut assembly(0), &[(METHOD, 11, publish())])), 530);
}
