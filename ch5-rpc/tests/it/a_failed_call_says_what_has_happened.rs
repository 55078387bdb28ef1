//! No call fails without a reason, and none takes others with it: report 2 (tarpc 336 and 403), 12 (grpc-java 3996, 10851).

use std::time::Duration;

use ch5_rpc::rpc::codec::Format;
use ch5_rpc::rpc::refusal::{NotBegun, Refusal};
use ch5_rpc::rpc::server::Limits;
use tarpc::client::RpcError;
use tokio::time::timeout;

use crate::probe::{self, LONG, ProbeRequest, Raw, bare, call, client, ours, ours_in, until, within};

const FRAME: usize = 64 << 10;

fn small_frames() -> Limits {
    Limits { frame: FRAME, ..Limits::default() }
}

/// Trap 4: under tarpc the caller hears nothing until its deadline.
#[tokio::test]
async fn a_procedure_that_panics_answers_at_once() {
    let server = ours(Limits::default()).await;
    let caller = client(server.address).await;
    let RpcError::Server(error) = caller.panic(within(LONG)).await.unwrap_err() else {
        panic!("another error")
    };
    assert!(matches!(Refusal::from(&error), Refusal::Crashed(_)));
    assert_eq!(caller.nothing(within(LONG)).await.unwrap(), 0, "and the connection lives");

    let (address, _) = bare(FRAME).await;
    let silence = timeout(Duration::from_millis(300), client(address).await.panic(within(LONG))).await;
    assert!(silence.is_err(), "bare tarpc has answered: {silence:?}");
}

/// Trap 6: under tarpc the connection ends, and with it every other call.
#[tokio::test]
async fn an_answer_that_is_too_long_fails_its_call_alone() {
    for is_ours in [true, false] {
        let (address, prober) = if is_ours {
            let server = ours(small_frames()).await;
            (server.address, server.prober)
        } else {
            bare(FRAME).await
        };
        let client = client(address).await;
        let other = tokio::spawn({
            let client = client.clone();
            async move { client.hold(within(LONG)).await }
        });
        until("it is in flight", || prober.running() == 1).await;
        let long = client.bytes(within(LONG), 2 * FRAME as u64).await.unwrap_err();
        prober.release();
        let other = other.await.unwrap();
        if is_ours {
            let RpcError::Server(error) = long else { panic!("{long:?}") };
            assert_eq!(Refusal::from(&error), Refusal::AnswerTooLong(FRAME as u64));
            assert_eq!(other.unwrap(), 1);
        } else {
            assert!(other.is_err(), "bare tarpc has let the other call live");
        }
    }
}

/// Trap 7: under tarpc the client sees the connection end, and never why.
#[tokio::test]
async fn a_request_that_is_too_long_or_unknown_gets_its_reason_and_others_their_answers() {
    let mut unknown = call(9, LONG, ProbeRequest::Nothing {});
    *unknown.last_mut().unwrap() = 99; // the method
    let long = {
        let head = call(9, LONG, ProbeRequest::Sleep { milliseconds: u64::MAX });
        let body = vec![0; 4 << 20]; // more than the kernel takes: the answer has to come before all of it is sent
        [&(body.len() as u32 + 64).to_be_bytes()[..], &head[4..], &body].concat()
    };
    for (bad, is_long) in [(unknown, false), (long, true)] {
        let server = ours(small_frames()).await;
        let (mut reader, mut writer) = Raw::connect(server.address).await.0.into_split();
        let slow = call(1, LONG, ProbeRequest::Sleep { milliseconds: 300 });
        let sends = tokio::spawn(async move {
            tokio::io::AsyncWriteExt::write_all(&mut writer, &[slow, bad].concat()).await.ok();
            writer
        });
        let mut answers = Vec::new();
        let read = async {
            while let Ok(length) = tokio::io::AsyncReadExt::read_u32(&mut reader).await {
                let mut message = vec![0; length as usize];
                tokio::io::AsyncReadExt::read_exact(&mut reader, &mut message).await.unwrap();
                answers.push(probe::response(&message));
            }
        };
        timeout(LONG, read).await.expect("the connection ends");
        let [bad, slow] = &answers[..] else { panic!("{answers:?}") };
        assert_eq!((bad.request_id, slow.request_id), (9, 1));
        let refusal = Refusal::from(bad.message.as_ref().unwrap_err());
        match refusal {
            Refusal::NotBegun(NotBegun::RequestTooLong(limit)) if is_long => assert_eq!(limit, FRAME as u64),
            Refusal::NotBegun(NotBegun::Unreadable(_)) if !is_long => {}
            other => panic!("{other:?}"),
        }
        assert!(slow.message.is_ok(), "what was in flight is answered");
        drop(sends.await);
    }
    let (address, _) = bare(FRAME).await;
    let mut raw = Raw::connect(address).await;
    let mut unknown = call(9, LONG, ProbeRequest::Nothing {});
    *unknown.last_mut().unwrap() = 99;
    raw.send(&unknown).await;
    assert!(raw.answer().await.is_none(), "bare tarpc has given a reason");
}

/// The same over JSON, where a client in any language makes such mistakes.
#[tokio::test]
async fn json_gets_the_same_reasons() {
    let server = ours_in(Format::Json, small_frames()).await;
    for (message, expected) in [
        (r#""id":4,"message":{"Missing":{}}"#, "unreadable"),
        (r#""id":4,"message":{"Sleep":{"milliseconds":"x"}}"#, "unreadable"),
        (r#""id":4,"message":{"Bytes":{"count":1000000}}"#, "answer-too-long"),
        (r#""id":4,"message":{"Panic":{}}"#, "crashed"),
    ] {
        let trace =
            r#"{"trace_id":[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0],"span_id":0,"sampling_decision":"Unsampled"}"#;
        let text = format!(r#"{{"Request":{{"context":{{"trace_context":{trace}}},{message}}}}}"#);
        let mut raw = Raw::connect(server.address).await;
        raw.send(&[&(text.len() as u32).to_be_bytes()[..], text.as_bytes()].concat()).await;
        let answer = raw.text().await;
        assert!(answer.starts_with(r#"{"request_id":4,"message":{"Err":"#), "{answer}");
        assert!(answer.contains(&format!(r#""detail":"{expected}: "#)), "{answer}");
    }
}
