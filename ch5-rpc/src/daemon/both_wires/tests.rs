use std::time::Instant;

use common::core::conversation::{Conversation, Next};
use common::core::limits::Limits;
use common::core::work::AnyService;

use super::*;
use crate::chat::objects::Chat;
use crate::chat::room;
use crate::objects::flat::Flat;
use crate::objects::message::{Argument, Reference};
use crate::pyro::message::{Header, Kind, Version};

fn service() -> Arc<dyn AnyService> {
    let objects = Objects::default();
    objects.place("127.0.0.1".into(), 7777);
    objects.add_as("chat", Arc::new(Chat::new(objects.clone(), room::Limits::default()))).unwrap();
    Arc::new(BothWires::new("test", objects))
}

fn call(number: u32, target: Target, method: &str, args: &[&str]) -> Call {
    Call {
        number,
        target,
        interface: String::new(),
        method: method.into(),
        args: args.iter().map(|&arg| Argument::Value(Flat::from(&arg.into()))).collect(),
        milliseconds: 1000,
        is_one_way: false,
        is_kept: true,
        trace: 0,
    }
}

fn hello() -> Vec<u8> {
    Message::hello(7, std::time::Duration::ZERO)
}

fn chat() -> Target {
    Target::Object("chat".into())
}

/// All that the server says to this stream, which comes in pieces.
fn converse(service: &Arc<dyn AnyService>, stream: &[u8], step: usize) -> Vec<u8> {
    let peer = Peer::new(([127, 0, 0, 1], 1).into());
    let mut conversation = Conversation::open(service, &Limits::default(), peer);
    let (mut pieces, mut sent, now) = (stream.chunks(step), Vec::new(), Instant::now());
    loop {
        while conversation.poll_request(now) {
            let answer = conversation.handle_request();
            conversation.answer(answer);
        }
        match conversation.next(now) {
            Next::Send => {
                sent.extend_from_slice(conversation.transmit());
                conversation.handle_sent(conversation.transmit().len());
            }
            Next::Receive => match pieces.next() {
                Some(piece) => conversation.handle_bytes(piece, now),
                None => conversation.handle_end(),
            },
            Next::HalfClose => conversation.handle_half_close(),
            Next::Poll => {}
            Next::Wait | Next::WaitUntil(_) => unreachable!("every request is answered at once"),
            Next::Close => return sent,
        }
    }
}

fn messages(mut bytes: &[u8]) -> Vec<Message> {
    let mut messages = Vec::new();
    while let Some((message, consumed)) = decode(bytes, ANSWER_LIMIT).unwrap() {
        messages.push(message);
        bytes = &bytes[consumed..];
    }
    assert!(bytes.is_empty());
    messages
}

fn stream(calls: Vec<Call>) -> Vec<u8> {
    let calls = calls.into_iter().map(|call| Message::Call(call).frame(REQUEST_LIMIT).unwrap());
    std::iter::once(hello()).chain(calls).flatten().collect()
}

fn shown(message: &Message) -> String {
    match message {
        Message::Answer { number, outcome: Outcome::Value(flat) } => {
            format!("{number} {:?}", flat.value().unwrap())
        }
        Message::Answer { number, outcome: Outcome::Reference(Reference { interface, .. }) } => {
            format!("{number} {interface}")
        }
        Message::Answer { number, outcome: Outcome::Failed(failure) } => format!("{number} {failure}"),
        other => format!("{other:?}"),
    }
}

#[test]
fn a_pipeline_is_answered_in_its_order_in_every_split() {
    let mut one_way = call(3, chat(), "post", &["unheard"]);
    one_way.is_one_way = true;
    let stream = stream(vec![
        call(1, chat(), "register", &["Ann"]),
        call(2, Target::Result(1), "post", &["hi"]),
        one_way,
        call(4, Target::Result(1), "get", &[]),
        call(5, chat(), "register", &[""]),
        call(6, Target::Result(5), "post", &["hi"]),
    ]);
    for step in (1..60).chain([stream.len()]) {
        let said: Vec<String> = messages(&converse(&service(), &stream, step)).iter().map(shown).collect();
        assert_eq!(
            said,
            [
                "Hello { version: 1, client: 0, lease_milliseconds: 60000 }",
                "1 chat.User",
                "2 None",
                "4 List([Text(\"From Ann : hi\"), Text(\"From Unknown : unheard\")])",
                "5 ValueError: a name has 1 to 200 bytes",
                "6 ValueError: a name has 1 to 200 bytes",
            ],
            "{step}"
        );
    }
}

#[test]
fn an_object_is_one_on_both_wires() {
    let service = service();
    converse(&service, &stream(vec![call(1, chat(), "post", &["from ours"])]), 9);
    let invoke = |sequence, literal: &str| {
        Header::new(Version::Five, Kind::Invoke, 0, sequence).frame(literal.as_bytes())
    };
    let connect =
        Header::new(Version::Five, Kind::Connect, 0, 0).frame(b"{'handshake':'hello','object':'chat'}");
    let pyro =
        [connect, invoke(1, "('chat','post',('from Pyro',),{})"), invoke(2, "('chat','get',(),{})")].concat();
    for step in [1, 7, pyro.len()] {
        let said = converse(&service, &pyro, step);
        let text = String::from_utf8_lossy(&said);
        assert!(text.contains("['From Unknown : from ours','From Unknown : from Pyro'"), "{text}");
    }
    let said = messages(&converse(&service, &stream(vec![call(1, chat(), "get", &[])]), 9));
    assert!(shown(&said[1]).contains("from Pyro"), "{said:?}");
}

#[test]
fn a_stranger_gets_a_reason_and_the_end() {
    let hello = hello();
    let newer = Message::Hello { version: 2, client: 1, lease_milliseconds: 0 }.frame(9).unwrap();
    let answer = Message::Answer { number: 1, outcome: Outcome::Failed(Failure::TooLate) }.frame(99).unwrap();
    for (bytes, why) in [
        (newer, "speaks version 1"),
        (stream(vec![]).repeat(2), "not due"),
        (Message::Call(call(1, chat(), "get", &[])).frame(99).unwrap(), "not due"),
        ([hello.clone(), answer].concat(), "not due"),
        ([&hello[..], &[0, 0xff, 0, 0]].concat(), "longer than the limit"),
        ([&hello[..], &[0, 0, 0, 1, 9]].concat(), "cannot be read"),
        ([&hello[..], b"PYRO"].concat(), "longer than the limit"),
    ] {
        let said = messages(&converse(&service(), &bytes, 3));
        let Some(Message::Refused { why: said }) = said.last() else { panic!("{why}: {said:?}") };
        assert!(said.contains(why), "{why}: {said}");
    }
    assert_eq!(
        messages(&converse(&service(), &[&hello[..], &[0, 0]].concat(), 1)),
        [Message::Hello { version: 1, client: 0, lease_milliseconds: 60_000 }]
    );
}
