//! The message board's text PDUs.

use common::protocol::mboard::received::{self, Refused};
use common::protocol::mboard::response;
use common::protocol::mboard::{BadRequest, Request, Transport};

use super::decoding::assert_same;

/// A request, over each transport: read, written, read again.
pub fn mboard_requests(bytes: &[u8]) {
    let [udp, session, tcp] = [Transport::Udp, Transport::Session, Transport::Tcp].map(|transport| {
        let parsed = Request::parse(bytes, transport);
        if let Ok(request) = &parsed {
            assert!(bytes.len() <= transport.request_limit());
            assert_eq!(Request::parse(&request.encode(), transport), Ok(*request));
            let argument = &bytes[2..];
            match request {
                Request::Publish(text) => assert_eq!(*text, argument),
                _ => assert!(argument.trim_ascii().iter().all(u8::is_ascii_digit), "no number"),
            }
        }
        parsed
    });
    // The transports differ in their limits and in codes 4 and 5, and in nothing else.
    if bytes.len() <= Transport::Udp.request_limit() {
        assert_eq!(udp, session);
    }
    match (session, tcp) {
        (Ok(_), Err(BadRequest::Format)) => assert!(bytes.len() < 3),
        (Err(BadRequest::UnknownControl), Ok(Request::LastJoined(_) | Request::LastCounted(_))) => {}
        (Err(BadRequest::UnknownControl), Err(_)) => {}
        (session, tcp) => assert_eq!(session, tcp),
    }
}

/// A response, as the answer to each request. What a client has read, a server would have written so.
pub fn mboard_responses(bytes: &[u8]) {
    if received::published(bytes).is_ok() {
        assert_eq!(bytes, b"0");
    }
    if let Ok(ids) = received::ids(bytes) {
        assert!(ids.len() <= bytes.len());
        let mut out = Vec::new();
        response::encode_ids(ids.iter().copied(), Transport::Tcp, &mut out);
        assert_eq!(received::ids(&out), Ok(ids));
    }
    if let Ok(message) = received::message(bytes) {
        let mut out = Vec::new();
        response::encode_message(&message, Transport::Tcp, &mut out);
        assert_same(&message, &received::message(&out).expect("a message that we wrote"));
    }
    if let Ok(messages) = received::counted(bytes) {
        let mut out = Vec::new();
        response::encode_counted(messages.iter().copied(), Transport::Tcp, &mut out);
        let again = received::counted(&out).expect("messages that we wrote");
        assert_eq!(again.len(), messages.len());
        messages.iter().zip(&again).for_each(|(one, other)| assert_same(one, other));
    }
    match received::joined(bytes) {
        // However broken the list is, no byte of it is lost: each is in one piece.
        Ok(pieces) => assert_eq!(pieces.len(), bytes.iter().filter(|byte| **byte == b':').count()),
        Err(refused) => assert!(bytes.len() == 1 || refused == Refused::Malformed),
    }
}
