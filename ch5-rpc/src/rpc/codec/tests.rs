//! The codec alone: every split of the bytes, every truncation, and mutations.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use tarpc::{Request, trace};

use super::*;
use crate::rpc::interface::{BoardError, BoardRpcRequest, BoardRpcResponse, CallId, Text};

const LIMIT: usize = 1000;
const FORMATS: [Format; 2] = [Format::Bincode, Format::Json];

fn request(id: u64, message: BoardRpcRequest) -> ClientMessage<BoardRpcRequest> {
    let mut context = context::current();
    context.deadline = Instant::now() + Duration::from_secs(9);
    context.trace_context.trace_id = trace::TraceId::from(7);
    ClientMessage::Request(Request { context, id, message })
}

fn publish(text: &[u8]) -> BoardRpcRequest {
    BoardRpcRequest::Publish { text: Text(text.into()), call: Some(CallId { client: 1, sequence: 2 }) }
}

fn written<M: Serialize>(format: Format, message: ClientMessage<M>) -> BytesMut {
    let mut out = BytesMut::new();
    ClientCodec::<()>::new(format, LIMIT).encode(message, &mut out).unwrap();
    out
}

/// All that comes of these bytes, in pieces of `step` bytes; and whether it was an error at the end.
fn received(format: Format, bytes: &[u8], step: usize) -> (Vec<Received<BoardRpcRequest>>, bool) {
    let mut codec = ServerCodec::new(format, LIMIT, &Room::new(0));
    let (mut buffer, mut all) = (BytesMut::new(), Vec::new());
    for piece in bytes.chunks(step.max(1)) {
        buffer.extend_from_slice(piece);
        loop {
            match codec.decode(&mut buffer) {
                Ok(Some(unreadable @ Received::Unreadable { .. })) => {
                    all.push(unreadable);
                    return (all, false); // nothing after it is read
                }
                Ok(Some(received)) => all.push(received),
                Ok(None) => break,
                Err(_) => return (all, true),
            }
        }
    }
    (all, false)
}

fn only(format: Format, bytes: &[u8]) -> Received<BoardRpcRequest> {
    let (mut all, is_broken) = received(format, bytes, usize::MAX);
    assert!(all.len() == 1 && !is_broken, "{all:?}");
    all.remove(0)
}

#[test]
fn the_bytes_are_those_of_tarpc() {
    let bytes = written(Format::Bincode, request(3, publish(b"hello")));
    // The deadline is 8 s and some nanoseconds (fc: four bytes follow); then trace id, span id 0, unsampled, id, method, arguments.
    let after_deadline = bytes.iter().position(|&byte| byte == 0xfc).unwrap() + 5;
    assert_eq!(bytes[..6], [0, 0, 0, (bytes.len() - 4) as u8, 0, 8]);
    let trace_id = [&[7][..], &[0; 15]].concat();
    assert_eq!(bytes[after_deadline..], [&trace_id[..], &[0, 1, 3, 0, 5], b"hello", &[1, 1, 2]].concat());
    let text = String::from_utf8(written(Format::Json, request(3, publish(b"hello")))[4..].to_vec()).unwrap();
    assert!(text.starts_with(r#"{"Request":{"context":{"deadline":{"secs":8,"#), "{text}");
    let end = r#""id":3,"message":{"Publish":{"text":"hello","call":{"client":1,"sequence":2}}}}}"#;
    assert!(text.ends_with(end), "{text}");
}

#[test]
fn a_deadline_that_is_too_far_refuses_its_call_and_no_other() {
    for format in FORMATS {
        for (seconds, is_refused) in
            [(86_400, false), (86_402, true), (10_u64.pow(10), true), (u64::MAX, true)]
        {
            let far = with_deadline(format, seconds);
            let next = written(format, request(2, BoardRpcRequest::Last { count: 1 }));
            let (all, is_broken) = received(format, &[&far[..], &next[..]].concat(), usize::MAX);
            let [first, Received::Message(_)] = &all[..] else { panic!("{format:?} {seconds}: {all:?}") };
            let refused = matches!(first, Received::Refused { id: 1, why: NotBegun::DeadlineTooFar });
            assert_eq!((refused, is_broken), (is_refused, false), "{format:?} {seconds}");
        }
    }
}

/// `last(0)` as call 1 with this deadline, which no client of tarpc can write.
pub fn with_deadline(format: Format, seconds: u64) -> Vec<u8> {
    let message = match format {
        Format::Bincode => {
            let deadline = [&[0, 253][..], &seconds.to_le_bytes(), &[0]].concat();
            [&deadline[..], &[0; 16], &[0, 1, 1, 1, 0]].concat()
        }
        Format::Json => {
            let trace_id = vec!["0"; 16].join(",");
            format!(
                r#"{{"Request":{{"context":{{"deadline":{{"secs":{seconds},"nanos":0}},"trace_context":{{"trace_id":[{trace_id}],"span_id":0,"sampling_decision":"Unsampled"}}}},"id":1,"message":{{"Last":{{"count":0}}}}}}}}"#
            )
            .into_bytes()
        }
    };
    [&(message.len() as u32).to_be_bytes()[..], &message].concat()
}

#[test]
fn a_request_that_is_too_long_is_refused_at_its_head() {
    for format in FORMATS {
        let mut out = BytesMut::new();
        let long = publish(&[b'x'; 2 * LIMIT]);
        ClientCodec::<()>::new(format, usize::MAX).encode(request(77, long), &mut out).unwrap();
        // Pretend that it is a gigabyte: only the head has to be there.
        out[..4].copy_from_slice(&0x4000_0000_u32.to_be_bytes());
        let head = &out[..4 + format.head_length()];
        let refused = only(format, head);
        assert!(
            matches!(refused, Received::Unreadable { id: 77, why: NotBegun::RequestTooLong(limit) } if limit == LIMIT as u64),
            "{refused:?}"
        );
        let (all, is_broken) = received(format, &head[..head.len() - 1], 1);
        assert!(all.is_empty() && !is_broken, "{all:?}");
        let garbage = [&[0xff; 4][..], &[0xff; 1024]].concat();
        assert!(matches!(&received(format, &garbage, 1), (all, true) if all.is_empty()));
    }
}

#[test]
fn a_request_that_cannot_be_read_is_refused_by_its_id() {
    let good = written(Format::Bincode, request(5, BoardRpcRequest::Last { count: 1 }));
    let method = good.len() - 2;
    for (bytes, what) in [
        ([&good[..method], &[9, 0][..]].concat(), "a method that there is not"),
        ([&good[..method + 1], &[253][..]].concat(), "an argument that is cut off"),
        ([&good[..], &[0][..]].concat(), "a byte too many"),
    ] {
        let mut bytes = bytes;
        let length = (bytes.len() - 4) as u32;
        bytes[..4].copy_from_slice(&length.to_be_bytes());
        let refused = only(Format::Bincode, &bytes);
        assert!(
            matches!(refused, Received::Unreadable { id: 5, why: NotBegun::Unreadable(_) }),
            "{what}: {refused:?}"
        );
    }
    let json = written(Format::Json, request(5, BoardRpcRequest::Last { count: 1 }));
    let text = String::from_utf8(json[4..].to_vec()).unwrap();
    for (from, to) in [("Last", "Lost"), (r#""count":1"#, r#""count":-1"#), ("}}}}", "}}}")] {
        let changed = text.replace(from, to);
        let bytes = [&(changed.len() as u32).to_be_bytes()[..], changed.as_bytes()].concat();
        let refused = only(Format::Json, &bytes);
        assert!(matches!(refused, Received::Unreadable { id: 5, .. }), "{changed}: {refused:?}");
    }
}

#[test]
fn an_answer_that_is_too_long_becomes_an_error_of_its_call() {
    for format in FORMATS {
        let mut server = ServerCodec::<BoardRpcRequest>::new(format, LIMIT, &Room::new(0));
        let mut client = ClientCodec::<BoardRpcResponse>::new(format, LIMIT);
        let mut bytes = BytesMut::new();
        let ids = |count| BoardRpcResponse::Last(Ok((0..count).collect()));
        for (request_id, message) in [(1, ids(10)), (2, ids(10_000)), (3, ids(10))] {
            server.encode(Response { request_id, message: Ok(message) }, &mut bytes).unwrap();
        }
        for expected in [1, 2, 3] {
            let response = client.decode(&mut bytes).unwrap().unwrap();
            assert_eq!((response.request_id, response.message.is_err()), (expected, expected == 2));
            if let Err(error) = &response.message {
                assert_eq!(Refusal::from(error), Refusal::AnswerTooLong(LIMIT as u64));
            }
        }
        assert!(bytes.is_empty());
    }
}

#[test]
fn a_request_that_is_too_long_is_not_written_at_all() {
    for format in FORMATS {
        let mut out = BytesMut::from(&b"before"[..]);
        let mut codec = ClientCodec::<()>::new(format, LIMIT);
        codec.encode(request(1, publish(&[b'x'; LIMIT])), &mut out).unwrap_err();
        assert_eq!(&out[..], b"before");
    }
}

#[test]
fn typed_errors_come_back_as_they_were() {
    for format in FORMATS {
        let errors = [
            BoardError::NoMessage(9),
            BoardError::Full("no room".into()),
            BoardError::AnswerTooLong { limit: 3 },
        ];
        for error in errors {
            let mut bytes = BytesMut::new();
            let message = Ok(BoardRpcResponse::Last(Err(error.clone())));
            ServerCodec::<()>::new(format, LIMIT, &Room::new(0))
                .encode(Response { request_id: 0, message }, &mut bytes)
                .unwrap();
            let response =
                ClientCodec::<BoardRpcResponse>::new(format, LIMIT).decode(&mut bytes).unwrap().unwrap();
            assert!(
                matches!(response.message, Ok(BoardRpcResponse::Last(Err(received))) if received == error)
            );
        }
    }
}

/// Of a board that has answered, what cannot be read is damage, and its calls may have been run.
#[test]
fn only_what_comes_first_tells_that_it_is_no_board() {
    let mut answer = BytesMut::new();
    let response = Response { request_id: 1, message: Ok(BoardRpcResponse::Publish(Ok(7))) };
    write_frame(&mut answer, |out| Format::Bincode.write(&response, LIMIT, out)).unwrap();
    let is_misfit = |bytes: &[u8]| {
        let mut codec = ClientCodec::<BoardRpcResponse>::new(Format::Bincode, LIMIT);
        let mut bytes = BytesMut::from(bytes);
        let error = loop {
            if let Err(error) = codec.decode(&mut bytes) {
                break error;
            }
        };
        error.get_ref().and_then(|inner| inner.downcast_ref::<Misfit>()).is_some()
    };
    assert!(is_misfit(b"HTTP/1.1 400 Bad Request"));
    assert!(is_misfit(b"\0\0\0\x02{}"));
    assert!(!is_misfit(&[&answer[..], b"HTTP/1.1 400 Bad Request"].concat()));
    assert!(!is_misfit(&[&answer[..], b"\0\0\0\x02{}"].concat()));
}

proptest! {
    #[test]
    fn every_split_gives_the_same_requests(texts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..5), step in 1usize..50) {
        for format in FORMATS {
            let frames = texts.iter().zip(0..).map(|(text, id)| written(format, request(id, publish(text))));
            let stream: Vec<u8> = frames.flatten().collect();
            let (all, is_broken) = received(format, &stream, step);
            prop_assert!(!is_broken);
            let read: Vec<Vec<u8>> = all.into_iter().map(|received| match received {
                Received::Message(ClientMessage::Request(Request { message: BoardRpcRequest::Publish { text, .. }, .. })) => text.bytes().to_vec(),
                other => panic!("{other:?}"),
            }).collect();
            prop_assert_eq!(&read, &texts);
        }
    }

    #[test]
    fn any_bytes_and_any_mutation_do_no_harm(garbage: Vec<u8>, at in 0usize..200, with: u8, cut in 0usize..200) {
        for format in FORMATS {
            received(format, &garbage, 7);
            let mut stream = written(format, request(1, publish(b"text"))).to_vec();
            stream.extend(written(format, ClientMessage::<()>::Cancel { trace_context: trace::Context::default(), request_id: 1 }));
            let at = at % stream.len();
            stream[at] = with;
            received(format, &stream, 3);
            received(format, &stream[..cut.min(stream.len())], usize::MAX);
            let mut client = ClientCodec::<BoardRpcResponse>::new(format, LIMIT);
            let _ = client.decode(&mut BytesMut::from(&stream[..]));
            let _ = client.decode(&mut BytesMut::from(&garbage[..]));
        }
    }
}

#[test]
fn unfinished_requests_have_a_room_together() {
    const LONG: usize = 4 * FREE;
    for format in FORMATS {
        let room = Room::new(2 * LONG);
        let message = request(7, publish(&[b'x'; 3 * FREE]));
        let mut whole = BytesMut::new();
        write_frame(&mut whole, |out| format.write(&message, LONG, out)).unwrap();
        let half = || BytesMut::from(&whole[..2 * FREE]);
        let mut codecs: Vec<_> =
            (0..3).map(|_| ServerCodec::<BoardRpcRequest>::new(format, LONG, &room)).collect();
        for codec in &mut codecs[..2] {
            assert!(codec.decode(&mut half()).unwrap().is_none());
        }
        let refused = codecs[2].decode(&mut half()).unwrap();
        assert!(
            matches!(refused, Some(Received::Unreadable { id: 7, why: NotBegun::NoRoom })),
            "{refused:?}"
        );
        let short = codecs[2].decode(&mut BytesMut::from(&whole[..FREE])).unwrap();
        assert!(short.is_none(), "what is short needs no place");
        assert!(codecs[0].decode(&mut whole.clone()).unwrap().is_some());
        assert!(
            codecs[2].decode(&mut half()).unwrap().is_none(),
            "one that is whole has given its place back"
        );
        codecs.truncate(1);
        assert!(codecs[0].decode(&mut half()).unwrap().is_none(), "and so has one that has gone");
    }
}

#[test]
fn answers_that_are_not_sent_have_a_room_together() {
    const LONG: usize = 4 * FREE;
    for format in FORMATS {
        let room = Room::new(2 * LONG);
        let ids = |count| Ok(BoardRpcResponse::Last(Ok((1_000_000_000..1_000_000_000 + count).collect())));
        let answer = |codec: &mut ServerCodec<BoardRpcRequest>, out: &mut BytesMut, count| {
            let before = out.len();
            codec.encode(Response { request_id: 7, message: ids(count) }, out).unwrap();
            let mut client = ClientCodec::<BoardRpcResponse>::new(format, LONG);
            client.decode(&mut out.clone().split_off(before)).unwrap().unwrap().message
        };
        let (mut codecs, mut buffers) = (Vec::new(), vec![BytesMut::new(); 4]);
        codecs.resize_with(4, || ServerCodec::<BoardRpcRequest>::new(format, LONG, &room));
        let long = 3 * FREE as u64 / if format == Format::Json { 11 } else { 5 };
        let refused: Vec<bool> = codecs
            .iter_mut()
            .zip(&mut buffers)
            .map(|(codec, buffer)| match answer(codec, buffer, long) {
                Ok(_) => false,
                Err(error) => Refusal::from(&error) == Refusal::NoRoomForAnswer && buffer.capacity() < FREE,
            })
            .collect();
        assert_eq!(refused, [false, false, true, true]);
        assert!(answer(&mut codecs[2], &mut buffers[2], 9).is_ok(), "what is short needs no place");
        assert_eq!(codecs[0].sent(), Some(BytesMut::new()), "the memory of the long answer goes");
        assert_eq!(codecs[0].sent(), None);
        assert!(answer(&mut codecs[3], &mut buffers[3], long).is_ok());
    }
}

#[test]
fn a_long_request_leaves_no_memory_behind() {
    const LONG: usize = 4 * FREE;
    for format in FORMATS {
        let room = Room::new(LONG);
        let mut codec = ServerCodec::<BoardRpcRequest>::new(format, LONG, &room);
        let mut whole = BytesMut::new();
        write_frame(&mut whole, |out| format.write(&request(7, publish(&[b'x'; 3 * FREE])), LONG, out))
            .unwrap();
        let mut buffer = BytesMut::from(&whole[..2 * FREE]);
        assert!(codec.decode(&mut buffer).unwrap().is_none());
        assert!(!room.place().grow(LONG));
        buffer.extend_from_slice(&whole[2 * FREE..]);
        buffer.extend_from_slice(b"next");
        assert!(codec.decode(&mut buffer).unwrap().is_some());
        assert!(&buffer[..] == b"next" && !buffer.try_reclaim(FREE) && room.place().grow(LONG));
    }
}
