//! What the tests over every split (`tests/it/conversation.rs`) do not see: an answer that was sent in part when the next came,
//! the end of the client with answers still to be sent, the pace of a slow service, and what is not kept.

use super::*;
use crate::core::framing::Delimited;
use crate::core::outbox::{OutboxLimit, Push, WhenFull};
use crate::core::service::Departure;

/// Answers a line with itself and a newline.
struct Lines(RequestCost);

impl Service for Lines {
    fn name(&self) -> &'static str {
        "lines"
    }
    fn request_cost(&self) -> RequestCost {
        self.0
    }
    fn protocol(&self) -> Box<dyn Protocol> {
        Box::new(Delimited::new(b'\n', 10))
    }
    fn handle(&self, _client: &Peer, request: Request) -> Answer {
        Answer::new([&request.0, &b"\n"[..]].concat())
    }
}

fn conversation(pace: RequestCost) -> Conversation {
    let service: Arc<dyn Service> = Arc::new(Lines(pace));
    Conversation::open(&service, Peer::new("127.0.0.1:4711".parse().unwrap()))
}

/// Handles every request that may be handled; how many it were.
fn handle_all(conversation: &mut Conversation) -> usize {
    let mut count = 0;
    while let Some(request) = conversation.poll_request() {
        let answer = conversation.service.handle(&conversation.client, request);
        conversation.answer(answer);
        count += 1;
    }
    count
}

/// The socket takes so many bytes.
fn send(conversation: &mut Conversation, count: usize) -> Vec<u8> {
    let bytes = conversation.transmit()[..count].to_vec();
    conversation.transmitted(count);
    bytes
}

#[test]
fn a_part_that_was_sent_is_not_sent_again_and_the_rest_is_not_lost() {
    let mut conversation = conversation(RequestCost::Quick);
    let mut sent = Vec::new();
    for line in [b"abcdefgh\n", b"ijklmnop\n", b"qrstuvwx\n"] {
        conversation.receive(line);
        handle_all(&mut conversation);
        sent.extend(send(&mut conversation, 7));
    }
    let rest = conversation.transmit().len();
    sent.extend(send(&mut conversation, rest));
    assert_eq!(sent, b"abcdefgh\nijklmnop\nqrstuvwx\n");
}

#[test]
fn after_the_clients_end_everything_is_answered_and_then_it_is_ours() {
    let mut conversation = conversation(RequestCost::Quick);
    conversation.receive(b"one\ntwo\nthree");
    conversation.finish();
    assert_eq!((handle_all(&mut conversation), conversation.next()), (3, Next::Send));
    assert_eq!(send(&mut conversation, 14), b"one\ntwo\nthree\n");
    assert_eq!(conversation.next(), Next::Close);
}

#[test]
fn a_slow_service_sends_each_answer_before_the_next_request() {
    let mut conversation = conversation(RequestCost::Slow);
    conversation.receive(b"one\ntwo\n");
    assert_eq!((handle_all(&mut conversation), conversation.next()), (1, Next::Send));
    assert_eq!(send(&mut conversation, 4), b"one\n");
    assert_eq!((conversation.next(), handle_all(&mut conversation)), (Next::Poll, 1));
}

#[test]
fn what_comes_after_the_last_word_is_not_kept() {
    let mut conversation = conversation(RequestCost::Quick);
    conversation.receive(b"one\n");
    assert!(conversation.poll_request().is_some());
    conversation.answer(Answer::last(b"no".to_vec()));
    conversation.receive(&[0; 1000]);
    assert_eq!(conversation.input.bytes(), b"");
}

/// Answers a line with itself; the test pushes.
struct Twice(Departure);

impl Service for Twice {
    fn name(&self) -> &'static str {
        "twice"
    }
    fn departure(&self) -> Departure {
        self.0
    }
    fn protocol(&self) -> Box<dyn Protocol> {
        Box::new(Delimited::new(b';', 10))
    }
    fn outbox(&self) -> Option<OutboxLimit> {
        Some(OutboxLimit { bytes: 1000, when_full: WhenFull::Disconnect })
    }
    fn handle(&self, _client: &Peer, request: Request) -> Answer {
        Answer::new([&request.0, &b";"[..]].concat())
    }
}

/// What each call sends when the socket takes at most `most` bytes.
fn calls(departure: Departure, most: usize) -> Vec<Vec<u8>> {
    let service: Arc<dyn Service> = Arc::new(Twice(departure));
    let mut conversation = Conversation::open(&service, Peer::new("127.0.0.1:4711".parse().unwrap()));
    let mut calls = Vec::new();
    for round in [b"ab;".as_slice(), b"cd;"] {
        let outbox = conversation.outbox().unwrap().clone();
        outbox.push(Arc::from(*b"AAAA;")).unwrap();
        outbox.push(Arc::from(*b"BB;")).unwrap();
        conversation.receive(round);
        handle_all(&mut conversation);
        while !conversation.transmit().is_empty() {
            let count = conversation.transmit().len().min(most);
            calls.push(send(&mut conversation, count));
        }
    }
    calls
}

#[test]
fn messages_leave_in_one_call_or_each_in_its_own() {
    assert_eq!(calls(Departure::Together, 99), [b"AAAA;BB;ab;", b"AAAA;BB;cd;"]);
    let each = [&b"AAAA;"[..], b"BB;", b"ab;", b"AAAA;", b"BB;", b"cd;"];
    assert_eq!(calls(Departure::OneByOne, 99), each);
    // A part of a message is followed by its rest, not by its rest and the next.
    let parts = [&b"AAA"[..], b"A;", b"BB;", b"ab;", b"AAA", b"A;", b"BB;", b"cd;"];
    assert_eq!(calls(Departure::OneByOne, 3), parts);
}

fn apart() -> Conversation {
    let service: Arc<dyn Service> = Arc::new(Twice(Departure::PushesApart));
    Conversation::open(&service, Peer::new("127.0.0.1:4711".parse().unwrap()))
}

/// What each call sends of all that waits.
fn send_all(conversation: &mut Conversation) -> Vec<Vec<u8>> {
    let mut calls = Vec::new();
    while !conversation.transmit().is_empty() {
        let count = conversation.transmit().len();
        calls.push(send(conversation, count));
    }
    calls
}

/// What each call sends when two requests came at once, and while each was handled three times the same was pushed.
fn calls_with_news(kind: fn(Arc<[u8]>) -> Push) -> Vec<Vec<u8>> {
    let mut conversation = apart();
    let outbox = conversation.outbox().unwrap().clone();
    conversation.receive(b"ab;cd;");
    while let Some(request) = conversation.poll_request() {
        for _ in 0..3 {
            outbox.put(kind(Arc::from(*b"7:;"))).unwrap();
        }
        let answer = conversation.service.handle(&conversation.client, request);
        conversation.answer(answer);
    }
    send_all(&mut conversation)
}

#[test]
fn pushes_leave_before_the_answer_apart_from_it_and_one_reminder_stands_for_all_that_wait() {
    assert_eq!(calls_with_news(Push::reminder), [&b"7:;"[..], b"ab;cd;"]);
    let each = [&b"7:;"[..], b"7:;", b"7:;", b"ab;", b"7:;", b"7:;", b"7:;", b"cd;"];
    assert_eq!(calls_with_news(Push::message), each);
}

#[test]
fn a_reminder_that_has_left_stands_for_nothing() {
    let mut conversation = apart();
    let outbox = conversation.outbox().unwrap().clone();
    outbox.put(Push::reminder(Arc::from(*b"7:;"))).unwrap();
    handle_all(&mut conversation);
    assert_eq!(send(&mut conversation, 3), b"7:;");
    conversation.receive(b"ab;");
    handle_all(&mut conversation);
    outbox.put(Push::reminder(Arc::from(*b"7:;"))).unwrap();
    handle_all(&mut conversation);
    assert_eq!((send(&mut conversation, 3), send(&mut conversation, 3)), (b"ab;".to_vec(), b"7:;".to_vec()));
}

#[test]
fn another_push_that_waits_stands_for_no_reminder() {
    let mut conversation = apart();
    let outbox = conversation.outbox().unwrap().clone();
    outbox.put(Push::answer(Arc::from(*b"0:;"))).unwrap();
    handle_all(&mut conversation);
    outbox.put(Push::reminder(Arc::from(*b"7:;"))).unwrap();
    handle_all(&mut conversation);
    assert_eq!(send_all(&mut conversation), [b"0:;", b"7:;"]);
}

/// More than the output takes at once, and the answer comes behind all of it; what is held back is not waited for at the end.
#[test]
fn an_answer_leaves_behind_every_push_that_was_there() {
    for last in [false, true] {
        let mut conversation = apart();
        let outbox = conversation.outbox().unwrap().clone();
        conversation.receive(b"ab;");
        let request = conversation.poll_request().unwrap();
        for byte in [b'x', b'y'] {
            outbox.put(Push::answer(vec![byte; HIGH_WATER].into())).unwrap();
        }
        if last {
            outbox.put_held(Push::answer(Arc::from(*b"held;"))).unwrap();
        }
        let answer = conversation.service.handle(&conversation.client, request);
        conversation.answer(if last { Answer::last(answer.bytes) } else { answer });
        let begins: Vec<u8> = send_all(&mut conversation).iter().map(|call| call[0]).collect();
        assert_eq!(begins, if last { &b"xyha"[..] } else { b"xya" });
    }
}
