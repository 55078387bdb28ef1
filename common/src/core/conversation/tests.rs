//! What the tests over every split (`tests/it/conversation.rs`) do not see: an answer that was sent in part when the next came,
//! the end of the client with answers still to be sent, the pace of a slow service, and what is not kept.

use std::io;
use std::time::Duration;

use super::answering::FREE;
use super::*;
use crate::core::framing::Delimited;
use crate::core::limits::Timeouts;
use crate::core::outbox::{OutboxLimit, Push};
use crate::core::service::{Body, Piece, Protocol, Service};

/// Answers a line with itself and a newline; the test pushes.
struct Lines {
    cost: RequestCost,
    outbox: Option<OutboxLimit>,
}

impl Service for Lines {
    type Request = Vec<u8>;

    fn name(&self) -> &'static str {
        "lines"
    }
    fn request_cost(&self) -> RequestCost {
        self.cost
    }
    fn protocol(&self) -> impl Protocol<Request = Vec<u8>> {
        Delimited::new(b'\n', 100)
    }
    fn outbox(&self) -> Option<OutboxLimit> {
        self.outbox
    }
    fn handle(&self, _peer: &Peer, request: Vec<u8>) -> Answer {
        Answer::new([&request, &b"\n"[..]].concat())
    }
}

fn open(service: Lines, limits: &Limits) -> Conversation {
    let service: Arc<dyn AnyService> = Arc::new(service);
    Conversation::open(&service, limits, Peer::new("127.0.0.1:4711".parse().unwrap()))
}

fn conversation(cost: RequestCost) -> Conversation {
    open(Lines { cost, outbox: None }, &Limits::default())
}

fn pushing() -> Conversation {
    let outbox = Some(OutboxLimit { bytes: 2 * HIGH_WATER, when_full: WhenFull::Disconnect });
    open(Lines { cost: RequestCost::Quick, outbox }, &Limits::default())
}

/// Handles every request that may be handled; how many it were.
fn handle_all(conversation: &mut Conversation) -> usize {
    let mut count = 0;
    while conversation.poll_request(Instant::now()) {
        let answer = conversation.handle_request();
        conversation.answer(answer);
        count += 1;
    }
    count
}

/// The socket takes this many bytes.
fn send(conversation: &mut Conversation, count: usize) -> Vec<u8> {
    let bytes = conversation.transmit()[..count].to_vec();
    conversation.handle_sent(count);
    bytes
}

/// The socket takes all.
fn send_all(conversation: &mut Conversation) -> Vec<u8> {
    let mut sent = Vec::new();
    while !conversation.transmit().is_empty() {
        let count = conversation.transmit().len();
        sent.extend(send(conversation, count));
    }
    sent
}

#[test]
fn a_part_that_was_sent_is_not_sent_again_and_the_rest_is_not_lost() {
    let mut conversation = conversation(RequestCost::Quick);
    let mut sent = Vec::new();
    for line in [b"abcdefgh\n", b"ijklmnop\n", b"qrstuvwx\n"] {
        conversation.handle_bytes(line, Instant::now());
        handle_all(&mut conversation);
        sent.extend(send(&mut conversation, 7));
    }
    let rest = conversation.transmit().len();
    sent.extend(send(&mut conversation, rest));
    assert_eq!(sent, b"abcdefgh\nijklmnop\nqrstuvwx\n");
}

#[test]
fn after_the_clients_end_everything_is_answered_and_then_it_is_ours() {
    let (mut conversation, now) = (conversation(RequestCost::Quick), Instant::now());
    conversation.handle_bytes(b"one\ntwo\nthree", now);
    conversation.handle_end();
    assert_eq!((handle_all(&mut conversation), conversation.next(now)), (3, Next::Send));
    assert_eq!(send(&mut conversation, 14), b"one\ntwo\nthree\n");
    assert_eq!(conversation.next(now), Next::Close);
}

#[test]
fn a_slow_service_sends_each_answer_before_the_next_request() {
    let (mut conversation, now) = (conversation(RequestCost::Slow), Instant::now());
    conversation.handle_bytes(b"one\ntwo\n", now);
    assert_eq!((handle_all(&mut conversation), conversation.next(now)), (1, Next::Send));
    assert_eq!(send(&mut conversation, 4), b"one\n");
    assert_eq!((conversation.next(now), handle_all(&mut conversation)), (Next::Poll, 1));
}

#[test]
fn what_comes_after_the_last_word_is_not_kept() {
    let (mut conversation, now) = (conversation(RequestCost::Quick), Instant::now());
    conversation.handle_bytes(b"one\n", now);
    assert!(conversation.poll_request(now));
    conversation.answer(Answer::last(b"no".to_vec()));
    conversation.handle_bytes(&[0; 1000], now);
    assert_eq!(conversation.input.bytes(), b"");
}

#[test]
fn messages_that_wait_together_leave_in_one_call() {
    let mut conversation = pushing();
    let outbox = conversation.outbox().unwrap().clone();
    for round in [b"ab\n", b"cd\n"] {
        outbox.push(Arc::from(*b"AAAA;")).unwrap();
        outbox.push(Arc::from(*b"BB;")).unwrap();
        conversation.handle_bytes(round, Instant::now());
        handle_all(&mut conversation);
        assert_eq!(conversation.transmit(), [&b"AAAA;BB;"[..], round].concat());
        send_all(&mut conversation);
    }
}

#[test]
fn pushes_leave_before_the_answer_and_one_reminder_stands_for_all_that_wait() {
    for (push, expected) in [
        (Push::reminder as fn(Arc<[u8]>) -> Push, &b"7:;ab\ncd\n"[..]),
        (Push::message, b"7:;7:;7:;ab\n7:;7:;7:;cd\n"),
    ] {
        let (mut conversation, now) = (pushing(), Instant::now());
        let outbox = conversation.outbox().unwrap().clone();
        conversation.handle_bytes(b"ab\ncd\n", now);
        while conversation.poll_request(now) {
            for _ in 0..3 {
                outbox.put(push(Arc::from(*b"7:;"))).unwrap();
            }
            let answer = conversation.handle_request();
            conversation.answer(answer);
        }
        assert_eq!(send_all(&mut conversation), expected);
    }
}

#[test]
fn a_reminder_that_has_left_stands_for_nothing() {
    let mut conversation = pushing();
    let outbox = conversation.outbox().unwrap().clone();
    outbox.put(Push::reminder(Arc::from(*b"7:;"))).unwrap();
    handle_all(&mut conversation);
    assert_eq!(send(&mut conversation, 3), b"7:;");
    conversation.handle_bytes(b"ab\n", Instant::now());
    handle_all(&mut conversation);
    outbox.put(Push::reminder(Arc::from(*b"7:;"))).unwrap();
    handle_all(&mut conversation);
    assert_eq!(send_all(&mut conversation), b"ab\n7:;");
}

/// More than the output takes at once, and the answer comes behind all of it.
#[test]
fn an_answer_leaves_behind_every_push_that_was_there() {
    for last in [false, true] {
        let (mut conversation, now) = (pushing(), Instant::now());
        let outbox = conversation.outbox().unwrap().clone();
        conversation.handle_bytes(b"ab\n", now);
        assert!(conversation.poll_request(now));
        for byte in [b'x', b'y'] {
            outbox.push(vec![byte; HIGH_WATER].into()).unwrap();
        }
        let answer = conversation.handle_request();
        conversation.answer(if last { Answer::last(answer.body) } else { answer });
        let sent = send_all(&mut conversation);
        assert_eq!((sent.len(), &sent[2 * HIGH_WATER..]), (2 * HIGH_WATER + 3, &b"ab\n"[..]));
    }
}

// --- time ---------------------------------------------------------------------------------------------------------------

const SECOND: Duration = Duration::from_secs(1);

fn timed() -> (Conversation, Timeouts) {
    let timeouts = Timeouts {
        first_request: Some(5 * SECOND),
        grace: Some(10 * SECOND),
        rate: 1000,
        idle: Some(20 * SECOND),
        stall: 30 * SECOND,
        linger: SECOND,
    };
    let limits = Limits { timeouts, ..Limits::default() };
    (open(Lines { cost: RequestCost::Quick, outbox: None }, &limits), timeouts)
}

/// Waits for the client until it is refused or closed: when that was.
fn until_over(
    conversation: &mut Conversation,
    mut now: Instant,
    mut meanwhile: impl FnMut(&mut Conversation, Instant),
) -> Instant {
    loop {
        handle_all(conversation);
        assert_ne!(conversation.next(now), Next::Poll);
        if conversation.ending.is_some() || conversation.failure.is_some() {
            return now;
        }
        now += SECOND / 2;
        meanwhile(conversation, now);
        conversation.handle_timeout(now);
    }
}

#[test]
fn a_client_that_asks_nothing_is_refused_after_the_time_for_its_first_request() {
    let ((mut conversation, timeouts), start) = (timed(), Instant::now());
    let over = until_over(&mut conversation, start, |_, _| {});
    assert_eq!(over - start, timeouts.first_request.unwrap());
    assert_eq!(conversation.next(over), Next::HalfClose);
}

#[test]
fn an_idle_client_is_refused_after_the_idle_time() {
    let ((mut conversation, timeouts), start) = (timed(), Instant::now());
    conversation.handle_bytes(b"one\n", start);
    handle_all(&mut conversation);
    assert_eq!(conversation.next(start), Next::Send);
    send_all(&mut conversation);
    let over = until_over(&mut conversation, start + 3 * SECOND, |_, _| {});
    assert_eq!(over - (start + 3 * SECOND), timeouts.idle.unwrap());
}

#[test]
fn half_a_request_and_a_byte_every_second_are_refused_when_the_grace_is_over() {
    for drip in [false, true] {
        let ((mut conversation, timeouts), start) = (timed(), Instant::now());
        conversation.handle_bytes(b"ha", start);
        let over = until_over(&mut conversation, start, |conversation, now| {
            if drip {
                conversation.handle_bytes(b"l", now);
            }
        });
        let late = (over - start).checked_sub(timeouts.grace.unwrap()).expect("not before");
        assert!(late <= SECOND / 2, "drip: {drip}"); // ten bytes buy ten milliseconds, and we look twice a second
    }
}

#[test]
fn a_request_that_comes_at_the_rate_may_take_for_ever_and_silence_in_it_may_not() {
    use crate::core::framing::UntilEnd;
    struct Upload;
    impl Service for Upload {
        type Request = Vec<u8>;
        fn name(&self) -> &'static str {
            "upload"
        }
        fn protocol(&self) -> impl Protocol<Request = Vec<u8>> {
            UntilEnd { limit: 1 << 30, refusal: b"no", done: false }
        }
        fn handle(&self, _: &Peer, request: Vec<u8>) -> Answer {
            Answer::new(request.len().to_string().into_bytes())
        }
    }
    let (_, timeouts) = timed();
    let limits = Limits { timeouts, ..Limits::default() };
    let service: Arc<dyn AnyService> = Arc::new(Upload);
    let mut conversation =
        Conversation::open(&service, &limits, Peer::new("127.0.0.1:4711".parse().unwrap()));
    let mut now = Instant::now();
    for _ in 0..1000 {
        conversation.handle_bytes(&[b'x'; 1000], now);
        assert_eq!((handle_all(&mut conversation), conversation.next(now)), (0, Next::Receive));
        now += SECOND;
    }
    let last = now - SECOND;
    let over = until_over(&mut conversation, now, |_, _| {});
    assert_eq!(over - last, timeouts.grace.unwrap());
}

#[test]
fn a_client_that_takes_nothing_is_closed_and_one_that_takes_a_little_is_not() {
    let ((mut conversation, timeouts), start) = (timed(), Instant::now());
    conversation.handle_bytes(&b"0123456789\n".repeat(9), start);
    handle_all(&mut conversation);
    let mut now = start;
    for _ in 0..5 {
        assert_eq!(conversation.next(now), Next::Send);
        now += timeouts.stall - SECOND;
        conversation.handle_timeout(now);
        send(&mut conversation, 1);
    }
    let over = until_over(&mut conversation, now, |_, _| {});
    assert_eq!(over - now, timeouts.stall);
    assert_eq!(
        (conversation.next(over), conversation.outcome().unwrap_err().kind()),
        (Next::Close, io::ErrorKind::TimedOut)
    );
}

#[test]
fn a_client_that_does_not_end_is_closed_after_the_linger_time() {
    let ((mut conversation, timeouts), start) = (timed(), Instant::now());
    conversation.handle_bytes(b"one\n", start);
    assert!(conversation.poll_request(start));
    conversation.answer(Answer::last(Vec::new()));
    assert_eq!(conversation.next(start), Next::HalfClose);
    conversation.handle_half_close();
    assert_eq!(conversation.next(start), Next::Receive);
    conversation.handle_bytes(b"more", start + timeouts.linger / 2);
    conversation.handle_timeout(start + timeouts.linger);
    assert_eq!(conversation.next(start + timeouts.linger), Next::Close);
    assert!(conversation.outcome().is_ok());
}

// --- memory -------------------------------------------------------------------------------------------------------------

#[test]
fn what_finds_no_room_in_the_budget_is_refused_and_what_is_held_is_released() {
    let budget = Budget::shared(256 * 1024).unwrap();
    let limits = Limits { budget, ..Limits::default() };
    let lines = || open(Lines { cost: RequestCost::Quick, outbox: None }, &limits);
    let now = Instant::now();
    let (mut first, mut second) = (lines(), lines());
    // Requests that are whole and wait behind an answer that is not taken.
    first.handle_bytes(&b"0123456789\n".repeat(16_000), now);
    assert!(budget.used() >= 176_000 - FREE as u64, "{}", budget.used());
    second.handle_bytes(&b"0123456789\n".repeat(16_000), now);
    assert_eq!((second.next(now), second.input.capacity()), (Next::HalfClose, 0), "refused");
    drop(first);
    assert_eq!(budget.used(), 0);
}

#[test]
fn an_answer_that_finds_no_room_is_not_sent() {
    let budget = Budget::shared(64 * 1024).unwrap();
    let limits = Limits { budget, ..Limits::default() };
    let (mut conversation, now) =
        (open(Lines { cost: RequestCost::Quick, outbox: None }, &limits), Instant::now());
    conversation.handle_bytes(b"one\n", now);
    assert!(conversation.poll_request(now));
    conversation.answer(Answer::new(vec![b'x'; 1 << 20]));
    assert_eq!((conversation.unsent(), conversation.next(now), budget.used()), (0, Next::HalfClose, 0));
}

#[test]
fn a_shared_answer_counts_once_and_is_released_by_its_last_reader() {
    use crate::core::service::SharedBody;
    let budget = Budget::shared(2 << 20).unwrap();
    let limits = Limits { budget, ..Limits::default() };
    let body = SharedBody::new(vec![b'x'; 1 << 20]);
    let now = Instant::now();
    let mut readers: Vec<Conversation> = (0..100)
        .map(|_| {
            let mut conversation = open(Lines { cost: RequestCost::Quick, outbox: None }, &limits);
            conversation.handle_bytes(b"one\n", now);
            assert!(conversation.poll_request(now));
            conversation.answer(Answer::new(body.clone()));
            assert_eq!(conversation.unsent(), 1 << 20);
            conversation
        })
        .collect();
    drop(body);
    assert_eq!(budget.used(), 1 << 20);
    readers.truncate(1);
    assert_eq!(budget.used(), 1 << 20);
    readers.clear();
    assert_eq!(budget.used(), 0);
}

// --- streams, late answers, pauses, room --------------------------------------------------------------------------------------

/// Counts down, a digit a second.
struct Countdown(u8, Option<Instant>);

impl BodyStream for Countdown {
    fn poll_piece(&mut self, now: Instant) -> Piece {
        let then = *self.1.get_or_insert(now);
        match self.0 {
            0 => Piece::End,
            _ if now < then => Piece::NotBefore(then),
            left => {
                self.0 -= 1;
                self.1 = Some(then + SECOND);
                Piece::Bytes(vec![b'0' + left])
            }
        }
    }
}

#[test]
fn a_stream_is_sent_when_its_time_has_come_and_the_next_request_waits_for_its_end() {
    let (mut conversation, start) = (conversation(RequestCost::Quick), Instant::now());
    conversation.handle_bytes(b"one\ntwo\n", start);
    assert!(conversation.poll_request(start));
    conversation.answer(Answer::new(Body::Stream(Box::new(Countdown(3, None)))));
    let (mut now, mut sent) = (start, Vec::new());
    loop {
        if conversation.poll_request(now) {
            break;
        }
        match conversation.next(now) {
            Next::Send => sent.extend(send_all(&mut conversation)),
            Next::WaitUntil(then) => now = then,
            Next::Poll => {}
            next => panic!("{next:?}"),
        }
    }
    let answer = conversation.handle_request();
    conversation.answer(answer);
    sent.extend(send_all(&mut conversation));
    assert_eq!((sent, now - start), (b"321two\n".to_vec(), 2 * SECOND));
}

#[test]
fn a_late_answer_keeps_its_place_and_the_requests_behind_it_are_handled() {
    let (mut conversation, now) = (pushing(), Instant::now());
    let outbox = conversation.outbox().unwrap().clone();
    conversation.handle_bytes(b"one\ntwo\n", now);
    assert!(conversation.poll_request(now));
    let (answer, late) = Answer::late(&outbox);
    conversation.answer(answer);
    assert_eq!((handle_all(&mut conversation), conversation.next(now)), (1, Next::Receive));
    conversation.handle_end();
    assert_eq!((handle_all(&mut conversation), conversation.next(now)), (0, Next::Wait));
    late.fulfil(b"late\n".to_vec());
    assert_eq!((handle_all(&mut conversation), send_all(&mut conversation)), (0, b"late\ntwo\n".to_vec()));
    assert_eq!(conversation.next(now), Next::Close);
}

#[test]
fn a_paused_client_is_not_read_from_and_its_requests_wait() {
    let (mut conversation, now) = (pushing(), Instant::now());
    let outbox = conversation.outbox().unwrap().clone();
    conversation.handle_bytes(b"one\n", now);
    outbox.pause();
    assert_eq!((handle_all(&mut conversation), conversation.next(now)), (0, Next::Wait));
    outbox.push(Arc::from(*b"news")).unwrap();
    assert_eq!((handle_all(&mut conversation), send_all(&mut conversation)), (0, b"news".to_vec()));
    outbox.resume();
    assert_eq!((handle_all(&mut conversation), send_all(&mut conversation)), (1, b"one\n".to_vec()));
}
