use std::sync::Arc;
use std::time::Instant;

use common::core::conversation::{Conversation, Next};
use common::core::work::AnyService;

use super::*;

/// What a server with a content limit of 1000 bytes answers to a stream that comes in pieces of `step` bytes.
fn converse(stream: &[u8], step: usize) -> Vec<u8> {
    let service: Arc<dyn AnyService> = Arc::new(RpcService::new(Limits::default(), 1000, true));
    let peer = Peer::new(([127, 0, 0, 1], 4711).into());
    let mut conversation = Conversation::open(&service, &common::core::limits::Limits::default(), peer);
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

/// Its status lines, whatever pieces the stream comes in.
fn statuses(stream: &[u8]) -> Vec<String> {
    let whole = converse(stream, stream.len());
    for step in [1, 2, 7, 60] {
        assert_eq!(converse(stream, step), whole, "in pieces of {step}");
    }
    let lines = String::from_utf8_lossy(&whole).into_owned();
    lines.lines().filter_map(|line| Some(line.strip_prefix("HTTP/1.1 ")?.to_owned())).collect()
}

fn status(stream: &[u8]) -> String {
    let statuses = statuses(stream);
    assert_eq!(statuses.len(), 1, "{statuses:?}");
    statuses[0].clone()
}

const CALL: &str = "<methodCall><methodName>my_function</methodName></methodCall>";
const RESULT: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<methodResponse><params><param><value><boolean>1</boolean>\
                      </value></param></params></methodResponse>\n";

fn post(path: &str, fields: &str, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let head = format!("POST {path} HTTP/1.1\r\nHost: a\r\n{fields}Content-Length: {length}\r\n\r\n");
    [head.as_bytes(), content].concat()
}

#[test]
fn a_call_with_a_length_and_one_in_chunks_have_the_same_answer() {
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\r\n{RESULT}",
        RESULT.len()
    );
    assert_eq!(String::from_utf8(converse(&post("/RPC2", "", CALL.as_bytes()), 9)).unwrap(), answer);
    let (first, rest) = CALL.split_at(10);
    let chunked = format!(
        "POST /RPC2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\na;x=y\r\n{first}\r\n{:x}\r\n{rest}\r\n0\r\nField: x\r\n\r\n",
        rest.len()
    );
    assert_eq!(String::from_utf8(converse(chunked.as_bytes(), 9)).unwrap(), answer);
    let both = [chunked.as_bytes(), &post("/RPC2", "", CALL.as_bytes())].concat();
    assert_eq!(statuses(&both), ["200 OK", "200 OK"], "the connection stays");
}

#[test]
fn http_1_0_closes_unless_it_is_asked_to_stay() {
    let old = |fields: &str| {
        let length = CALL.len();
        format!("POST /RPC2 HTTP/1.0\r\n{fields}Content-Length: {length}\r\n\r\n{CALL}").repeat(2)
    };
    assert_eq!(statuses(old("").as_bytes()), ["200 OK"]);
    assert_eq!(statuses(old("Connection: keep-alive\r\n").as_bytes()), ["200 OK", "200 OK"]);
    assert_eq!(statuses(&post("/RPC2", "Connection: close\r\n", CALL.as_bytes()).repeat(2)), ["200 OK"]);
}

#[test]
fn what_is_no_request_for_a_call_is_refused() {
    for (stream, refused) in [
        (&post("/", "", CALL.as_bytes())[..], "404 Not Found"),
        (&post("/RPC2/", "", b""), "404 Not Found"),
        (&post("/RPC2", "Origin: http://a\r\n", CALL.as_bytes()), "403 Forbidden"),
        (&post("/RPC2", "Content-Encoding: deflate\r\n", CALL.as_bytes()), "415 Unsupported Media Type"),
        (&post("/RPC2", "Content-Encoding: gzip, gzip\r\n", CALL.as_bytes()), "415 Unsupported Media Type"),
        (&post("/RPC2", "", &[b' '; 1001]), "413 Content Too Large"),
        (b"POST /RPC2 HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n", "413 Content Too Large"),
        (b"POST /RPC2 HTTP/1.1\r\nHost: a\r\n\r\n", "411 Length Required"),
        (b"POST /RPC2 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab", "400 Bad Request"),
        (b"POST /RPC2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", "400 Bad Request"),
        (b"GET /RPC2 HTTP/1.1\r\nHost: a\r\n\r\n", "405 Method Not Allowed"),
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "404 Not Found"),
        (b"HEAD /RPC3 HTTP/1.1\r\nHost: a\r\n\r\n", "404 Not Found"),
        (b"POST /RPC2 HT", "400 Bad Request"),
    ] {
        assert_eq!(status(stream), refused, "{}", stream.escape_ascii());
    }
    let get = converse(b"GET /RPC2 HTTP/1.1\r\nHost: a\r\n\r\n", 9);
    assert!(String::from_utf8(get).unwrap().contains("\r\nAllow: POST\r\n"));
}

#[test]
fn chunks_have_the_same_limit_and_one_for_what_is_around_them() {
    let head = "POST /RPC2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let chunked = |chunk: &str, count: usize| [head, &chunk.repeat(count)].concat().into_bytes();
    assert_eq!(status(&chunked("1\r\n \r\n", 1001)), "413 Content Too Large");
    let padded = chunked(&format!("1;{}\r\n \r\n", "x".repeat(500)), 200);
    assert_eq!(status(&padded), "413 Content Too Large");
}

#[test]
fn what_waits_for_a_word_is_told_to_continue_once() {
    let request = post("/RPC2", "Expect: 100-continue\r\n", CALL.as_bytes());
    let answer = converse(&request, request.len() - CALL.len());
    assert!(answer.starts_with(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"));
    assert_eq!(converse(&request, 1).windows(5).filter(|five| five == b" 100 ").count(), 1);
    assert!(converse(&request, request.len()).starts_with(b"HTTP/1.1 200"), "the content is there already");
    let too_large = b"POST /RPC2 HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1001\r\n\r\n";
    assert!(converse(too_large, 9).starts_with(b"HTTP/1.1 413"));
}

#[test]
fn bad_content_is_a_fault_and_the_connection_stays() {
    for (content, code) in [
        (&b"secret"[..], "-32600"),
        (b"", "-32700"),
        (b"<methodCall>", "-32700"),
        (b"\xff", "-32702"),
        (b"<?xml version='1.0' encoding='koi8-r'?>", "-32701"),
        (b"<methodCall><methodName>secret</methodName></methodCall>", "-32601"),
    ] {
        let two = [post("/RPC2", "", content), post("/RPC2", "", CALL.as_bytes())].concat();
        let answer = String::from_utf8(converse(&two, 7)).unwrap();
        assert!(answer.contains(&format!("<name>faultCode</name><value><int>{code}</int>")), "{answer}");
        assert!(answer.ends_with(RESULT) && !answer.contains("secret"), "{answer}");
    }
    let bad = post("/rpc", "", b"\xff");
    assert!(converse(&bad, 7).windows(6).any(|six| six == b"-32702"));
    let is_gzip = post("/RPC2", "Content-Encoding: gzip\r\n", CALL.as_bytes());
    assert!(converse(&is_gzip, 7).windows(6).any(|six| six == b"-32700"));
}

#[test]
fn the_head_may_say_the_encoding() {
    let content = b"<methodCall><methodName>t\xea\xa8t</methodName><params><param><value><int>7</int></value></param></params></methodCall>";
    for kind in ["text/xml; charset=iso-8859-15", "text/xml;a=b; Charset=\"ISO-8859-15\""] {
        let answer = converse(&post("/RPC2", &format!("Content-Type: {kind}\r\n"), content), 9);
        assert!(answer.windows(12).any(|twelve| twelve == b"<int>7</int>"), "{}", answer.escape_ascii());
    }
    let as_utf_8 = converse(&post("/RPC2", "Content-Type: text/xml\r\n", content), 9);
    assert!(as_utf_8.windows(6).any(|six| six == b"-32702"));
}

#[test]
fn a_fault_is_short_however_long_the_request_is() {
    for content in ["<".repeat(900), format!("<methodCall><methodName>{}", "&lt;".repeat(200))] {
        assert!(converse(&post("/RPC2", "", content.as_bytes()), 100).len() < 600);
    }
}

#[test]
fn a_notification_is_answered_without_content() {
    let notification = br#"{"jsonrpc":"2.0","method":"last"}"#;
    assert_eq!(converse(&post("/rpc", "", notification), 9), b"HTTP/1.1 204 No Content\r\n\r\n");
    let two =
        [post("/rpc", "", notification), post("/rpc", "", br#"{"jsonrpc":"2.0","method":"last","id":1}"#)];
    let answer = String::from_utf8(converse(&two.concat(), 9)).unwrap();
    assert!(
        answer.ends_with(r#"{"jsonrpc":"2.0","result":[],"id":1}"#) && answer.contains("application/json")
    );
}

#[test]
fn a_long_answer_is_a_stream_with_a_length() {
    let service = RpcService::new(Limits::default(), 1 << 20, false);
    let peer = Peer::new(([127, 0, 0, 1], 4711).into());
    service.board.publish(vec![b'<'; 100_000].into(), peer.address.socket_address(), None).unwrap();
    let content = b"<methodCall><methodName>get</methodName><params><param><value><int>0</int></value></param></params></methodCall>";
    let posted =
        |keep| Posted { wanted: Wanted::Xml, content: content.to_vec(), is_gzip: false, charset: None, keep };
    for (keep, then) in [
        (Keep::Open, common::core::service::AfterAnswer::Continue),
        (Keep::Close, common::core::service::AfterAnswer::Close),
    ] {
        let answer = service.handle(&peer, Asked::Posted(posted(keep)));
        assert_eq!(answer.then, then);
        let Body::Stream(mut stream) = answer.body else { panic!("{:?}", answer.body) };
        let mut all = Vec::new();
        while let common::core::service::Piece::Bytes(piece) = stream.poll_piece(Instant::now()) {
            all.extend_from_slice(&piece);
        }
        let end = all.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
        let (head, content) = all.split_at(end);
        let length = format!("Content-Length: {}\r\n", content.len());
        assert!(String::from_utf8_lossy(head).contains(&length) && content.len() > 400_000);
    }
}
