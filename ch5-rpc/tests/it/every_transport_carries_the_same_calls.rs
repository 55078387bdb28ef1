//! The notes' first advantage of RPC: the same stub and the same board over TCP in bincode, TCP in JSON, a Unix socket, UDP, and
//! in memory.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ch5_rpc::rpc::board::local::{LocalBoard, Settings};
use ch5_rpc::rpc::board::skeleton::Skeleton;
use ch5_rpc::rpc::board::{Board, CallContext, CallError};
use ch5_rpc::rpc::codec::{Format, body};
use ch5_rpc::rpc::datagrams::Datagrams;
use ch5_rpc::rpc::interface::{BoardError, Posting, Seen, Text};
use ch5_rpc::rpc::refusal::NotBegun;
use ch5_rpc::rpc::server::{Limits, Listening, Server};
use ch5_rpc::rpc::stub::{RemoteBoard, StubSettings, Target};
use ch5_rpc::semantics::Semantics;
use common::net::datagram::Endpoint;
use futures_util::future::join_all;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use crate::probe::LONG;

/// The longest message over this transport.
fn frame(name: &str) -> usize {
    if name == "udp" { body::LONGEST } else { 4096 }
}

/// A board of three messages at most behind each transport, and what to call it with.
async fn boards(folder: &Path) -> Vec<(&'static str, RemoteBoard)> {
    let mut all = Vec::new();
    for name in ["tcp", "json", "unix", "memory", "udp"] {
        let limits = common::board::Limits { messages: 3, bytes: 1 << 20 };
        let settings = Settings { board: limits, frame: frame(name), ..Settings::default() };
        let stub = StubSettings { frame: frame(name), ..StubSettings::default() };
        let format = if name == "json" { Format::Json } else { Format::Bincode };
        let server = Server::new(Limits { frame: frame(name), ..Limits::default() }, format);
        let board = Arc::new(LocalBoard::new(settings, server.stop.clone()));
        let service_for = move |peer| Skeleton::service(&board, peer);
        let (listening, target) = match name {
            "udp" => {
                let socket = Endpoint::bind(([127, 0, 0, 1], 0).into()).and_then(Datagrams::new).unwrap();
                let (host, port) = ("127.0.0.1".into(), socket.address().unwrap().port());
                tokio::spawn(server.run_udp(socket, service_for));
                let target = Target::Udp { host, port, semantics: Semantics::AtMostOnce };
                all.push((name, RemoteBoard::new(target, stub)));
                continue;
            }
            "unix" => {
                let path = folder.join("board");
                (Listening::Unix(UnixListener::bind(&path).unwrap()), Target::Unix(path))
            }
            "memory" => {
                let (connect, connections) = mpsc::channel(1);
                (Listening::Memory(connections), Target::Memory(connect))
            }
            _ => {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                let port = listener.local_addr().unwrap().port();
                (Listening::Tcp(listener), Target::Tcp { host: "127.0.0.1".into(), port, format })
            }
        };
        tokio::spawn(server.run(listening, service_for));
        all.push((name, RemoteBoard::new(target, stub)));
    }
    all
}

fn soon() -> CallContext {
    CallContext::within(LONG)
}

#[tokio::test]
async fn results_errors_and_waiting_are_the_same() {
    let folder = tempfile::tempdir().unwrap();
    join_all(boards(folder.path()).await.into_iter().map(|(name, board)| are_as_they_should(name, board)))
        .await;
}

async fn are_as_they_should(name: &str, board: RemoteBoard) {
    let texts = ["Hello: world!".into(), Text::from(b"\xff\0\x1b".to_vec()), "õäöü \u{1}".into()];
    assert_eq!(board.last(soon(), 0).await, Ok(vec![]), "{name}");
    for (text, id) in texts.iter().zip(0..) {
        assert_eq!(board.publish(soon(), text.clone(), None).await, Ok(id), "{name}");
    }
    let full = board.publish(soon(), "one too many".into(), None).await;
    assert!(matches!(full, Err(CallError::Failed(BoardError::Full(_)))), "{name}: {full:?}");
    assert_eq!(board.last(soon(), 2).await, Ok(vec![1, 2]), "{name}");
    let missing = board.get(soon(), 3).await;
    assert_eq!(missing, Err(CallError::Failed(BoardError::NoMessage(3))), "{name}");
    let all = board.last_with_text(soon(), 0).await.unwrap();
    assert_eq!(all.iter().map(|message| message.text.clone()).collect::<Vec<_>>(), texts, "{name}");
    let one = board.get(soon(), 1).await.unwrap();
    assert_eq!(one, all[1], "{name}");
    let has_address = ["tcp", "json", "udp"].contains(&name);
    assert_eq!((one.from.port() != 0, one.from.ip().is_loopback()), (has_address, true), "{name}");
    let news = board.wait(soon(), Seen { board: 0, next: 1 }).await.unwrap();
    assert_eq!((news.messages, news.seen.next), (all[1..].to_vec(), 3), "{name}");
    let short = CallContext::within(Duration::from_secs(3));
    let nothing = timeout(LONG, board.wait(short, news.seen)).await.unwrap().unwrap();
    assert_eq!((nothing.messages, nothing.seen), (Vec::<Posting>::new(), news.seen), "{name}");
    let anew = board.wait(soon(), Seen { board: news.seen.board ^ 1, next: 7 }).await.unwrap();
    assert_eq!((anew.messages.len(), anew.seen), (3, news.seen), "{name}: another board begins at 0");
}

#[tokio::test]
async fn one_who_waits_hears_at_once() {
    let folder = tempfile::tempdir().unwrap();
    for (name, board) in boards(folder.path()).await {
        let seen = board.wait(soon(), Seen::default()).await.unwrap().seen;
        let (news, id) = tokio::join!(board.wait(soon(), seen), async {
            sleep(Duration::from_millis(50)).await;
            board.publish(soon(), "news".into(), None).await
        });
        let news = news.unwrap();
        assert_eq!((id, news.messages.len()), (Ok(0), 1), "{name}");
    }
}

/// Report 12: both directions have a typed error, and no reset before it.
#[tokio::test]
async fn what_is_too_long_is_said_in_both_directions() {
    let folder = tempfile::tempdir().unwrap();
    for (name, board) in boards(folder.path()).await.into_iter().filter(|(name, _)| *name != "memory") {
        let frame = frame(name);
        let text = Text::from(vec![b'x'; frame]);
        let long = board.publish(soon(), text, None).await;
        assert_eq!(long, Err(CallError::NotBegun(NotBegun::RequestTooLong(frame as u64))), "{name}");
        let control = Text::from(vec![1; frame / 4]); // six times as long in JSON
        let fits = board.publish(soon(), control, None).await;
        if name == "json" {
            assert_eq!(fits, Err(CallError::NotBegun(NotBegun::RequestTooLong(frame as u64))));
        }
        for _ in 0..2 {
            board.publish(soon(), Text::from(vec![b'x'; frame / 2 + 100]), None).await.unwrap();
        }
        let answer = board.last_with_text(soon(), 0).await;
        assert_eq!(
            answer,
            Err(CallError::Failed(BoardError::AnswerTooLong { limit: frame as u64 })),
            "{name}"
        );
        let news = board.wait(soon(), Seen::default()).await.unwrap();
        assert!(!news.messages.is_empty() && news.seen.next < 3, "{name}: as many as fit");
        assert_eq!(board.last(soon(), 1).await.unwrap().len(), 1, "{name}: and the connection lives");
    }
}
