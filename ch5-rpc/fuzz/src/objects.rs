//! Our own protocol of remote objects: what any bytes do to its server, and to its client.

use std::sync::Arc;

use ch5_rpc::chat::objects::Chat;
use ch5_rpc::chat::room::Limits as ChatLimits;
use ch5_rpc::daemon::both_wires::BothWires;
use ch5_rpc::daemon::registry::Objects;
use ch5_rpc::objects::message::{ANSWER_LIMIT, Message, Outcome, REQUEST_LIMIT, decode};
use ch5_rpc::objects::session::Session;
use common::core::work::AnyService;

use super::pyro::converse;

/// A client's whole stream, behind a byte that says how long its pieces are. However it is cut, the same messages come back. And the
/// same bytes as a server's do no harm to a client.
pub fn objects(bytes: &[u8]) {
    let Some((&step, stream)) = bytes.split_first() else { return };
    let whole = answers(stream, stream.len().max(1));
    assert_eq!(answers(stream, usize::from(step).max(1)), whole);
    let mut session = Session::default();
    let _ = session.handle_bytes(stream, std::time::Instant::now());
    let events = std::iter::from_fn(|| session.poll_event()).count();
    assert!(events <= stream.len());
    let mut rest = stream;
    while let Ok(Some((message, consumed))) = decode(rest, REQUEST_LIMIT) {
        if let Ok(frame) = message.frame(ANSWER_LIMIT) {
            // Not compared as values: NaN is not NaN.
            let (again, _) = decode(&frame, ANSWER_LIMIT).unwrap().unwrap();
            assert_eq!(again.frame(ANSWER_LIMIT).unwrap(), frame);
        }
        rest = &rest[consumed..];
    }
}

/// Every answer; references are other ones each time.
fn answers(stream: &[u8], step: usize) -> Vec<String> {
    let objects = Objects::default();
    objects.place("127.0.0.1".into(), 7777);
    let limits = ChatLimits { users: 3, bytes: 2000, private: 500, text: 200 };
    objects.add_as("chat", Arc::new(Chat::new(objects.clone(), limits))).unwrap();
    let service: Arc<dyn AnyService> = Arc::new(BothWires::new("fuzz", objects));
    if !stream.starts_with(&[0]) {
        return Vec::new(); // Pyro's: that is another target
    }
    let sent = converse(&service, stream, step);
    let (mut rest, mut answers) = (&sent[..], Vec::new());
    while let Some((message, consumed)) = decode(rest, ANSWER_LIMIT).unwrap() {
        let is_reference = matches!(message, Message::Answer { outcome: Outcome::Reference(_), .. });
        let text = format!("{message:?}");
        let has_reference = is_reference || text.contains("PYRO:");
        answers.push(if has_reference { "a reference".into() } else { text });
        rest = &rest[consumed..];
    }
    assert!(rest.is_empty(), "half a message: {}", rest.escape_ascii());
    answers
}
