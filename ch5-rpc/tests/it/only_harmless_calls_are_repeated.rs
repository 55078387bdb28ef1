//! What is repeated, and what is not: reports 6 (opentrons 21320) and 10 (grpc-java 3747, google-cloud-ruby 1572).
//!
//! Between the stub and a board stands a link that takes the answers of the first connections: each request is executed, and the
//! connection ends before its answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use ch5_rpc::rpc::board::local::{LocalBoard, Settings};
use ch5_rpc::rpc::board::{Board, CallContext, CallError};
use ch5_rpc::rpc::codec::Format;
use ch5_rpc::rpc::interface::{BoardError, CallId};
use ch5_rpc::rpc::refusal::NotBegun;
use ch5_rpc::rpc::server::Limits;
use ch5_rpc::rpc::stub::{RemoteBoard, RetryPolicy, StubSettings};
use futures_util::future::join_all;
use tokio::io::copy;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::boards::{Recorder, at, empty, once, serve};
use crate::probe::{LONG, until};

/// A link to a server; the first `losses` answers are lost with their connections.
async fn losing(server: SocketAddr, losses: u32) -> (SocketAddr, Arc<AtomicU32>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, count) = (listener.local_addr().unwrap(), Arc::new(AtomicU32::new(0)));
    let connections = Arc::clone(&count);
    tokio::spawn(async move {
        loop {
            let (client, _) = listener.accept().await.unwrap();
            let loses = connections.fetch_add(1, Ordering::SeqCst) < losses;
            let server = TcpStream::connect(server).await.unwrap();
            tokio::spawn(async move {
                let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
                    (client.into_split(), server.into_split());
                let requests = tokio::spawn(async move { copy(&mut from_client, &mut to_server).await });
                if loses {
                    from_server.readable().await.unwrap(); // it is executed, and its answer stays here
                } else {
                    let _ = copy(&mut from_server, &mut to_client).await;
                }
                requests.abort();
            });
        }
    });
    (address, count)
}

fn stub(address: SocketAddr, attempts: u32) -> RemoteBoard {
    let retry = RetryPolicy { attempts, pause: Duration::from_millis(2), ..RetryPolicy::default() };
    RemoteBoard::new(at(address, Format::Bincode), StubSettings { retry, ..StubSettings::default() })
}

#[tokio::test]
async fn a_publication_without_an_id_is_sent_once_and_its_fate_is_unknown() {
    let recorder = Recorder::default();
    let (server, _) = serve(recorder.clone(), Format::Bincode, Limits::default()).await;
    let (link, connections) = losing(server, 1).await;
    let board = stub(link, 5);
    let lost = board.publish(CallContext::within(LONG), "x".into(), None).await;
    assert!(matches!(lost, Err(CallError::Unknown(_))), "{lost:?}");
    // The next call connects again, and that repeats nothing.
    assert_eq!(board.last(CallContext::within(LONG), 0).await, Ok(vec![]));
    assert_eq!((recorder.calls(), connections.load(Ordering::SeqCst)), (vec![None], 2));
}

#[tokio::test]
async fn a_publication_with_an_id_is_repeated_and_happens_once() {
    let (server, _) = serve(empty(), Format::Bincode, Limits::default()).await;
    let (link, connections) = losing(server, 3).await;
    let board = stub(link, 5);
    let call = board.next_call();
    assert_eq!(board.publish(CallContext::within(LONG), "once".into(), Some(call)).await, Ok(0));
    assert_eq!(connections.load(Ordering::SeqCst), 4);
    assert_eq!(board.last(CallContext::within(LONG), 0).await, Ok(vec![0]), "one message is on the board");
    // Another call has another id, and its own message.
    assert_ne!(board.next_call(), call);
    assert_eq!(board.publish(CallContext::within(LONG), "once".into(), Some(board.next_call())).await, Ok(1));
}

#[tokio::test]
async fn reading_is_repeated() {
    let (server, _) = serve(empty(), Format::Bincode, Limits::default()).await;
    once(server).publish(CallContext::within(LONG), "x".into(), None).await.unwrap();
    let (link, _) = losing(server, 2).await;
    let read = stub(link, 3).get(CallContext::within(LONG), 0).await.unwrap();
    assert_eq!(read.text, "x".into());
    // A procedure that says no has spoken: to ask again would bring the same.
    let (link, connections) = losing(server, 0).await;
    let missing = stub(link, 3).get(CallContext::within(LONG), 7).await;
    assert_eq!(missing, Err(CallError::Failed(BoardError::NoMessage(7))));
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

/// The first attempt may have happened. That the second found no server says nothing about it.
#[tokio::test]
async fn what_one_attempt_has_left_open_stays_open() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (client, _) = listener.accept().await.unwrap();
        client.readable().await.unwrap();
        drop((listener, client));
    });
    let board = stub(address, 4);
    let call = Some(board.next_call());
    let end = board.publish(CallContext::within(LONG), "x".into(), call).await;
    assert!(matches!(end, Err(CallError::Unknown(_))), "{end:?}");
    let alone = board.publish(CallContext::within(LONG), "x".into(), call).await;
    assert!(matches!(alone, Err(CallError::NoServer(_))), "{alone:?}");
}

/// A server in trouble is not helped by four times as many calls.
#[tokio::test]
async fn all_calls_together_are_repeated_within_a_budget() {
    let recorder = Recorder::default();
    let (server, _) = serve(recorder.clone(), Format::Bincode, Limits::default()).await;
    let (link, _) = losing(server, u32::MAX).await;
    let board = stub(link, 4);
    for _ in 0..50 {
        let lost = board.last(CallContext::within(LONG), 0).await;
        assert!(matches!(lost, Err(CallError::Unknown(_))), "{lost:?}");
    }
    assert_eq!(recorder.contexts().len(), 50 + 10, "50 calls, and 10 tokens");
}

/// A refusal is certain, so the call may be repeated whatever it does.
#[tokio::test]
async fn a_call_that_was_not_begun_is_repeated_even_without_an_id() {
    let limits = Limits { connections_per_address: 1, ..Limits::default() };
    let (server, _) = serve(empty(), Format::Bincode, limits).await;
    let first = once(server);
    first.last(CallContext::within(LONG), 0).await.unwrap();
    let refused = once(server).publish(CallContext::within(LONG), "x".into(), None).await;
    assert_eq!(refused, Err(CallError::NotBegun(NotBegun::TooManyConnections(1))));
    let retry = RetryPolicy {
        attempts: 1000,
        pause: Duration::from_millis(20),
        longest_pause: Duration::from_millis(50),
    };
    let settings = StubSettings { retry, ..StubSettings::default() };
    let second = RemoteBoard::new(at(server, Format::Bincode), settings);
    let (published, ()) = tokio::join!(second.publish(CallContext::within(LONG), "x".into(), None), async {
        tokio::time::sleep(Duration::from_millis(30)).await;
        drop(first); // its connection is free
    });
    assert_eq!(published, Ok(0));
}

/// The table of the server is bounded: what it has forgotten is executed again. This is what a volatile table cannot promise.
#[tokio::test]
async fn a_call_that_comes_after_it_is_forgotten_happens_again() {
    let settings = Settings { call_ids: 2, ..Settings::default() };
    let board = LocalBoard::new(settings, CancellationToken::new());
    let publish =
        |sequence| board.publish(CallContext::within(LONG), "x".into(), Some(CallId { client: 1, sequence }));
    for (sequence, id) in [(0, 0), (0, 0), (1, 1), (0, 0), (2, 2), (0, 3)] {
        assert_eq!(publish(sequence).await, Ok(id), "call {sequence}");
    }
}

/// A front does not repeat: of a chain only the begin does, or the last server would get the product.
#[tokio::test]
async fn a_failure_behind_a_front_keeps_its_meaning() {
    let recorder = Recorder::default();
    let (server, _) = serve(recorder.clone(), Format::Bincode, Limits::default()).await;
    let (link, connections) = losing(server, 1).await;
    let (front, _) = serve(once(link), Format::Bincode, Limits::default()).await;
    let board = stub(front, 5);
    let unknown = board.publish(CallContext::within(LONG), "x".into(), None).await;
    assert!(matches!(unknown, Err(CallError::Unknown(_))), "{unknown:?}");
    assert_eq!((recorder.calls().len(), connections.load(Ordering::SeqCst)), (1, 1));

    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let (front, _) = serve(once(nobody), Format::Bincode, Limits::default()).await;
    let certain = once(front).publish(CallContext::within(LONG), "x".into(), None).await;
    assert!(
        matches!(&certain, Err(CallError::NotBegun(NotBegun::Behind(why))) if why.contains("no board at")),
        "{certain:?}"
    );

    let (full, _) = serve(
        LocalBoard::new(
            Settings { board: common::board::Limits { bytes: 0, messages: 9 }, ..Settings::default() },
            CancellationToken::new(),
        ),
        Format::Bincode,
        Limits::default(),
    )
    .await;
    let (front, _) = serve(once(full), Format::Bincode, Limits::default()).await;
    let no = once(front).publish(CallContext::within(LONG), "x".into(), None).await;
    assert!(matches!(no, Err(CallError::Failed(BoardError::Full(_)))), "{no:?}");
}

/// The end of an idle connection is seen before the next call is sent: there is nothing to be in doubt about.
#[tokio::test]
async fn a_connection_that_was_idle_for_too_long_is_made_again() {
    let limits = Limits { idle: Duration::from_millis(100), ..Limits::default() };
    let (server, statistics) = serve(empty(), Format::Bincode, limits).await;
    let board = once(server);
    for id in 0..3 {
        let published = board.publish(CallContext::within(LONG), "x".into(), None).await;
        assert_eq!(published, Ok(id));
        until("it is disconnected", || statistics.connections.load(Ordering::Relaxed) == 0).await;
        tokio::time::sleep(Duration::from_millis(50)).await; // the end is on its way
    }
}

/// Report 9 (pyro4 125): callers share a stub and its connection ends; each gets its own error, and no answer of another.
#[tokio::test]
async fn callers_that_share_a_broken_connection_get_their_own_errors() {
    let (server, statistics) = serve(empty(), Format::Bincode, Limits::default()).await;
    let publisher = once(server);
    for number in 0..20 {
        publisher.publish(CallContext::within(LONG), number.to_string().as_str().into(), None).await.unwrap();
    }
    let (link, _) = losing(server, 1).await;
    let board = once(link);
    let all = join_all((0..20).map(|id| board.get(CallContext::within(LONG), id))).await;
    assert!(all.iter().all(|one| matches!(one, Err(CallError::Unknown(_)))), "{all:?}");
    let all = join_all((0..20).map(|id| board.get(CallContext::within(LONG), id))).await;
    for (posting, id) in all.into_iter().zip(0..) {
        let posting = posting.unwrap();
        assert_eq!((posting.id, posting.text), (id, id.to_string().as_str().into()));
    }
    drop((board, publisher));
    until("the connections are gone", || statistics.connections.load(Ordering::Relaxed) == 0).await;
}
