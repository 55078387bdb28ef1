//! The requests that come out of bytes, whichever way they were cut.

use std::sync::Arc;

use common::core::conversation::{Conversation, Next};
use common::core::limits::Limits;
use common::core::service::Peer;
use common::core::work::AnyService;
use proptest::prelude::*;

use super::super::{Catalogue, Files};
use super::*;
use std::time::{Duration, Instant};

/// What is answered to `bytes`, which come in segments of `size`, and whether the server ends the connection.
fn answers(bytes: &[u8], size: usize) -> (Vec<u8>, bool) {
    let files = Files::new(Catalogue::made(2, 150_000, 3), None, Duration::ZERO);
    let service: Arc<dyn AnyService> = Arc::new(files);
    let client = Peer::new(([127, 0, 0, 1], 4711).into());
    let mut conversation = Conversation::open(&service, &Limits::default(), client);
    let (mut sent, mut segments) = (Vec::new(), bytes.chunks(size));
    loop {
        let now = Instant::now();
        while conversation.poll_request(now) {
            let answer = conversation.handle_request();
            conversation.answer(answer);
        }
        match conversation.next(now) {
            Next::Send => {
                let count = conversation.transmit().len();
                sent.extend_from_slice(conversation.transmit());
                conversation.handle_sent(count);
            }
            Next::Receive => match segments.next() {
                Some(segment) => conversation.handle_bytes(segment, now),
                None => return (sent, false),
            },
            Next::HalfClose => return (sent, true),
            Next::Poll => {}
            next => panic!("nothing else comes here: {next:?}"),
        }
    }
}

/// The head of an answer with a file, or of none.
fn head(status: Status, keep: Keep) -> Vec<u8> {
    let (kind, length) = match status {
        Status::Ok => ("application/octet-stream", 150_000),
        _ => ("text/plain; charset=utf-8", 0),
    };
    ResponseHead::new(status).content(kind, length).keep(keep).end()
}

fn content(index: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    Catalogue::made(2, 150_000, 3).read(index, 0, 150_000, &mut bytes).unwrap();
    bytes
}

#[test]
fn a_file_is_its_head_and_all_its_pieces() {
    let (answer, ended) = answers(b"GET /file-2.bin HTTP/1.1\r\nHost: a\r\n\r\n", 1000);
    assert!(answer == [head(Status::Ok, Keep::Open), content(1)].concat() && !ended);
}

#[test]
fn requests_that_come_together_are_answered_in_order_and_the_last_may_close() {
    let bytes = b"HEAD /file-1.bin HTTP/1.1\r\nHost: a\r\n\r\nGET /no HTTP/1.1\r\nHost: a\r\n\r\n\
                  GET /file-1.bin HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let expected = [
        head(Status::Ok, Keep::Open),
        head(Status::NotFound, Keep::Open),
        head(Status::Ok, Keep::Close),
        content(0),
    ]
    .concat();
    for size in 1..bytes.len() {
        assert!(answers(bytes, size) == (expected.clone(), true), "in segments of {size}");
    }
}

#[test]
fn http_1_0_needs_no_host_and_stays_only_if_it_asks_to() {
    let (answer, ended) = answers(b"HEAD /file-1.bin HTTP/1.0\r\n\r\n", 1000);
    assert_eq!((answer, ended), (head(Status::Ok, Keep::Close), true));
    let (answer, ended) = answers(b"HEAD /file-1.bin HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", 1000);
    assert_eq!((answer, ended), (head(Status::Ok, Keep::OpenSaid), false));
}

#[test]
fn a_whole_url_and_an_upgrade_to_something_else_are_no_obstacle() {
    for request in [
        "HEAD http://a/file-1.bin?x HTTP/1.1\r\nHost: a\r\n\r\n",
        "HEAD /%66ile%2D1.bin HTTP/1.1\r\nHost: a\r\n\r\n",
        "HEAD /file-1.bin HTTP/1.2\r\nHost: a\r\n\r\n",
        "HEAD /file-1.bin HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: h2c\r\n\r\n",
        "HEAD /file-1.bin HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nExpect: 100-continue\r\n\r\n",
    ] {
        assert_eq!(answers(request.as_bytes(), 1000), (head(Status::Ok, Keep::Open), false), "{request}");
    }
}

#[test]
fn what_is_no_request_is_refused_and_ends_the_connection() {
    for (bytes, begin) in [
        (&b"hello\r\n\r\n"[..], "400 Bad Request\r\n"),
        (b"GET / HTTP/1.1\r\n\r\n", "400 Bad Request\r\n"),
        (b"GET * HTTP/1.1\r\nHost: a\r\n\r\n", "400 Bad Request\r\n"),
        (
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody",
            "405 Method Not Allowed\r\nAllow: GET, HEAD\r\n",
        ),
        (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody", "413 Content Too Large\r\n"),
        (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", "505 HTTP Version Not Supported\r\n"),
    ] {
        let (answer, ended) = answers(bytes, 1000);
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {begin}")) && ended, "{answer}");
        assert!(answer.contains("\r\nConnection: close\r\n"), "{answer}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "the body is no request: {answer}");
    }
}

#[test]
fn a_slow_file_comes_piece_by_piece_at_its_rate_after_the_latency() {
    const RATE: u64 = 100_000;
    let files = Files::new(Catalogue::made(1, RATE, 3), Some(RATE), Duration::from_secs(2));
    let service: Arc<dyn AnyService> = Arc::new(files);
    let peer = Peer::new(([127, 0, 0, 1], 4711).into());
    let mut conversation = Conversation::open(&service, &Limits::default(), peer);
    let start = Instant::now();
    let (mut now, mut sent, mut first) = (start, 0, None);
    conversation.handle_bytes(b"GET /file-1.bin HTTP/1.1\r\nHost: a\r\n\r\n", now);
    loop {
        if conversation.poll_request(now) {
            let answer = conversation.handle_request();
            conversation.answer(answer);
        }
        match conversation.next(now) {
            Next::Send => {
                first.get_or_insert(now);
                sent += conversation.transmit().len();
                assert!(sent as u64 <= RATE / 50 + 200 || now > start + Duration::from_secs(2));
                conversation.handle_sent(conversation.transmit().len());
            }
            Next::WaitUntil(then) => now = then,
            Next::Poll => {}
            Next::Receive => break,
            next => panic!("nothing else comes here: {next:?}"),
        }
    }
    assert!(first.unwrap() - start >= Duration::from_secs(2), "the latency");
    let length = (now - start).as_secs_f64();
    assert!((3.0..3.01).contains(&length), "a second of bytes took {length} s with the latency");
}

proptest! {
    #[test]
    fn no_bytes_panic_the_server(bytes in proptest::collection::vec(any::<u8>(), 0..200), size in 1..50usize) {
        let _ = answers(&bytes, size);
        let _ = answers(&[b"GET /file-1.bin HTTP/1.1\r\n", &bytes[..]].concat(), size);
    }
}
