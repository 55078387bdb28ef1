//! Limits and deadlines under load: a thousand callers at once.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ch5_rpc::rpc::board::{Board, CallContext};
use ch5_rpc::rpc::codec::Format;
use ch5_rpc::rpc::refusal::{NotBegun, Refusal};
use ch5_rpc::rpc::server::Limits;
use ch5_rpc::rpc::stub::{RemoteBoard, StubSettings};
use futures_util::future::join_all;
use tarpc::client::RpcError;

use crate::boards::{at, empty, serve};
use crate::probe::{LONG, client, ours, until, within};

const CONNECTIONS: usize = 10;
const CALLS: usize = 100;

#[tokio::test]
async fn no_connection_has_more_calls_than_the_limit_and_each_caller_hears_why() {
    let limits = Limits { calls: 8, ..Limits::default() };
    let server = ours(limits).await;
    let mut callers = Vec::new();
    for _ in 0..CONNECTIONS {
        let client = client(server.address).await;
        callers.extend((0..CALLS).map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.sleep(within(LONG), 30).await })
        }));
    }
    let (mut done, mut busy) = (0, 0);
    for caller in join_all(callers).await {
        match caller.unwrap() {
            Ok(_) => done += 1,
            Err(RpcError::Server(error)) if Refusal::from(&error) == NotBegun::Busy(8).into() => busy += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(done + busy, CONNECTIONS * CALLS);
    assert_eq!(server.prober.begun(), done as u64, "a call that was refused was not called");
    assert!(server.prober.most() <= (8 * CONNECTIONS) as u64, "{}", server.prober.most());
    assert!(busy > 0 && done >= 8 * CONNECTIONS, "{done} done, {busy} busy");
    let counts =
        [&server.statistics.done, &server.statistics.not_begun].map(|count| count.load(Ordering::Relaxed));
    assert_eq!(counts, [done as u64, busy as u64]);
}

#[tokio::test]
async fn deadlines_free_every_place() {
    let server = ours(Limits { calls: CALLS, ..Limits::default() }).await;
    let mut callers = Vec::new();
    for _ in 0..CONNECTIONS {
        let client = client(server.address).await;
        callers.extend((0..CALLS).map(|number| {
            let client = client.clone();
            // One in ten ends by itself.
            let milliseconds = if number % 10 == 0 { 10 } else { 3_600_000 };
            tokio::spawn(async move { client.sleep(within(Duration::from_secs(2)), milliseconds).await })
        }));
    }
    let ends = join_all(callers).await;
    let late = ends.iter().filter(|end| matches!(end, Ok(Err(RpcError::DeadlineExceeded)))).count();
    let done = ends.iter().filter(|end| matches!(end, Ok(Ok(_)))).count();
    assert_eq!(late + done, CONNECTIONS * CALLS, "{:?}", ends.iter().find(|end| !matches!(end, Ok(Ok(_)))));
    assert!(late >= CONNECTIONS * CALLS * 9 / 10);
    until("nothing runs any more", || server.prober.running() == 0).await;
    until("all have gone", || server.statistics.connections.load(Ordering::Relaxed) == 0).await;
}

#[tokio::test]
async fn a_thousand_publications_are_a_thousand_messages() {
    let (server, statistics) =
        serve(empty(), Format::Bincode, Limits { calls: 16, ..Limits::default() }).await;
    let stubs: Vec<RemoteBoard> = (0..8)
        .map(|_| {
            RemoteBoard::new(
                at(server, Format::Bincode),
                StubSettings { calls: 16, ..StubSettings::default() },
            )
        })
        .collect();
    let callers = (0..1000).map(|number: usize| {
        let stub = &stubs[number % stubs.len()];
        async move {
            let call = Some(stub.next_call());
            stub.publish(CallContext::within(LONG), number.to_string().as_str().into(), call).await
        }
    });
    let ids: BTreeSet<u64> =
        join_all(callers).await.into_iter().map(|published| published.unwrap()).collect();
    assert_eq!(ids, (0..1000).collect());
    let all = stubs[0].last_with_text(CallContext::within(LONG), 0).await.unwrap();
    let texts: BTreeSet<Vec<u8>> = all.iter().map(|message| message.text.bytes().to_vec()).collect();
    assert_eq!(texts.len(), 1000);
    assert_eq!(statistics.done.load(Ordering::Relaxed), 1001);
}
