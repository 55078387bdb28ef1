//! What the tests over every split (`tests/it/conversation.rs`) do not see: an answer that was sent in part when the next came,
//! the end of the client with answers still to be sent, the pace of a slow service, and what is not kept.

use super::*;
use crate::core::framing::Delimited;
use crate::core::outbox::{OutboxLimit, Push, WhenFull};
use crate::core::service::Departure;

/// Answers a line with itself and a newline.
struct Lines(Pace);

impl Service for Lines {
    fn name(&self) -> &'static str {
        "lines"
    }
    fn pace(&self) -> Pace {
        self.0
    }
    fn protocol(&self) -> Box<dyn Protocol> {
        Box::new(Delimited::new(b'\n', 10))
    }
    fn handle(&self, _client: &Client, request: Request) -> Answer {
        Answer::new([&request.0, &b"\n"[..]].concat())
    }
}

fn talk(pace: Pace) -> Conversation {
    let service: Arc<dyn Service> = Arc::new(Lines(pace));
    Conversation::open(&service, Client::new("127.0.0.1:4711".parse().unwrap()))
}

/// Handles every request that may be handled; how many it were.
fn handle_all(talk: &mut Conversation) -> usize {
    let mut count = 0;
    while let Some(request) = talk.poll_request() {
        let answer = talk.service.handle(&talk.client, request);
        talk.answer(answer);
        count += 1;
    }
    count
}

/// The socket takes so many bytes.
fn send(talk: &mut Conversation, count: usize) -> Vec<u8> {
    let bytes = talk.transmit()[..count].to_vec();
    talk.transmitted(count);
    bytes
}

#[test]
fn a_part_that_was_sent_is_not_sent_again_and_the_rest_is_not_lost() {
    let mut talk = talk(Pace::Quick);
    let mut sent = Vec::new();
    for line in [b"abcdefgh\n", b"ijklmnop\n", b"qrstuvwx\n"] {
        talk.receive(line);
        handle_all(&mut talk);
        sent.extend(send(&mut talk, 7));
    }
    let rest = talk.transmit().len();
    sent.extend(send(&mut talk, rest));
    assert_eq!(sent, b"abcdefgh\nijklmnop\nqrstuvwx\n");
}

#[test]
fn after_the_clients_end_everything_is_answered_and_then_it_is_ours() {
    let mut talk = talk(Pace::Quick);
    talk.receive(b"one\ntwo\nthree");
    talk.finish();
    assert_eq!((handle_all(&mut talk), talk.next()), (3, Next::Send));
    assert_eq!(send(&mut talk, 14), b"one\ntwo\nthree\n");
    assert_eq!(talk.next(), Next::Close);
}

#[test]
fn a_slow_service_sends_each_answer_before_the_next_request() {
    let mut talk = talk(Pace::Slow);
    talk.receive(b"one\ntwo\n");
    assert_eq!((handle_all(&mut talk), talk.next()), (1, Next::Send));
    assert_eq!(send(&mut talk, 4), b"one\n");
    assert_eq!((talk.next(), handle_all(&mut talk)), (Next::Poll, 1));
}

#[test]
fn what_comes_after_the_last_word_is_not_kept() {
    let mut talk = talk(Pace::Quick);
    talk.receive(b"one\n");
    assert!(talk.poll_request().is_some());
    talk.answer(Answer::last(b"no".to_vec()));
    talk.receive(&[0; 1000]);
    assert_eq!(talk.input.bytes(), b"");
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
    fn handle(&self, _client: &Client, request: Request) -> Answer {
        Answer::new([&request.0, &b";"[..]].concat())
    }
}

/// What each call sends when the socket takes at most `most` bytes.
fn calls(departure: Departure, most: usize) -> Vec<Vec<u8>> {
    let service: Arc<dyn Service> = Arc::new(Twice(departure));
    let mut talk = Conversation::open(&service, Client::new("127.0.0.1:4711".parse().unwrap()));
    let mut calls = Vec::new();
    for round in [b"ab;".as_slice(), b"cd;"] {
        let outbox = talk.outbox().unwrap().clone();
        outbox.push(Arc::from(*b"AAAA;")).unwrap();
        outbox.push(Arc::from(*b"BB;")).unwrap();
        talk.receive(round);
        handle_all(&mut talk);
        while !talk.transmit().is_empty() {
            let count = talk.transmit().len().min(most);
            calls.push(send(&mut talk, count));
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
    Conversation::open(&service, Client::new("127.0.0.1:4711".parse().unwrap()))
}

/// What each call sends of all that waits.
fn send_all(talk: &mut Conversation) -> Vec<Vec<u8>> {
    let mut calls = Vec::new();
    while !talk.transmit().is_empty() {
        let count = talk.transmit().len();
        calls.push(send(talk, count));
    }
    calls
}

/// What each call sends when two requests came at once, and while each was handled three times the same was pushed.
fn calls_with_news(kind: fn(Arc<[u8]>) -> Push) -> Vec<Vec<u8>> {
    let mut talk = apart();
    let outbox = talk.outbox().unwrap().clone();
    talk.receive(b"ab;cd;");
    while let Some(request) = talk.poll_request() {
        for _ in 0..3 {
            outbox.put(kind(Arc::from(*b"7:;"))).unwrap();
        }
        let answer = talk.service.handle(&talk.client, request);
        talk.answer(answer);
    }
    send_all(&mut talk)
}

#[test]
fn pushes_leave_before_the_answer_apart_from_it_and_one_reminder_stands_for_all_that_wait() {
    assert_eq!(calls_with_news(Push::reminder), [&b"7:;"[..], b"ab;cd;"]);
    let each = [&b"7:;"[..], b"7:;", b"7:;", b"ab;", b"7:;", b"7:;", b"7:;", b"cd;"];
    assert_eq!(calls_with_news(Push::message), each);
}

#[test]
fn a_reminder_that_has_left_stands_for_nothing() {
    let mut talk = apart();
    let outbox = talk.outbox().unwrap().clone();
    outbox.put(Push::reminder(Arc::from(*b"7:;"))).unwrap();
    handle_all(&mut talk);
    assert_eq!(send(&mut talk, 3), b"7:;");
    talk.receive(b"ab;");
    handle_all(&mut talk);
    outbox.put(Push::reminder(Arc::from(*b"7:;"))).unwrap();
    handle_all(&mut talk);
    assert_eq!((send(&mut talk, 3), send(&mut talk, 3)), (b"ab;".to_vec(), b"7:;".to_vec()));
}

#[test]
fn another_push_that_waits_stands_for_no_reminder() {
    let mut talk = apart();
    let outbox = talk.outbox().unwrap().clone();
    outbox.put(Push::answer(Arc::from(*b"0:;"))).unwrap();
    handle_all(&mut talk);
    outbox.put(Push::reminder(Arc::from(*b"7:;"))).unwrap();
    handle_all(&mut talk);
    assert_eq!(send_all(&mut talk), [b"0:;", b"7:;"]);
}

/// More than the output takes at once, and the answer comes behind all of it; what is held back is not waited for at the end.
#[test]
fn an_answer_leaves_behind_every_push_that_was_there() {
    for last in [false, true] {
        let mut talk = apart();
        let outbox = talk.outbox().unwrap().clone();
        talk.receive(b"ab;");
        let request = talk.poll_request().unwrap();
        for byte in [b'x', b'y'] {
            outbox.put(Push::answer(vec![byte; HIGH_WATER].into())).unwrap();
        }
        if last {
            outbox.put_held(Push::answer(Arc::from(*b"held;"))).unwrap();
        }
        let answer = talk.service.handle(&talk.client, request);
        talk.answer(if last { Answer::last(answer.bytes) } else { answer });
        let begins: Vec<u8> = send_all(&mut talk).iter().map(|call| call[0]).collect();
        assert_eq!(begins, if last { &b"xyha"[..] } else { b"xya" });
    }
}
