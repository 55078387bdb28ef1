//! A caller that is gone has no use for an answer: its procedures end, and so do those that they have called on other servers.

use std::sync::atomic::Ordering;
use std::time::Duration;

use ch5_rpc::rpc::board::{Board, CallContext, CallError};
use ch5_rpc::rpc::interface::Seen;
use ch5_rpc::rpc::server::Limits;
use tarpc::{ClientMessage, trace};
use tokio::time::{sleep, timeout};

use crate::boards::{Chain, Recorder};
use crate::probe::{LONG, ProbeRequest, Raw, bare, call, frame, ours, until};

const HOUR: ProbeRequest = ProbeRequest::Sleep { milliseconds: 3_600_000 };
const DEADLINE: Duration = Duration::from_secs(3600);

/// Trap 8, and report 1 (tarpc 341): under tarpc the procedure runs to its end.
#[tokio::test]
async fn a_connection_that_ends_ends_what_is_in_flight() {
    let server = ours(Limits::default()).await;
    let mut raw = Raw::connect(server.address).await;
    raw.send(&[call(1, DEADLINE, HOUR), call(2, DEADLINE, HOUR)].concat()).await;
    until("both run", || server.prober.running() == 2).await;
    drop(raw);
    until("both are dropped", || server.prober.running() == 0).await;
    until("the place is free", || server.statistics.connections.load(Ordering::Relaxed) == 0).await;
    assert_eq!(server.statistics.cancelled.load(Ordering::Relaxed), 2);

    let (address, prober) = bare(1 << 20).await;
    let mut raw = Raw::connect(address).await;
    raw.send(&call(1, DEADLINE, HOUR)).await;
    until("it runs", || prober.running() == 1).await;
    drop(raw);
    sleep(Duration::from_millis(300)).await;
    assert_eq!(prober.running(), 1, "bare tarpc has dropped it");
}

#[tokio::test]
async fn a_call_that_is_cancelled_ends_alone() {
    let server = ours(Limits::default()).await;
    let mut raw = Raw::connect(server.address).await;
    raw.send(&[call(1, DEADLINE, HOUR), call(2, LONG, ProbeRequest::Hold {})].concat()).await;
    until("both run", || server.prober.running() == 2).await;
    raw.send(&frame(&ClientMessage::Cancel { trace_context: trace::Context::default(), request_id: 1 }))
        .await;
    until("it is dropped", || server.prober.running() == 1).await;
    server.prober.release();
    assert_eq!(raw.answer().await.unwrap().request_id, 2);
}

/// Report 3 (tarpc 304).
#[tokio::test]
async fn clients_that_come_and_go_under_a_limit_leave_no_count() {
    let server = ours(Limits { connections_per_address: 4, ..Limits::default() }).await;
    for round in 0..40 {
        let mut all = Vec::new();
        for _ in 0..10 {
            all.push(Raw::connect(server.address).await);
        }
        if round % 2 == 0 {
            for raw in &mut all {
                let _ = tokio::io::AsyncWriteExt::write_all(&mut raw.0, &call(1, DEADLINE, HOUR)).await;
            }
        }
    }
    until("all have gone", || server.statistics.connections.load(Ordering::Relaxed) == 0).await;
    assert_eq!(server.prober.running(), 0);
    let mut raw = Raw::connect(server.address).await;
    raw.send(&call(1, LONG, ProbeRequest::Nothing {})).await;
    assert!(raw.answer().await.unwrap().message.is_ok());
    assert!(!server.task.is_finished());
}

/// An invocation chain: caller → front → middle → board.
#[tokio::test]
async fn a_cancelled_call_ends_on_every_server_of_its_chain() {
    let recorder = Recorder::default();
    let chain = Chain::before(recorder.clone(), 2).await;
    let context = CallContext { trace: 0xabc, ..CallContext::within(Duration::from_secs(600)) };
    {
        let call = chain.first.wait(context, Seen { board: 1, next: 0 });
        let call = timeout(LONG, call);
        tokio::pin!(call);
        tokio::select! {
            early = &mut call => panic!("{early:?}"),
            () = until("the last server runs it", || recorder.running() == 1) => {}
        }
    } // here the caller gives up
    until("the last server has dropped it", || recorder.running() == 0).await;
    for statistics in &chain.statistics {
        until("it is counted", || statistics.cancelled.load(Ordering::Relaxed) == 1).await;
    }
}

#[tokio::test]
async fn the_deadline_and_the_trace_id_reach_the_last_server() {
    let recorder = Recorder::default();
    let chain = Chain::before(recorder.clone(), 2).await;
    let context = CallContext { trace: 0xdef, ..CallContext::within(Duration::from_secs(60)) };
    chain.first.last(context, 0).await.unwrap();
    let there = recorder.contexts().pop().unwrap();
    assert_eq!(there.trace, 0xdef);
    let later = there.deadline.saturating_duration_since(context.deadline);
    assert!(
        later < Duration::from_secs(10),
        "each hop gives what is left, and not a deadline of its own: {later:?}"
    );
    assert!(there.deadline > context.deadline - Duration::from_secs(10));
    // A deadline that passes in the chain ends the call on every server, and what is known of it is known at its begin.
    let short = CallContext::within(Duration::from_millis(500));
    let late = chain.first.wait(short, Seen { board: 1, next: 0 }).await;
    assert!(matches!(late, Err(CallError::Unknown(_) | CallError::NotBegun(_))), "{late:?}");
    until("no server works on", || recorder.running() == 0).await;
}
