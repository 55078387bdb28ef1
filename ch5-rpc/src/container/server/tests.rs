use std::time::Instant;

use common::core::conversation::{Conversation, Next};
use common::core::limits::Limits;
use common::core::work::AnyService;
use proptest::prelude::*;

use super::*;
use crate::container::check::check;
use crate::container::descriptor::Descriptor;
use crate::container::message::{Invocation, Order, Value};

/// What the node of chat and store answers to `bytes`, which come in segments of `size`.
fn answers(bytes: &[u8], size: usize) -> Vec<u8> {
    let architecture = check(Descriptor::read(crate::container::EXAMPLE).unwrap()).unwrap();
    let node = Node::new(architecture, "back", "key".into()).unwrap();
    let service: Arc<dyn AnyService> = Arc::new(NodeService::new(node));
    let client = Peer::new(([127, 0, 0, 1], 4711).into());
    let mut conversation = Conversation::open(&service, &Limits::default(), client);
    let (mut sent, mut segments) = (Vec::new(), bytes.chunks(size));
    loop {
        let now = Instant::now();
        while conversation.poll_request(now) {
            let answer = conversation.handle_request();
            conversation.answer(answer);
        }
        match conversation.next(now) {
            Next::Send => {
                let count = conversation.transmit().len();
                sent.extend_from_slice(conversation.transmit());
                conversation.handle_sent(count);
            }
            Next::Receive => match segments.next() {
                Some(segment) => conversation.handle_bytes(segment, now),
                None => return sent,
            },
            Next::HalfClose => return sent,
            Next::Poll => {}
            next => panic!("nothing else comes here: {next:?}"),
        }
    }
}

fn invoke(method: &str, arguments: &[Value]) -> Vec<u8> {
    let order = Order::Invoke(Invocation {
        from: "chat".into(),
        to: "store".into(),
        what: "Store".into(),
        method: Some(method.into()),
        arguments: arguments.to_vec(),
        left: None,
    });
    let mut bytes = Vec::new();
    frame::encode(&Message { key: "key".into(), order }, MESSAGE_LIMIT, &mut bytes).unwrap();
    bytes
}

#[test]
fn every_split_of_the_bytes_has_the_same_answers() {
    let text = |text: &str| Value::Text(text.into());
    let messages = [
        invoke("append", &[text("chat"), text("hello")]),
        invoke("last", &[text("chat"), Value::Number(1)]),
        invoke("forget", &[]),
    ];
    let bytes = messages.concat();
    let expected = answers(&bytes, bytes.len());
    let mut rest = &expected[..];
    let mut outcomes = Vec::new();
    while let Some((outcome, length)) = frame::decode::<Outcome>(rest, MESSAGE_LIMIT).unwrap() {
        outcomes.push(outcome);
        rest = &rest[length..];
    }
    assert_eq!(outcomes[..2], [Ok(Value::Number(0)), Ok(Value::Texts(vec!["hello".into()]))]);
    assert!(matches!(outcomes[2], Err(Fault::Refused(_))) && outcomes.len() == 3, "{outcomes:?}");
    for size in 1..40 {
        assert_eq!(answers(&bytes, size), expected, "{size}");
    }
}

#[test]
fn a_form_is_read_whole_in_every_split() {
    let form = "a=1\r\nb=x=y\r\n";
    let fields = [("a".to_owned(), "1".to_owned()), ("b".to_owned(), "x=y".to_owned())];
    assert_eq!(form_fields(form), fields);
    let head = format!("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n", form.len());
    let bytes = [head.as_bytes(), form.as_bytes()].concat();
    let expected = answers(&bytes, bytes.len());
    // The page is on the other node.
    assert!(expected.starts_with(b"HTTP/1.1 404"), "{}", String::from_utf8_lossy(&expected));
    for size in 1..40 {
        assert_eq!(answers(&bytes, size), expected, "{size}");
    }
}

proptest! {
    #[test]
    fn any_bytes_do_no_harm(bytes: Vec<u8>, size in 1usize..20, begin in 0usize..3) {
        let front: &[u8] = [&[][..], &[0, 0, 0, 20], b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n"][begin];
        answers(&[front, &bytes].concat(), size);
    }
}
