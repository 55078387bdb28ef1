use std::sync::Arc;
use std::sync::Mutex;
use std::time::Instant;

use common::core::conversation::{Conversation, Next};
use common::core::limits::Limits;
use common::core::work::AnyService;

use super::*;

/// Remembers what was done to it.
#[derive(Default)]
struct Echo(Mutex<Vec<String>>);

impl Object for Echo {
    fn interface(&self) -> &'static str {
        "Echo"
    }

    fn methods(&self) -> &'static [&'static str] {
        &["echo", "fail", "long", "note", "slow"]
    }

    fn one_way(&self) -> &'static [&'static str] {
        &["note"]
    }

    fn call(&self, call: &Call<'_>) -> Result<Value, Exception> {
        self.0.lock().unwrap().push(call.method.to_owned());
        match call.method {
            "fail" => Err(Exception::builtin("KeyError", "x")),
            "long" => Ok(" ".repeat(ANSWER_LIMIT).into()),
            "slow" => {
                std::thread::sleep(Duration::from_millis(50));
                Ok(Value::None)
            }
            _ => Ok(call.bind(1, ["value"])?[0].cloned().unwrap_or(Value::None)),
        }
    }
}

fn daemon() -> (Arc<dyn AnyService>, Arc<Echo>, Objects) {
    let (objects, echo) = (Objects::default(), Arc::new(Echo::default()));
    objects.add_as("echo", echo.clone()).unwrap();
    (Arc::new(Daemon::new("test", objects.clone())), echo, objects)
}

/// All that a server says to this stream, which comes in pieces.
fn converse(service: &Arc<dyn AnyService>, stream: &[u8], step: usize) -> Vec<u8> {
    let peer = Peer::new(([127, 0, 0, 1], 1).into());
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

fn answers(mut bytes: &[u8]) -> Vec<(Kind, u16, u16, String)> {
    let mut answers = Vec::new();
    while let Some((Message { header, data }, consumed)) = decode(bytes, ANSWER_LIMIT).unwrap() {
        let text = String::from_utf8(data).unwrap();
        let text = text.split_once('\n').map_or(text.clone(), |(_, literal)| literal.to_owned());
        answers.push((header.kind, header.flags, header.sequence, text));
        bytes = &bytes[consumed..];
    }
    assert!(bytes.is_empty());
    answers
}

fn connect(version: Version) -> Vec<u8> {
    let flags = if version == Version::Four { META_ON_CONNECT } else { 0 };
    Header::new(version, Kind::Connect, flags, 0).frame(b"{'handshake':'hello','object':'echo'}")
}

fn invoke(version: Version, flags: u16, sequence: u16, call: &str) -> Vec<u8> {
    Header::new(version, Kind::Invoke, flags, sequence).frame(call.as_bytes())
}

#[test]
fn a_conversation_is_the_same_in_every_split() {
    let (service, ..) = daemon();
    for version in [Version::Four, Version::Five] {
        let stream = [
            connect(version),
            invoke(version, 0, 1, "('echo','echo',(7,),{})"),
            invoke(version, ONE_WAY, 2, "('echo','note',(7,),{})"),
            invoke(version, 0, 3, "('echo','fail',(),{})"),
            Header::new(version, Kind::Ping, 0, 4).frame(b"ping"),
            invoke(version, 0, 5, "('echo','other',(),{})"),
            invoke(version, 0, 6, "('none','echo',(),{})"),
            invoke(
                version,
                BATCH,
                7,
                "('echo','<batch>',(('echo',(1,),{}),('fail',(),{}),('echo',(2,),{})),{})",
            ),
        ]
        .concat();
        let whole = converse(&service, &stream, stream.len());
        for step in 1..60 {
            assert_eq!(converse(&service, &stream, step), whole, "pieces of {step}");
        }
        let said = answers(&whole);
        let meta = "{'handshake':'hello','meta':{'methods':['echo','fail','long','note','slow'],'oneway':['note'],'attrs':[]}}";
        let flags = if version == Version::Four { META_ON_CONNECT } else { 0 };
        assert_eq!(said[0], (Kind::ConnectOk, flags, 0, meta.into()));
        assert_eq!(said[1], (Kind::Result, 0, 1, "7".into()), "the one-way call behind it has no answer");
        let key_error =
            "{'__class__':'builtins.KeyError','__exception__':True,'args':('x',),'attributes':{}}";
        assert_eq!(said[2], (Kind::Result, EXCEPTION, 3, key_error.into()));
        assert_eq!(said[3], (Kind::Ping, 0, 4, "pong".into()));
        assert!(said[4].1 == EXCEPTION && said[4].3.contains("builtins.AttributeError"), "{}", said[4].3);
        let unknown = format!("{}.errors.DaemonError", version.package());
        assert!(said[5].1 == EXCEPTION && said[5].3.contains(&unknown), "{}", said[5].3);
        assert!(
            said[6].1 == BATCH && said[6].3.starts_with("[1,{'__class__':'") && !said[6].3.contains(",2]")
        );
    }
}

#[test]
fn a_batch_is_bounded_in_its_answer_and_in_its_time() {
    let (service, echo, _) = daemon();
    let batch = |method: &str, count| {
        let calls = format!("('echo','<batch>',[{}],{{}})", format!("('{method}',(),{{}}),").repeat(count));
        let stream = [connect(Version::Five), invoke(Version::Five, BATCH, 1, &calls)].concat();
        let (_, flags, _, text) = answers(&converse(&service, &stream, stream.len())).remove(1);
        (flags, text, std::mem::take(&mut *echo.0.lock().unwrap()).len())
    };
    let (flags, text, called) = batch("long", 3);
    assert!(flags == EXCEPTION && text.contains("longer than the limit"), "{text}");
    assert_eq!(called, 1, "what is too long already is not made longer");
    let (flags, text, called) = batch("slow", 1000);
    assert!(flags == BATCH && text.contains("not begun: the batch has taken too long"), "{text}");
    assert!((1..100).contains(&called), "{called} calls, 50 ms each");
}

#[test]
fn a_one_way_call_is_done_although_its_client_closes_at_once() {
    let (service, echo, _) = daemon();
    let stream =
        [connect(Version::Five), invoke(Version::Five, ONE_WAY, 1, "('echo','note',(7,),{})")].concat();
    assert_eq!(answers(&converse(&service, &stream, stream.len())).len(), 1);
    assert_eq!(*echo.0.lock().unwrap(), ["note"]);
}

#[test]
fn a_client_that_is_refused_is_told_why() {
    let (service, echo, _) = daemon();
    let version = Version::Five;
    let stranger =
        Header::new(version, Kind::Connect, 0, 9).frame(b"{'handshake':'hello','object':'nobody'}");
    let pickle =
        Header { serializer: 4, ..Header::new(version, Kind::Connect, 0, 9) }.frame(b"cos\nsystem\n");
    for (stream, words) in [
        (stranger.clone(), "'unknown object'"),
        (pickle, "'serializer 4 is not read here: only serpent (1) is'"),
        ([stranger, invoke(version, 0, 1, "('echo','echo',(7,),{})")].concat(), "'unknown object'"),
    ] {
        let expected = (Kind::ConnectFail, 0, 9, words.to_owned());
        assert_eq!(answers(&converse(&service, &stream, 7)), [expected]);
    }
    for (stream, words) in [
        (invoke(version, 0, 1, "('echo','echo',(7,),{})"), "not the message that is due"),
        (
            [connect(version), invoke(version, 0, 1, &" ".repeat(REQUEST_LIMIT + 1))].concat(),
            "longer than the limit",
        ),
        ([connect(version), invoke(version, 0, 1, "('echo','echo',(b'x',),{})")].concat(), "not serpent"),
        (
            [connect(version), invoke(version, 0, 1, "('echo','long',(),{})")].concat(),
            "longer than the limit",
        ),
    ] {
        let said = answers(&converse(&service, &stream, 65_536));
        let (kind, flags, sequence, text) = said.last().unwrap();
        assert_eq!((*kind, *flags, *sequence), (Kind::Result, EXCEPTION, 1));
        assert!(text.contains(words), "{text}");
    }
    assert_eq!(converse(&service, b"GET / HTTP/1.1\r\n\r\n", 3), b"");
    assert_eq!(*echo.0.lock().unwrap(), ["long"], "nothing else was called");
}

#[test]
fn a_revoked_object_is_unknown_to_those_who_are_connected() {
    let (service, echo, objects) = daemon();
    let stream =
        [connect(Version::Five), invoke(Version::Five, 0, 1, "('Pyro.Daemon','get_metadata',('echo',),{})")]
            .concat();
    assert!(answers(&converse(&service, &stream, 999))[1].3.contains("'methods':['echo'"));
    assert!(objects.revoke("echo") && !objects.revoke("echo"));
    let said = answers(&converse(&service, &stream, 999));
    assert_eq!(said[0].0, Kind::ConnectFail);
    assert!(echo.0.lock().unwrap().is_empty());
}

#[test]
fn ids_are_not_to_be_guessed_and_not_to_be_listed() {
    let (service, echo, objects) = daemon();
    let ids: Vec<String> = (0..100).map(|_| objects.add(echo.clone()).unwrap()).collect();
    assert!(ids.iter().all(|id| id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit())));
    let distinct: std::collections::BTreeSet<_> = ids.iter().map(|id| &id[..16]).collect();
    assert_eq!(distinct.len(), ids.len());
    let stream =
        [connect(Version::Five), invoke(Version::Five, 0, 1, "('Pyro.Daemon','registered',(),{})")].concat();
    assert_eq!(answers(&converse(&service, &stream, 999))[1].1, EXCEPTION);
}
