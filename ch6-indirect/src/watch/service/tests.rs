//! From bytes to bytes: who may ask, and what an answer's head says.

use std::net::SocketAddr;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use common::core::conversation::{Conversation, Next};
use common::core::limits::Limits;
use common::core::work::AnyService;

use super::*;
use crate::watch::api::tests::Fake;

const GUEST: &str = "Z3Vlc3Q6Z3Vlc3Q=";

/// What the service answers to a stream, which ends then.
fn answer(stream: &str) -> String {
    let service: Arc<dyn AnyService> =
        Arc::new(WatchService::new(Arc::new(Fake::default()), vec!["lab.example".into()]));
    let peer = Peer::new(SocketAddr::from(([127, 0, 0, 1], 40_000)));
    let mut conversation = Conversation::open(&service, &Limits::default(), peer);
    let (mut pieces, mut sent, now) = (stream.as_bytes().chunks(50), Vec::new(), Instant::now());
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
            Next::Close => return String::from_utf8(sent).unwrap(),
        }
    }
}

fn ask(line: &str, fields: &str, content: &str) -> String {
    let length = content.len();
    answer(&format!(
        "{line} HTTP/1.1\r\nHost: 127.0.0.1:15672\r\nContent-Length: {length}\r\n{fields}\r\n{content}"
    ))
}

fn status(answer: &str) -> u16 {
    answer[9..12].parse().unwrap()
}

#[test]
fn the_page_is_for_everybody_and_the_api_for_who_has_a_password() {
    let page = ask("GET /", "", "");
    assert!(page.starts_with("HTTP/1.1 200 OK") && page.ends_with(PAGE), "{}", &page[..300]);
    assert!(page.contains("frame-ancestors 'none'") && page.contains("nosniff"));
    assert_eq!(ask("HEAD /", "", ""), page[..page.len() - PAGE.len()]);

    let none = ask("GET /api/overview", "", "");
    assert!(status(&none) == 401 && none.contains("WWW-Authenticate: Basic"), "{none}");
    let wrong = format!("Authorization: Basic {}\r\n", BASE64.encode("guest:wrong"));
    assert_eq!(status(&ask("GET /api/overview", &wrong, "")), 401);
    let right = format!("Authorization: Basic {GUEST}\r\n");
    let overview = ask("GET /api/overview", &right, "");
    assert!(status(&overview) == 200 && overview.contains("Cache-Control: no-store"), "{overview}");
    assert_eq!(status(&ask("GET /other", &right, "")), 404);
}

#[test]
fn another_site_changes_nothing_although_the_browser_knows_the_password() {
    let right = format!("Authorization: Basic {GUEST}\r\n");
    let publish = |fields: &str| {
        let content = "{\"payload\":\"x\",\"routing_key\":\"k\"}";
        status(&ask("POST /api/exchanges/%2F/amq.default/publish", &format!("{right}{fields}"), content))
    };
    let json = "Content-Type: application/json\r\n";
    assert_eq!(publish(json), 200);
    assert_eq!(publish(&format!("{json}Origin: http://127.0.0.1:15672\r\n")), 200);
    assert_eq!(publish(&format!("{json}Origin: http://evil.example\r\n")), 403);
    assert_eq!(publish(&format!("{json}Origin: null\r\n")), 403);
    assert_eq!(publish("Content-Type: text/plain\r\n"), 415);
    let rebound = format!("GET /api/overview HTTP/1.1\r\nHost: evil.example\r\n{right}\r\n");
    assert_eq!(status(&answer(&rebound)), 403);
    assert_eq!(status(&answer(&rebound.replace("evil.example", "lab.example"))), 200);
}

#[test]
fn hostile_names_stay_text() {
    let right = format!("Authorization: Basic {GUEST}\r\n");
    let queues = ask("GET /api/queues", &right, "");
    assert!(
        queues.contains("Content-Type: application/json\r\n") && queues.contains("<img src=x"),
        "{queues}"
    );
    // The page makes elements and texts, and never reads text as HTML.
    for reads_html in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "DOMParser"]
    {
        assert!(!PAGE.contains(reads_html), "{reads_html}");
    }
}

#[test]
fn every_answer_says_where_it_ends() {
    let right = format!("Authorization: Basic {GUEST}\r\nContent-Type: application/json\r\n");
    let created = ask("PUT /api/queues/%2F/q", &right, "{}");
    assert!(status(&created) == 201 && created.contains("Content-Length: 0\r\n"), "{created}");
    let done = ask("DELETE /api/queues/%2F/a%2Fb", &right, "");
    assert!(status(&done) == 204 && !done.contains("Content-Length"), "{done}");
    let got = ask("POST /api/queues/%2F/q/get", &right, "{}");
    assert!(got.contains("Transfer-Encoding: chunked\r\n") && got.ends_with("2\r\n[]\r\n0\r\n\r\n"), "{got}");
}

#[test]
fn content_comes_whole_or_not_at_all() {
    let head = "PUT / HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";
    let cut = answer(head);
    assert!(cut.as_bytes().starts_with(CONTINUE) && status(&cut[CONTINUE.len()..]) == 400, "{cut}");
    let chunked = "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_eq!(status(&answer(chunked)), 411);
    let long = "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n";
    assert_eq!(status(&answer(long)), 413);
}
