//! Frames over every split of their bytes, and those that break the rules.

use super::*;
use common::core::conversation::Conversation;
use common::core::limits::Limits;
use common::core::service::{Answer, Peer, Service};
use common::core::work::AnyService;
use common::protocol::http::HEAD_LIMIT;
use proptest::prelude::*;
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// Keeps what came.
#[derive(Default)]
struct Heard(Mutex<Vec<Incoming>>);

impl Service for Heard {
    type Request = Incoming;

    fn name(&self) -> &'static str {
        "heard"
    }
    fn protocol(&self) -> impl Protocol<Request = Incoming> {
        WebSocket::default()
    }
    fn handle(&self, _: &Peer, incoming: Incoming) -> Answer {
        self.0.lock().unwrap().push(incoming);
        Answer::nothing()
    }
}

/// Everything that is decoded from these pieces, and what is answered to what is malformed.
fn decode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Incoming>, Vec<u8>) {
    let heard = Arc::new(Heard::default());
    let service: Arc<dyn AnyService> = heard.clone();
    let client = Peer::new(([127, 0, 0, 1], 1).into());
    let mut conversation = Conversation::open(&service, &Limits::default(), client);
    let now = Instant::now();
    for piece in pieces {
        conversation.handle_bytes(piece, now);
        while conversation.poll_request(now) {
            let answer = conversation.handle_request();
            conversation.answer(answer);
        }
    }
    let answer = conversation.transmit().to_vec();
    (heard.0.lock().unwrap().clone(), answer)
}

const HEAD: &[u8] =
    b"GET /server HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// A client's frame: first byte (final and opcode), payload.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [1, 2, 3, 250];
    let mut frame = vec![first];
    match payload.len() {
        short @ 0..126 => frame.push(0x80 | short as u8),
        long => frame.extend([&[0x80 | 126][..], &(long as u16).to_be_bytes()].concat()),
    }
    frame.extend(mask);
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

fn conversation() -> Vec<u8> {
    [HEAD, &frame(0x81, b"one"), &frame(0x01, b"t"), &frame(0x89, b"?"), &frame(0x80, "wö".as_bytes())]
        .concat()
}

fn expected() -> Vec<Incoming> {
    vec![
        Incoming::Head(RequestHead::parse(HEAD, &http::ACCEPTS).unwrap().unwrap().1),
        Incoming::Text("one".into()),
        Incoming::Ping(b"?".to_vec()),
        Incoming::Text("twö".into()),
    ]
}

proptest! {
    #[test]
    fn every_split_of_the_bytes_is_the_same_conversation(cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8)) {
        let bytes = conversation();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len())).collect();
        cuts.sort_unstable();
        let mut pieces = Vec::new();
        let mut from = 0;
        for cut in cuts.into_iter().chain([bytes.len()]) {
            pieces.push(&bytes[from..cut]);
            from = cut;
        }
        prop_assert_eq!(decode(pieces), (expected(), Vec::new()));
    }

    #[test]
    fn no_bytes_make_it_panic(garbage in prop::collection::vec(any::<u8>(), 0..200)) {
        decode([&garbage[..]]);
        decode([HEAD, &garbage[..]]);
    }
}

#[test]
fn byte_by_byte() {
    assert_eq!(decode(conversation().chunks(1)), (expected(), Vec::new()));
}

#[test]
fn what_breaks_the_rules_is_answered_with_a_close_frame_and_its_code() {
    let mut naked = frame(0x81, b"");
    naked[1] = 0;
    let endless = [0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4];
    let long = frame(0x01, &vec![b'x'; MESSAGE_LIMIT - 1]);
    let sized = |form: &[u8]| [&[0x81][..], form, &[1, 2, 3, 4], &[0; 126]].concat();
    for (bytes, code) in [
        (naked, 1002),
        (frame(0xc1, b"compressed"), 1002),
        (frame(0x83, b""), 1002),
        (frame(0x80, b"of nothing"), 1002),
        ([frame(0x01, b"a"), frame(0x81, b"b")].concat(), 1002),
        (frame(0x09, b""), 1002),
        (frame(0x89, &[0; 126]), 1002),
        (frame(0x82, b"binary"), 1003),
        (frame(0x81, &[0xff]), 1007),
        (sized(&[0xfe, 0, 125]), 1002), // 125 has a form of its own
        (sized(&[0xff, 0, 0, 0, 0, 0, 0, 0, 126]), 1002),
        (sized(&[0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff]), 1002),
        (sized(&[0xff, 0x80, 0, 0, 0, 0, 0, 0, 0]), 1002), // the top bit
        (sized(&[0xff, 0, 0, 0, 0, 0, 1, 0, 1]), 1009),
        (endless.to_vec(), 1009),
        ([long, frame(0x80, b"xy")].concat(), 1009),
    ] {
        let (heard, answer) = decode([HEAD, &bytes[..]]);
        assert_eq!((heard.len(), answer[0], u16::from_be_bytes([answer[2], answer[3]])), (1, 0x88, code));
    }
}

/// RFC 6455 sections 5.5.1 and 7.4.
#[test]
fn a_close_frame_is_empty_or_a_code_that_may_be_sent_and_a_reason() {
    let closed = |payload: &[u8]| decode([HEAD, &frame(0x88, payload)[..]]);
    for code in
        [1000u16, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999]
    {
        let payload = [&code.to_be_bytes()[..], "bye, wörld".as_bytes()].concat();
        assert_eq!(closed(&payload).0[1], Incoming::Close(Some(code.into())), "{code}");
    }
    assert_eq!(closed(b"").0[1], Incoming::Close(None));
    for code in [0u16, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535] {
        let (heard, answer) = closed(&code.to_be_bytes());
        assert_eq!((heard.len(), &answer[2..4]), (1, &1002u16.to_be_bytes()[..]), "{code}");
    }
    for (payload, code) in
        [(&b"\x03"[..], 1002u16), (b"\x03\xe8\xff", 1007), (&[&b"\x03\xe8"[..], &[b'x'; 124]].concat(), 1002)]
    {
        let (heard, answer) = closed(payload);
        assert_eq!((heard.len(), answer[0], &answer[2..4]), (1, 0x88, &code.to_be_bytes()[..]));
    }
}

#[test]
fn a_message_may_have_many_frames_and_not_any_number() {
    let parts = |count| {
        let empty = frame(0x00, b"");
        [frame(0x01, b"a"), empty.repeat(count - 2), frame(0x80, b"b")].concat()
    };
    let (heard, answer) = decode([HEAD, &parts(FRAMES_LIMIT)[..], &parts(FRAMES_LIMIT)[..]]);
    assert_eq!(
        (&heard[1..], answer),
        (&[Incoming::Text("ab".into()), Incoming::Text("ab".into())][..], Vec::new())
    );
    let (heard, answer) = decode([HEAD, &parts(FRAMES_LIMIT + 1)[..]]);
    assert_eq!((heard.len(), answer[0], u16::from_be_bytes([answer[2], answer[3]])), (1, 0x88, 1008));
}

#[test]
fn the_longest_message_passes() {
    let text = "x".repeat(MESSAGE_LIMIT / 2);
    let (heard, answer) =
        decode([HEAD, &frame(0x01, text.as_bytes())[..], &frame(0x80, text.as_bytes())[..]]);
    assert_eq!((&heard[1], answer), (&Incoming::Text(text.repeat(2)), Vec::new()));
}

#[test]
fn a_head_without_end_is_refused() {
    let (heard, answer) = decode([&[b"GET / HTTP/1.1\r\nx: ", &[b'x'; HEAD_LIMIT][..]].concat()[..]]);
    assert!(heard.is_empty() && answer.starts_with(b"HTTP/1.1 431"), "{}", String::from_utf8_lossy(&answer));
}

#[test]
fn a_reason_fits_into_its_frame() {
    let frame = close(CloseCode::Policy, &"ö".repeat(100));
    assert!(frame.len() <= 2 + 125 && std::str::from_utf8(&frame[4..]).is_ok());
}
