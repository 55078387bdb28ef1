//! Deadlines: what has passed is not begun, what is too far is refused, and nobody waits for longer.

use std::sync::atomic::Ordering;
use std::time::Duration;

use ch5_rpc::rpc::board::{Board, CallContext, CallError};
use ch5_rpc::rpc::codec::Format;
use ch5_rpc::rpc::refusal::{NotBegun, Refusal};
use ch5_rpc::rpc::server::Limits;
use ch5_rpc::rpc::stub::{RemoteBoard, StubSettings, Target};
use futures_util::future::join_all;
use tarpc::ServerError;
use tokio::net::TcpListener;

use crate::probe::{self, LONG, ProbeRequest, Raw, call, client, ours, until, within};

fn tcp(port: u16) -> Target {
    Target::Tcp { host: "127.0.0.1".into(), port, format: Format::Bincode }
}

fn not_begun(error: &ServerError) -> NotBegun {
    match Refusal::from(error) {
        Refusal::NotBegun(why) => why,
        other => panic!("{other:?}"),
    }
}

/// Trap 3: tarpc calls the procedure, which runs to its first await at least.
#[tokio::test]
async fn a_call_whose_deadline_has_passed_is_not_begun() {
    let late = call(1, Duration::ZERO, ProbeRequest::Nothing {});
    let in_time = call(2, LONG, ProbeRequest::Nothing {});

    let server = ours(Limits::default()).await;
    let mut raw = Raw::connect(server.address).await;
    raw.send(&late).await;
    raw.send(&in_time).await;
    let mut answers = [raw.answer().await.unwrap(), raw.answer().await.unwrap()];
    answers.sort_by_key(|answer| answer.request_id);
    assert_eq!(not_begun(answers[0].message.as_ref().unwrap_err()), NotBegun::DeadlinePassed);
    assert!(answers[1].message.is_ok());
    assert_eq!(server.prober.begun(), 1, "the late one was never called");

    let (address, prober) = probe::bare(1 << 20).await;
    let mut raw = Raw::connect(address).await;
    raw.send(&late).await;
    until("bare tarpc calls it all the same", || prober.begun() == 1).await;
}

/// Trap 5: tarpc panics while it reads, and the connection ends without a word.
#[tokio::test]
async fn a_deadline_that_is_too_far_is_refused_and_nothing_else_ends() {
    let server = ours(Limits::default()).await;
    let mut raw = Raw::connect(server.address).await;
    // As bincode has it: request, seconds in 8 bytes, no nanoseconds, 16 bytes of trace id, span, unsampled, id 1, method 0.
    for seconds in [86_401, 10_u64.pow(10), u64::MAX] {
        let message = [&[0, 253][..], &seconds.to_le_bytes(), &[0], &[0; 16], &[0, 1, 1, 0]].concat();
        raw.send(&[&(message.len() as u32).to_be_bytes()[..], &message].concat()).await;
        let answer = raw.answer().await.expect("the connection lives");
        assert_eq!(answer.request_id, 1);
        assert_eq!(not_begun(&answer.message.unwrap_err()), NotBegun::DeadlineTooFar);
    }
    raw.send(&call(2, LONG, ProbeRequest::Nothing {})).await;
    assert!(raw.answer().await.unwrap().message.is_ok());
    assert_eq!(server.prober.begun(), 1);
}

/// Trap 2: calls that wait to be sent are watched by no timer of tarpc. A peer that never reads lets them wait for ever.
#[tokio::test]
async fn calls_that_wait_to_be_sent_end_by_their_deadline_too() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let board = RemoteBoard::new(tcp(listener.local_addr().unwrap().port()), StubSettings::default());
    let never_reads = async {
        let accepted = listener.accept().await.unwrap();
        std::future::pending::<()>().await;
        drop(accepted);
    };
    let text = vec![b'x'; 4 << 20];
    let calls =
        (0..6).map(|_| board.publish(CallContext::within(Duration::from_secs(2)), text.clone().into(), None));
    let done = tokio::select! {
        done = join_all(calls) => done,
        () = never_reads => unreachable!(),
        () = tokio::time::sleep(LONG) => panic!("calls are still waiting"),
    };
    // On a loaded machine a deadline may pass before its call has come to the queue: that is known better.
    let in_time =
        |one: &_| matches!(one, Err(CallError::Unknown(_) | CallError::NotBegun(NotBegun::DeadlinePassed)));
    assert!(done.iter().all(in_time), "{done:?}");
}

/// Trap 11: tarpc sends such a call, and its timer rings some milliseconds later.
#[tokio::test]
async fn a_deadline_of_no_time_is_answered_without_a_connection() {
    let board = RemoteBoard::new(tcp(1), StubSettings::default()); // nobody listens: a connection would be another error
    let call = board.last(CallContext::within(Duration::ZERO), 0).await;
    assert_eq!(call, Err(CallError::NotBegun(NotBegun::DeadlinePassed)));
    let far = board.last(CallContext::within(Duration::from_secs(90_000)), 0).await;
    assert_eq!(far, Err(CallError::NotBegun(NotBegun::DeadlineTooFar)));
}

/// A caller that never cancels: the server's own timer frees what the procedure holds.
#[tokio::test]
async fn the_server_drops_a_procedure_at_its_deadline() {
    let server = ours(Limits::default()).await;
    let mut raw = Raw::connect(server.address).await;
    raw.send(&call(1, Duration::from_millis(300), ProbeRequest::Sleep { milliseconds: 3_600_000 })).await;
    until("it has begun", || server.prober.begun() == 1).await;
    until("it is dropped", || server.prober.running() == 0).await;
    until("it is counted", || server.statistics.cancelled.load(Ordering::Relaxed) == 1).await;
    raw.send(&call(2, LONG, ProbeRequest::Nothing {})).await;
    assert_eq!(raw.answer().await.unwrap().request_id, 2, "the connection lives");
}

/// tarpc's own client, and its own deadline.
#[tokio::test]
async fn a_client_of_bare_tarpc_is_served() {
    let server = ours(Limits::default()).await;
    let client = client(server.address).await;
    assert_eq!(client.nothing(within(LONG)).await.unwrap(), 0);
    assert_eq!(client.bytes(within(LONG), 100_000).await.unwrap().len(), 100_000);
    let late = client.sleep(within(Duration::from_millis(50)), 60_000).await;
    assert!(matches!(late, Err(tarpc::client::RpcError::DeadlineExceeded)), "{late:?}");
}
