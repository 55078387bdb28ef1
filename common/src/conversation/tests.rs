//! The rules of a conversation, one by one: order, backpressure, the greeting, both ends.

use std::sync::Mutex;

use super::*;
use crate::framing::Delimited;
use crate::outbox::{OutboxLimit, WhenFull};

/// Answers a line with itself and a newline; `quit` ends it.
#[derive(Default)]
struct Lines {
    greeting: Option<Answer>,
    slow: bool,
    pushes: Option<OutboxLimit>,
    /// The outbox of the client who is there.
    here: Arc<Mutex<Option<Outbox>>>,
}

impl Service for Lines {
    fn name(&self) -> &'static str {
        "lines"
    }
    fn pace(&self) -> Pace {
        if self.slow { Pace::Slow } else { Pace::Quick }
    }
    fn protocol(&self) -> Box<dyn Protocol> {
        Box::new(Delimited::new(b'\n', 10))
    }
    fn greet(&self, _client: &Client) -> Option<Answer> {
        self.greeting.clone()
    }
    fn handle(&self, _client: &Client, request: Request) -> Answer {
        let bytes = [&request.0, &b"\n"[..]].concat();
        if request.0 == b"quit" { Answer::last(bytes) } else { Answer::new(bytes) }
    }
    fn outbox(&self) -> Option<OutboxLimit> {
        self.pushes
    }
    fn arrive(&self, _client: &Client, outbox: &Outbox) {
        *self.here.lock().unwrap() = Some(outbox.clone());
    }
    fn leave(&self, _client: &Client) {
        *self.here.lock().unwrap() = None;
    }
}

fn talk_with(service: Lines) -> Conversation {
    let service: Arc<dyn Service> = Arc::new(service);
    Conversation::open(&service, Client { address: "127.0.0.1:4711".parse().unwrap() })
}

fn talk() -> Conversation {
    talk_with(Lines::default())
}

/// Handles every request that may be handled; how many it were.
fn handle_all(talk: &mut Conversation) -> usize {
    let service = Arc::clone(&talk.service);
    let mut count = 0;
    while let Some(request) = talk.poll_request() {
        talk.answer(service.handle(&talk.client().clone(), request));
        count += 1;
    }
    count
}

/// The socket takes all of it.
fn send_all(talk: &mut Conversation) -> Vec<u8> {
    let bytes = talk.transmit().to_vec();
    talk.transmitted(bytes.len());
    bytes
}

#[test]
fn one_request_is_out_at_a_time() {
    let mut talk = talk();
    talk.receive(b"one\ntwo\n");
    assert_eq!(talk.poll_request(), Some(Request(b"one".to_vec())));
    assert_eq!((talk.poll_request(), talk.next()), (None, Next::Wait));
    talk.answer(Answer::new(b"1".to_vec()));
    assert_eq!(talk.poll_request(), Some(Request(b"two".to_vec())));
}

#[test]
fn answers_to_requests_that_came_together_leave_together_and_in_order() {
    let mut talk = talk();
    talk.receive(b"one\ntwo\nthr");
    assert_eq!((handle_all(&mut talk), talk.next()), (2, Next::Send));
    talk.receive(b"ee\n");
    handle_all(&mut talk);
    assert_eq!(send_all(&mut talk), b"one\ntwo\nthree\n");
    assert_eq!(talk.next(), Next::Receive);
}

#[test]
fn a_part_that_was_sent_is_not_sent_again_and_the_rest_is_not_lost() {
    let mut talk = talk();
    let mut sent = Vec::new();
    for line in [b"abcdefgh\n", b"ijklmnop\n", b"qrstuvwx\n"] {
        talk.receive(line);
        handle_all(&mut talk);
        sent.extend_from_slice(&talk.transmit()[..7]);
        talk.transmitted(7);
    }
    sent.extend(send_all(&mut talk));
    assert_eq!(sent, b"abcdefgh\nijklmnop\nqrstuvwx\n");
}

#[test]
fn above_the_high_water_mark_nothing_is_handled_until_the_client_reads() {
    let mut talk = talk();
    talk.receive(b"one\ntwo\n");
    let _ = talk.poll_request();
    talk.answer(Answer::new(vec![b'x'; HIGH_WATER]));
    assert_eq!((talk.poll_request(), talk.next()), (None, Next::Send));
    talk.transmitted(1);
    assert_eq!(talk.poll_request(), Some(Request(b"two".to_vec())));
}

#[test]
fn a_slow_service_sends_each_answer_before_the_next_request() {
    let mut talk = talk_with(Lines { slow: true, ..Lines::default() });
    talk.receive(b"one\ntwo\n");
    assert_eq!((handle_all(&mut talk), send_all(&mut talk)), (1, b"one\n".to_vec()));
    assert_eq!((talk.next(), handle_all(&mut talk)), (Next::Poll, 1));
}

#[test]
fn a_greeting_is_sent_before_anything_is_read() {
    let mut talk = talk_with(Lines { greeting: Some(Answer::new(b"hello\n".to_vec())), ..Lines::default() });
    assert_eq!((talk.poll_request(), talk.next()), (None, Next::Send));
    assert_eq!(send_all(&mut talk), b"hello\n");
    assert_eq!(talk.next(), Next::Receive);
}

#[test]
fn after_the_clients_end_everything_is_answered_and_then_it_is_ours() {
    let mut talk = talk();
    talk.receive(b"one\ntwo\nthree");
    talk.finish();
    assert_eq!((handle_all(&mut talk), talk.next()), (3, Next::Send));
    assert_eq!(send_all(&mut talk), b"one\ntwo\nthree\n");
    assert_eq!(talk.next(), Next::Close);
}

#[test]
fn our_end_comes_after_the_last_answer_and_then_the_client_is_read_to_its_end() {
    let mut talk = talk();
    talk.receive(b"quit\nmore\n");
    assert_eq!((handle_all(&mut talk), send_all(&mut talk)), (1, b"quit\n".to_vec()));
    assert_eq!(talk.next(), Next::HalfClose);
    talk.half_closed();
    talk.receive(b"and more\n");
    assert_eq!((handle_all(&mut talk), talk.next()), (0, Next::Discard { brief: true }));
    talk.finish();
    assert_eq!(talk.next(), Next::Close);
}

#[test]
fn what_is_no_request_gets_an_answer_and_the_end() {
    let mut talk = talk();
    talk.receive(b"one\nlonger than ten bytes\ntwo\n");
    assert_eq!(handle_all(&mut talk), 1);
    assert_eq!(send_all(&mut talk), b"one\nERROR a request has at most 10 bytes\n");
    assert_eq!(talk.next(), Next::HalfClose);
}

#[test]
fn pushed_bytes_are_sent_no_more_of_them_than_backpressure_allows() {
    let here = Arc::default();
    let limit = OutboxLimit { bytes: 10 * HIGH_WATER, when_full: WhenFull::Disconnect };
    let mut talk = talk_with(Lines { pushes: Some(limit), here: Arc::clone(&here), ..Lines::default() });
    let outbox = here.lock().unwrap().clone().unwrap();
    for _ in 0..6 {
        outbox.push(vec![b'x'; HIGH_WATER / 2].into()).unwrap();
    }
    assert_eq!((talk.poll_request(), talk.transmit().len()), (None, HIGH_WATER));
    talk.transmitted(1);
    assert_eq!((talk.poll_request(), talk.transmit().len()), (None, HIGH_WATER - 1 + HIGH_WATER / 2));
}

#[test]
fn who_does_not_read_what_is_pushed_is_hung_up_on_and_leaves_once() {
    let here = Arc::default();
    let limit = OutboxLimit { bytes: 1, when_full: WhenFull::Disconnect };
    let mut talk = talk_with(Lines { pushes: Some(limit), here: Arc::clone(&here), ..Lines::default() });
    let outbox = here.lock().unwrap().clone().unwrap();
    assert!(outbox.push(Arc::from(*b"news")).is_err());
    assert_eq!((talk.poll_request(), talk.next()), (None, Next::Close));
    drop(talk);
    assert!(here.lock().unwrap().is_none());
}
