//! The messages of the notes byte for byte, every split of the bytes, and any bytes.

use proptest::prelude::*;

use super::*;

fn read(bytes: &[u8]) -> Incoming {
    let (incoming, consumed) = Requests::default().decode(bytes).unwrap().unwrap();
    assert_eq!(consumed, bytes.len());
    incoming
}

/// Feeds `stream` in pieces of `step` bytes: what came out, and what was left or that it failed.
fn all(stream: &[u8], step: usize) -> (Vec<Incoming>, Result<Vec<u8>, TooLong>) {
    let (mut requests, mut received, mut read) = (Requests::default(), Vec::new(), Vec::new());
    for piece in stream.chunks(step) {
        received.extend_from_slice(piece);
        loop {
            match requests.decode(&received) {
                Ok(Some((incoming, consumed))) => {
                    read.push(incoming);
                    received.drain(..consumed);
                }
                Ok(None) => break,
                Err(error) => return (read, Err(error)),
            }
        }
    }
    (read, Ok(received))
}

#[test]
fn requests_of_the_notes() {
    assert_eq!(read(b"A:;"), Request::State.into());
    assert_eq!(read(b"B:e;"), Request::Guess(Some('e')).into());
    assert_eq!(read("B:õ;".as_bytes()), Request::Guess(Some('õ')).into());
    assert_eq!(read(b"B::;"), Request::Guess(Some(':')).into());
    assert_eq!(read(b"C:aGVs\nbG8=\n;"), Request::Propose(Some("hello".into())).into());
    assert_eq!(read(b"D:QWxpY2U=;"), Request::Join(Some("Alice".into())).into());
    assert_eq!(read(b"S:;"), Request::Scores.into());
    assert_eq!(read(b"\r\nB:e\n;"), Request::Guess(Some('e')).into());
}

#[test]
fn what_cannot_be_read_is_refused_by_the_game_and_not_unknown() {
    for guess in [b"B:;".as_slice(), b"B:ee;", b"B:\xff;", b"B: e;"] {
        assert_eq!(read(guess), Request::Guess(None).into(), "{}", guess.escape_ascii());
    }
    assert_eq!(read(b"C:*;"), Request::Propose(None).into());
    assert_eq!(read(b"C:;"), Request::Propose(Some(String::new())).into());
    assert_eq!(read(b"D:/w==;"), Request::Join(None).into()); // one byte, 0xff
    for unknown in [b"E:;".as_slice(), b"a:;", b"hello;", b"AB:;", b":;"] {
        assert_eq!(read(unknown), Incoming::Unknown, "{}", unknown.escape_ascii());
    }
}

#[test]
fn a_guessed_semicolon_is_one_guess_of_nothing() {
    assert_eq!(all(b"B:;;A:;", 1).0, [Request::Guess(None).into(), Incoming::Nothing, Request::State.into()]);
    let mut out = Vec::new();
    Request::Guess(Some(';')).encode(&mut out);
    assert_eq!(out, b"B:;");
}

#[test]
fn responses_are_written_as_these_bytes() {
    let alice = |event| Response::Notice(Notice { name: "Alice".into(), event });
    let scores = vec![Score { name: "Alice".into(), points: 3 }, Score { name: "Bob".into(), points: 0 }];
    for (response, bytes) in [
        (Response::State("_e__".into()), &b"a:X2VfXw==;"[..]),
        (Response::State(String::new()), b"a:;"),
        (Response::Guess(true), b"b:1;"),
        (Response::Propose(false), b"c:0;"),
        (Response::Join(true), b"d:1;"),
        (Response::NotJoined, b"x:;"),
        (Response::Unknown, b"4:;"),
        (alice(Event::Joined), b"e:QWxpY2Ugam9pbmVk;"),
        (Response::Scores(scores), b"s:QWxpY2UgMwpCb2IgMA==;"),
        (Response::Scores(vec![]), b"s:;"),
    ] {
        assert_eq!(response.encode(), bytes);
        assert_eq!(Responses::default().decode(bytes), Ok(Some((response, bytes.len()))));
    }
}

#[test]
fn every_notice_is_read_back_and_a_foreign_one_is_shown_as_it_is() {
    let events = [
        Event::Joined,
        Event::Left,
        Event::Guessed('õ'),
        Event::Won { word: "ice-cream van".into() },
        Event::Proposed { length: 13 },
        Event::Other("guessed ab".into()),
        Event::Other("won".into()),
    ];
    for event in events {
        let notice = Notice { name: "Alice".into(), event };
        assert_eq!(Notice::parse(&notice.to_string()), notice);
    }
    assert_eq!(Notice::parse("Bob has something new").to_string(), "Bob has something new");
}

#[test]
fn a_client_notices_that_this_is_not_the_game() {
    for foreign in [b"HTTP/1.1 400 Bad Request;".as_slice(), b"b:2;", b"a:*;", b"s:QQ==;", b";", b"7:;"] {
        let read = Responses::default().decode(foreign);
        assert_eq!(read, Err(NotTheGame::Senseless), "{}", foreign.escape_ascii());
    }
}

#[test]
fn the_longest_answers_fit_a_clients_limit() {
    let name = "x".repeat(NAME_LIMIT);
    let scores = vec![Score { name, points: u64::MAX }; SCORES_LIMIT];
    assert!(Response::Scores(scores).encode().len() <= RESPONSE_LIMIT);
    assert_eq!(all(&[b'x'; REQUEST_LIMIT], 7).1, Err(TooLong { limit: REQUEST_LIMIT }));
}

fn any_request() -> impl Strategy<Value = Request> {
    let text = || prop::option::of("\\PC{1,20}");
    prop_oneof![
        Just(Request::State),
        Just(Request::Scores),
        any::<char>()
            .prop_filter("can be framed", |letter| !matches!(letter, ';' | '\n' | '\r'))
            .prop_map(|letter| Request::Guess(Some(letter))),
        text().prop_map(|word| Request::Propose(word.or(Some(String::new())))),
        text().prop_map(|name| Request::Join(name.or(Some(String::new())))),
    ]
}

proptest! {
    #[test]
    fn any_bytes_are_read_alike_in_every_split(
        bytes in prop::collection::vec(
            prop_oneof![Just(b';'), Just(b':'), b'A'..=b'E', Just(b'\n'), any::<u8>()], 0..300),
        step in 1usize..40,
    ) {
        prop_assert_eq!(all(&bytes, step), all(&bytes, 1));
        let _ = Responses::default().decode(&bytes);
    }

    #[test]
    fn what_is_asked_is_read(requests in prop::collection::vec(any_request(), 0..10), step in 1usize..40) {
        let mut out = Vec::new();
        requests.iter().for_each(|request| request.encode(&mut out));
        let expected: Vec<Incoming> = requests.into_iter().map(Incoming::from).collect();
        prop_assert_eq!(all(&out, step), (expected, Ok(vec![])));
    }

    #[test]
    fn a_notice_from_anywhere_is_shown_as_it_came(name in "[^ ]{1,10}", what in "\\PC{1,40}") {
        let text = format!("{name} {what}");
        prop_assert_eq!(Notice::parse(&text).to_string(), text);
    }
}
