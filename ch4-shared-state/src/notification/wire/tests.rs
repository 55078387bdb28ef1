//! The messages of the notes byte for byte, every split of the bytes, and any bytes.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use common::protocol::UnixTime;

fn read(bytes: &[u8]) -> Result<Request, BadRequest> {
    let (request, consumed) = Requests::default().decode(bytes).unwrap().unwrap();
    assert_eq!(consumed, bytes.len());
    request
}

/// Feeds `stream` in pieces of `step` bytes.
fn all(stream: &[u8], step: usize) -> (Vec<Result<Request, BadRequest>>, Vec<u8>) {
    let (mut requests, mut received, mut read) = (Requests::default(), Vec::new(), Vec::new());
    for piece in stream.chunks(step) {
        received.extend_from_slice(piece);
        while let Some((request, consumed)) = requests.decode(&received).unwrap() {
            read.push(request);
            received.drain(..consumed);
        }
    }
    (read, received)
}

fn posted(text: &[u8]) -> Posted<'_> {
    let time = UnixTime(Duration::from_millis(1_795_198_052_420));
    Posted { time, from: ([127, 0, 0, 1], 34234).into(), text }
}

fn response_of(texts: &[&[u8]]) -> Vec<u8> {
    let (mut scratch, mut pieces) = (Vec::new(), Vec::new());
    for text in texts {
        encode_message(&posted(text), &mut scratch, &mut pieces);
    }
    response([&pieces[..]].into_iter())
}

#[test]
fn requests_of_the_notes() {
    assert_eq!(read(b"2:;"), Ok(Request::Get));
    assert_eq!(read(b"1:SGVsbG8=;"), Ok(Request::Publish(b"Hello".to_vec())));
    assert_eq!(read(b"1:SGVs\nbG8=\n;"), Ok(Request::Publish(b"Hello".to_vec())));
    assert_eq!(read(b"\r\n2:\r\n;"), Ok(Request::Get));
    assert_eq!(read(b"1:;"), Ok(Request::Publish(Vec::new())));
    for (request, bytes) in [(Request::Get, GET), (Request::Publish(b"Hello".to_vec()), b"1:SGVsbG8=;")] {
        let mut out = Vec::new();
        request.encode(&mut out);
        assert_eq!(out, bytes);
    }
}

#[test]
fn what_is_no_request_says_why() {
    for bad in
        [b"1:*;".as_slice(), b"1:SGVsbG8;", b"1:SGVs:bG8=;", b"2:SGVs;", b"2::;", b";", b"hello;", b"22:;"]
    {
        assert_eq!(read(bad), Err(BadRequest::Format), "{}", bad.escape_ascii());
    }
    for unknown in [b"3:;".as_slice(), b"7:;", b"::;", b"a:SGVs;"] {
        assert_eq!(read(unknown), Err(BadRequest::UnknownControl), "{}", unknown.escape_ascii());
    }
    assert_eq!(BadRequest::Format.response(), b"2:;");
    assert_eq!(BadRequest::UnknownControl.response(), b"4:;");
}

#[test]
fn a_response_carries_whole_lines() {
    assert_eq!(response_of(&[]), b"1:;");
    assert_eq!(response_of(&[b"a"]), b"1:MTc5NTE5ODA1Mi40MiAxMjcuMC4wLjEgMzQyMzQgYQ==;");
    let bytes = response_of(&[b"a", b"", b"; : \n\xff"]);
    let (response, consumed) = Responses::default().decode(&bytes).unwrap().unwrap();
    assert_eq!(consumed, bytes.len());
    let Response::Messages(messages) = response else { panic!("{response:?}") };
    let lines: Vec<Vec<u8>> = messages.lines().collect::<Result<_, _>>().unwrap();
    let texts: Vec<&[u8]> = lines.iter().map(|line| Posted::parse_line(line).unwrap().text).collect();
    assert_eq!(texts, [&b"a"[..], b"", b"; : \n\xff"]);
}

#[test]
fn responses_are_told_apart() {
    let read = |bytes| Responses::default().decode(bytes).map(|found| found.map(|(response, _)| response));
    assert_eq!(read(PUBLISHED), Ok(Some(Response::Published)));
    assert_eq!(read(NOTHING_NEW), Ok(Some(Response::Messages(Messages(b"")))));
    assert_eq!(Messages(b"").lines().count(), 0);
    assert_eq!(read(BAD_FORMAT), Ok(Some(Response::BadFormat)));
    assert_eq!(read(UNKNOWN_CONTROL), Ok(Some(Response::UnknownControl)));
    assert_eq!(read(NOTIFY), Ok(Some(Response::Notify)));
    assert_eq!(read(b"7:"), Ok(None));
    for senseless in [b"3:;".as_slice(), b"HTTP/1.1 400 Bad Request; ", b";"] {
        assert_eq!(read(senseless), Err(NotTheBoard::Senseless));
    }
}

#[test]
fn a_request_without_an_end_is_too_long() {
    let mut requests = Requests::default();
    let mut bytes = vec![b'A'; REQUEST_LIMIT - 1];
    assert_eq!(requests.decode(&bytes), Ok(None));
    bytes.push(b'A');
    assert_eq!(requests.decode(&bytes), Err(TooLong { limit: REQUEST_LIMIT }));
}

proptest! {
    #[test]
    fn any_texts_come_through_however_the_stream_is_cut(
        texts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 0..8),
        step in 1_usize..40,
    ) {
        let requests: Vec<Request> = texts.iter().cloned().map(Request::Publish).chain([Request::Get]).collect();
        let mut stream = Vec::new();
        for request in &requests {
            request.encode(&mut stream);
        }
        let (read, left) = all(&stream, step);
        prop_assert_eq!(read, requests.into_iter().map(Ok).collect::<Vec<_>>());
        prop_assert!(left.is_empty());

        let slices: Vec<&[u8]> = texts.iter().map(Vec::as_slice).collect();
        let bytes = response_of(&slices);
        let (response, _) = Responses::default().decode(&bytes).unwrap().unwrap();
        let Response::Messages(messages) = response else { panic!("{response:?}") };
        let lines: Vec<Vec<u8>> = messages.lines().collect::<Result<_, _>>().unwrap();
        let read: Vec<&[u8]> = lines.iter().map(|line| Posted::parse_line(line).unwrap().text).collect();
        prop_assert_eq!(read, slices);
    }

    #[test]
    fn any_bytes_are_read_alike_however_they_are_cut(
        bytes in prop::collection::vec(prop_oneof![Just(b';'), Just(b':'), Just(b'\n'), b'0'..=b'9', any::<u8>()], 0..200),
        step in 1_usize..50,
    ) {
        prop_assert_eq!(all(&bytes, step), all(&bytes, bytes.len().max(1)));
        let mut responses = Responses::default();
        let mut rest = &bytes[..];
        while let Ok(Some((_, consumed))) = responses.decode(rest) {
            rest = &rest[consumed..];
        }
    }
}
