//! Pyro's wire: what any bytes do to a server of remote objects.

use std::sync::Arc;
use std::time::Instant;

use ch5_rpc::chat::objects::Chat;
use ch5_rpc::chat::room::Limits as ChatLimits;
use ch5_rpc::daemon::pyro_wire::Daemon;
use ch5_rpc::daemon::registry::Objects;
use ch5_rpc::names::object::{NAME_SERVER, NameServer};
use ch5_rpc::pyro::message::ANSWER_LIMIT;
use ch5_rpc::pyro::message::{COMPRESSED, Message, Version, decode};
use ch5_rpc::pyro::serpent::{literal, read, write};
use common::core::conversation::{Conversation, Next};
use common::core::limits::Limits;
use common::core::service::Peer;
use common::core::work::AnyService;

/// A text is read or refused. What is read is written so that it is read as the same.
pub fn serpent(bytes: &[u8]) {
    if let Ok(value) = read(bytes) {
        let text = write(&value);
        let again = read(&text).unwrap_or_else(|error| panic!("{error}: {}", text.escape_ascii()));
        assert_eq!(literal(&again), literal(&value));
    }
}

/// A client's whole stream, behind a byte that says how long its pieces are. However it is cut, as many messages come back, and each
/// of them is well formed, with a value in it.
pub fn pyro(bytes: &[u8]) {
    let Some((&step, stream)) = bytes.split_first() else { return };
    check_messages(stream);
    let whole = answers(stream, stream.len().max(1));
    // Ids of objects are not the same twice, but they have one length.
    assert_eq!(answers(stream, usize::from(step).max(1)), whole);
}

/// What is read is written again as it was, but for what is skipped.
fn check_messages(mut stream: &[u8]) {
    while let Ok(Some((Message { header, data }, consumed))) = decode(stream, 10_000) {
        assert!(0 < consumed && consumed <= stream.len() && !header.has(COMPRESSED));
        let frame = header.frame(&data);
        let (again, length) = decode(&frame, 10_000).unwrap().unwrap();
        assert_eq!((again.data, length), (data, frame.len()));
        let flags = |flags: u16| if header.version == Version::Five { flags & !0x40 } else { flags };
        assert_eq!(flags(again.header.flags), flags(header.flags));
        stream = &stream[consumed..];
    }
}

/// Kind, sequence and length of every answer.
fn answers(stream: &[u8], step: usize) -> Vec<(u16, u16, usize)> {
    let objects = Objects::default();
    objects.place("127.0.0.1".into(), 7777);
    let limits = ChatLimits { users: 3, bytes: 2000, private: 500, text: 200 };
    objects.add_as("chat", Arc::new(Chat::new(objects.clone(), limits))).unwrap();
    objects.add_as(NAME_SERVER, Arc::new(NameServer::default())).unwrap();
    let service: Arc<dyn AnyService> = Arc::new(Daemon::new("fuzz", objects));
    let sent = converse(&service, stream, step);
    let (mut rest, mut answers) = (&sent[..], Vec::new());
    while let Some((Message { header, data }, consumed)) = decode(rest, ANSWER_LIMIT).unwrap() {
        assert!(data == b"pong" || read(&data).is_ok(), "{}", data.escape_ascii());
        // How long a lease still lasts and the number of a change are other numbers each time.
        let length =
            if data.windows(5).any(|word| word == b"PYRO:") || data.contains(&b'.') { 0 } else { data.len() };
        answers.push((header.kind as u16, header.sequence, length));
        rest = &rest[consumed..];
    }
    assert!(rest.is_empty(), "half a message: {}", rest.escape_ascii());
    answers
}

pub(crate) fn converse(service: &Arc<dyn AnyService>, stream: &[u8], step: usize) -> Vec<u8> {
    let peer = Peer::new(([127, 0, 0, 1], 4711).into());
    let mut conversation = Conversation::open(service, &Limits::default(), peer);
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
