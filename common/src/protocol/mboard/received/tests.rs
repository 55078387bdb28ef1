//! What [`response`](super::super::response) writes is what is read here, and every other byte string does no harm.

use std::net::SocketAddr;
use std::time::Duration;

use proptest::prelude::*;

use super::super::Transport;
use super::super::response::{self, Items, Status};
use super::*;
use crate::protocol::UnixTime;

fn written(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out);
    out
}

fn encode_status(status: Status) -> Vec<u8> {
    written(|out| response::encode_status(status, out))
}

fn encode_ids(ids: impl Items<Id>, transport: Transport) -> Vec<u8> {
    written(|out| response::encode_ids(ids, transport, out))
}

fn encode_message(message: &Posted<'_>, transport: Transport) -> Vec<u8> {
    written(|out| response::encode_message(message, transport, out))
}

fn encode_joined<'a>(messages: impl Items<Posted<'a>>, transport: Transport) -> Vec<u8> {
    written(|out| response::encode_joined(messages, transport, out))
}

fn encode_counted<'a>(messages: impl Items<Posted<'a>>, transport: Transport) -> Vec<u8> {
    written(|out| response::encode_counted(messages, transport, out))
}

fn posted<'a>(from: &str, text: &'a [u8]) -> Posted<'a> {
    let time = UnixTime(Duration::from_millis(1_795_198_052_420));
    Posted { time, from: from.parse().unwrap(), text }
}

#[test]
fn the_responses_of_the_notes() {
    assert_eq!(published(b"0"), Ok(()));
    assert_eq!(ids(b"0"), Ok(vec![]));
    assert_eq!(
        ids(b"0:235432:242435243:3452425423"),
        Ok([235_432, 242_435_243, 3_452_425_423].map(Id).to_vec())
    );
    let message = message(b"0:12343241.3241:127.0.0.1:34234:Hello world!").unwrap();
    assert_eq!(message.time.to_string(), "12343241.32");
    assert_eq!(message.from, SocketAddr::from(([127, 0, 0, 1], 34234)));
    assert_eq!(message.text, b"Hello world!");
}

#[test]
fn every_refusal_has_its_code() {
    for (status, refused) in [
        (Status::BadFormat, Refused::BadFormat),
        (Status::MessageNotFound, Refused::MessageNotFound),
        (Status::UnknownControl, Refused::UnknownControl),
        (Status::TransmissionError, Refused::TransmissionError),
    ] {
        assert_eq!(ids(&encode_status(status)), Err(refused));
        assert_eq!(published(&encode_status(status)), Err(refused));
    }
    assert_eq!(published(&encode_status(Status::Ok)), Ok(()));
}

#[test]
fn what_the_protocol_does_not_have_is_malformed() {
    for bytes in ["", "5", "00", "0:", "0:1:", "0:-1", "0:+1", "0: 1", "0:99999999999999999999"] {
        assert_eq!(ids(bytes.as_bytes()), Err(Refused::Malformed), "{bytes:?}");
    }
    for bytes in
        ["0", "0:", "0:1.0:127.0.0.1:80", "0:1.0:localhost:80:x", "0:x:127.0.0.1:80:x", "0:1.0:[::1:80:x"]
    {
        assert_eq!(message(bytes.as_bytes()), Err(Refused::Malformed), "{bytes:?}");
    }
    for bytes in ["0:", "0:5:1 2", "0:99999999999999999999:x", "0:18446744073709551615:x", "0:3:x y"] {
        let read = counted(bytes.as_bytes());
        assert!(read == Err(Refused::Malformed) || bytes == "0:", "{bytes:?} {read:?}");
    }
}

#[test]
fn the_text_keeps_its_colons_and_an_address_its_brackets() {
    let v4 = posted("127.0.0.1:34234", b"a:b:c");
    let v6 = posted("[::1]:34234", b"]:x");
    assert_eq!(encode_message(&v4, Transport::Udp), b"0:1795198052.42:127.0.0.1:34234:a:b:c");
    assert_eq!(encode_message(&v6, Transport::Udp), b"0:1795198052.42:[::1]:34234:]:x");
    for sent in [v4, v6] {
        assert_eq!(message(&encode_message(&sent, Transport::Udp)), Ok(sent));
    }
    let mapped = posted("[::ffff:10.0.0.7]:80", b"x");
    assert_eq!(encode_message(&mapped, Transport::Udp), b"0:1795198052.42:10.0.0.7:80:x");
}

#[test]
fn code_4_breaks_on_a_colon_and_code_5_does_not() {
    let sent = [posted("127.0.0.1:1", b"one"), posted("127.0.0.1:2", b"a:b"), posted("127.0.0.1:3", b"")];
    let response = encode_joined(sent.into_iter(), Transport::Tcp);
    assert_eq!(
        response.escape_ascii().to_string(),
        "0:1795198052.42 127.0.0.1 1 one:1795198052.42 127.0.0.1 2 a:b:1795198052.42 127.0.0.1 3 "
    );
    let cut = posted("127.0.0.1:2", b"a");
    assert_eq!(joined(&response), Ok(vec![Ok(sent[0]), Ok(cut), Err(b"b".as_slice()), Ok(sent[2])]));

    let response = encode_counted(sent.into_iter(), Transport::Tcp);
    assert_eq!(
        response.escape_ascii().to_string(),
        "0:29:1795198052.42 127.0.0.1 1 one29:1795198052.42 127.0.0.1 2 a:b26:1795198052.42 127.0.0.1 3 "
    );
    assert_eq!(counted(&response), Ok(sent.to_vec()));
    assert_eq!((joined(b"0"), counted(b"0")), (Ok(vec![]), Ok(vec![])));
}

#[test]
fn a_response_never_exceeds_its_datagram() {
    let text = vec![b'x'; 65_502];
    let response = encode_message(&posted("127.0.0.1:34234", &text), Transport::Udp);
    assert_eq!(response.len(), 65_504);
    assert!(message(&response).unwrap().text.len() > 65_400);
    assert_eq!(message(&encode_message(&posted("127.0.0.1:1", &text), Transport::Tcp)).unwrap().text, text);

    let response = encode_ids((0..100_000u32).map(|id| Id(id.into())), Transport::Udp);
    assert!((65_490..=65_504).contains(&response.len()), "{}", response.len());
    let newest = ids(&response).unwrap();
    assert_eq!(newest.last(), Some(&Id(99_999)));
    assert_eq!(newest, (100_000 - newest.len() as u64..100_000).map(Id).collect::<Vec<_>>());
}

proptest! {
    #[test]
    fn any_bytes_do_no_harm(bytes in prop::collection::vec(prop_oneof![b'0'..=b':', Just(b' '), any::<u8>()], 0..60)) {
        let response = [b"0:".as_slice(), &bytes].concat();
        for response in [&response, &bytes] {
            let _ = (published(response), ids(response), message(response), joined(response), counted(response));
        }
    }

    #[test]
    fn what_is_written_is_read(
        sent in prop::collection::vec((0u64..1 << 40, any::<[u8; 4]>(), any::<u16>(), any::<Vec<u8>>()), 0..5),
    ) {
        let sent: Vec<Posted<'_>> = sent
            .iter()
            .map(|(centiseconds, host, port, text)| Posted {
                time: UnixTime(Duration::from_millis(centiseconds * 10)),
                from: SocketAddr::from((*host, *port)),
                text,
            })
            .collect();
        let response = encode_counted(sent.iter().copied(), Transport::Tcp);
        prop_assert_eq!(&counted(&response).unwrap(), &sent);
        for message_sent in &sent {
            let response = encode_message(message_sent, Transport::Session);
            prop_assert_eq!(&message(&response).unwrap(), message_sent);
        }
    }
}
