//! What comes from a browser to the whiteboard: the head of its request, frames, and messages in them.

use std::io::{self, Cursor, Read, Write};
use std::sync::{Arc, Mutex};

use ch4_shared_state::whiteboard::http::{ACCEPTS, Reply, is_upgrade, reply};
use ch4_shared_state::whiteboard::protocol::{
    FromBrowser, FromServer, MESSAGE_LIMIT, NAME_LIMIT, PIXELS_LIMIT,
};
use ch4_shared_state::whiteboard::websocket::{Incoming, WebSocket};
use common::core::service::{Answer, Peer, Protocol, Service};
use common::core::work::AnyService;
use common::protocol::http::RequestHead;
use tungstenite::Message;
use tungstenite::protocol::Role;

use super::converse::converse;

const HEAD: &[u8] =
    b"GET /server HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// Frames, after the head of an upgrade; with a second byte that is odd, whatever begins a connection. The first byte says how long the
/// pieces are.
pub fn websocket(bytes: &[u8]) {
    let [step, begin, frames @ ..] = bytes else { return };
    if begin % 2 == 1 {
        both_ways(*step, frames);
        return;
    }
    let (heard, sent) = both_ways(*step, &[HEAD, frames].concat());
    let mut heard = heard.into_iter();
    assert!(matches!(heard.next(), Some(Incoming::Head(head)) if is_upgrade(&head)));
    let heard: Vec<Incoming> = heard.collect();
    assert!(heard.iter().all(|one| !matches!(one, Incoming::Text(text) if text.len() > MESSAGE_LIMIT)));
    match &sent[..] {
        [] => {
            let (ours, others) = (until_close(heard), others(frames));
            assert_eq!(ours.get(..others.len()), Some(&others[..]));
            // The other does not wait for the end of a message that cannot become text any more; we do, and hear pings meanwhile.
            assert!(ours[others.len()..].iter().all(|one| !matches!(one, Incoming::Text(_))));
        }
        // The last frame: a code and a reason.
        [0x88, length @ 2..=125, rest @ ..] => assert_eq!(rest.len(), usize::from(*length)),
        sent => panic!("{} is no close frame", sent.escape_ascii()),
    }
}

/// What another decoder makes of the same frames.
fn others(frames: &[u8]) -> Vec<Incoming> {
    struct Stream<'a>(Cursor<&'a [u8]>);
    impl Read for Stream<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0.read(buffer)
        }
    }
    impl Write for Stream<'_> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut socket = tungstenite::WebSocket::from_raw_socket(Stream(Cursor::new(frames)), Role::Server, None);
    let mut heard = Vec::new();
    loop {
        match socket.read() {
            Ok(Message::Text(text)) => heard.push(Incoming::Text(text.to_string())),
            Ok(Message::Ping(payload)) => heard.push(Incoming::Ping(payload.to_vec())),
            Ok(Message::Pong(_)) => heard.push(Incoming::Pong),
            _ => return heard,
        }
    }
}

/// What comes before the end of the conversation.
fn until_close(heard: Vec<Incoming>) -> Vec<Incoming> {
    heard.into_iter().take_while(|one| !matches!(one, Incoming::Close(_))).collect()
}

/// What is heard and sent when the stream comes whole, and in pieces of `step` bytes: both must be the same.
fn both_ways(step: u8, stream: &[u8]) -> (Vec<Incoming>, Vec<u8>) {
    let listen = |step: usize| {
        let frames = Arc::new(Frames::default());
        let service: Arc<dyn AnyService> = frames.clone();
        let (_, sent) = converse(&service, stream, step.max(1));
        let heard = std::mem::take(&mut *frames.heard.lock().expect("no panic under it"));
        (heard, sent)
    };
    let whole = listen(stream.len());
    assert_eq!(listen(step.into()), whole);
    whole
}

/// A service that only listens.
#[derive(Default)]
struct Frames {
    heard: Mutex<Vec<Incoming>>,
}

impl Service for Frames {
    type Request = Incoming;

    fn name(&self) -> &'static str {
        "frames"
    }

    fn protocol(&self) -> impl Protocol<Request = Incoming> {
        WebSocket::default()
    }

    fn handle(&self, _: &Peer, incoming: Incoming) -> Answer {
        self.heard.lock().expect("no panic under it").push(incoming);
        Answer::nothing()
    }
}

/// The head of a request, and the answer to it.
pub fn whiteboard_heads(bytes: &[u8]) {
    match RequestHead::parse(bytes, &ACCEPTS) {
        Ok(None) => {}
        Err(rejection) => check_answer(&rejection.response()),
        Ok(Some((length, head))) => {
            assert!(bytes[..length].ends_with(b"\n") && head.path().starts_with('/'));
            match reply(&head, &["lab.example".to_owned()]) {
                Reply::Last(answer) => {
                    check_answer(&answer);
                    assert!(!head.is_head() || answer.ends_with(b"\r\n\r\n"));
                }
                Reply::Upgrade(_, answer) => {
                    assert!(is_upgrade(&head) && answer.starts_with(b"HTTP/1.1 101"));
                    assert_eq!(check_head(&answer), answer.len());
                }
            }
        }
    }
}

/// The last answer of a connection.
fn check_answer(answer: &[u8]) {
    check_head(answer);
    assert!(!answer.starts_with(b"HTTP/1.1 101"));
}

/// Where the head of an answer ends. No line of it is torn.
fn check_head(answer: &[u8]) -> usize {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("a head") + 4;
    let lines = str::from_utf8(&answer[..end]).expect("text").split_terminator("\r\n");
    for line in lines {
        assert!(!line.chars().any(char::is_control), "{} is no line of ours", line.escape_debug());
    }
    end
}

/// A message, from either side: read, written, read again.
pub fn whiteboard_messages(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    if let Ok(message) = FromBrowser::parse(text) {
        match &message {
            FromBrowser::Hello { name, .. } => {
                assert!((1..=NAME_LIMIT).contains(&name.chars().count()));
                assert!(!name.chars().any(char::is_control), "{}", name.escape_debug());
            }
            FromBrowser::Paint { pixels, .. } => assert!(pixels.len() <= PIXELS_LIMIT),
            FromBrowser::Merge { writes } => assert!(writes.len() <= PIXELS_LIMIT),
            FromBrowser::Cursor { .. } => {}
        }
        let written = serde_json::to_string(&message).expect("numbers and strings");
        assert_eq!(FromBrowser::parse(&written).expect("our own"), message);
    }
    if let Ok(message) = serde_json::from_str::<FromServer>(text) {
        let again: FromServer = serde_json::from_str(&message.to_json()).expect("our own");
        assert_eq!(again, message);
    }
}
