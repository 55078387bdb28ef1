//! The board over UDP, with a link in between that loses, doubles and delays datagrams: what each semantics promises is what stands on
//! the board. And what a server of datagrams owes to a sender that it does not know.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ch5_rpc::rpc::board::local::{LocalBoard, Settings};
use ch5_rpc::rpc::board::skeleton::Skeleton;
use ch5_rpc::rpc::board::{Board, CallContext, CallError};
use ch5_rpc::rpc::codec::Format;
use ch5_rpc::rpc::codec::body::{LONGEST, read_response, write_request};
use ch5_rpc::rpc::datagrams::Datagrams;
use ch5_rpc::rpc::interface::{BoardError, BoardRpcRequest, BoardRpcResponse, Seen, Text};
use ch5_rpc::rpc::refusal::{NotBegun, Refusal};
use ch5_rpc::rpc::server::{Limits, Server};
use ch5_rpc::rpc::stub::{RemoteBoard, RetryPolicy, StubSettings, Target};
use ch5_rpc::semantics::Semantics;
use ch5_rpc::semantics::datagram::{Answer, CallId, Handling, Message, Question, decode};
use common::net::datagram::Endpoint;
use common::netem::{Profile, Recorder, Relay, Settings as Link};
use tarpc::{ClientMessage, Request, context};
use tokio_util::sync::CancellationToken;

use crate::probe::LONG;

/// A server of datagrams in this process.
struct Served {
    address: SocketAddr,
    board: Arc<LocalBoard>,
    stop: CancellationToken,
    ended: tokio::task::JoinHandle<std::io::Result<()>>,
}

async fn serve(limits: Limits) -> Served {
    let socket = Endpoint::bind(([127, 0, 0, 1], 0).into()).and_then(Datagrams::new).unwrap();
    let (address, server) = (socket.address().unwrap(), Server::new(limits, Format::Bincode));
    let settings = Settings { frame: LONGEST, ..Settings::default() };
    let (stop, board) = (server.stop.clone(), Arc::new(LocalBoard::new(settings, server.stop.clone())));
    let skeleton = Arc::clone(&board);
    let ended = tokio::spawn(server.run_udp(socket, move |peer| Skeleton::service(&skeleton, peer)));
    Served { address, board, stop, ended }
}

fn stub(server: SocketAddr, semantics: Semantics) -> RemoteBoard {
    let target = Target::Udp { host: server.ip().to_string(), port: server.port(), semantics };
    // What the stub would repeat is not what is tried here.
    let settings = StubSettings { frame: LONGEST, retry: RetryPolicy::NEVER, ..StubSettings::default() };
    RemoteBoard::new(target, settings)
}

/// How each of these publications has ended for its caller, and how often its text is on the board.
async fn published(semantics: Semantics, calls: usize, deadline: Duration) -> Vec<(bool, usize)> {
    let served = serve(Limits::default()).await;
    let profile = Profile {
        loss: 0.2,
        duplicate: 0.3,
        reorder: 0.3,
        reorder_by: Duration::from_millis(30),
        ..Profile::default()
    };
    let relay = Relay::bind(&Link { tcp: false, ..Link::new(served.address, profile, 7) }).unwrap();
    let relay = relay.start(Arc::new(Recorder::new(None, false))).unwrap();
    let board = stub(relay.address(), semantics);
    // The first exchange is repeated like any other: with the deadlines of `maybe` it would be one of the calls.
    board.last(CallContext::within(LONG), 1).await.unwrap();
    let mut ends = Vec::new();
    for number in 0..calls {
        let text = Text::from(&*format!("text {number}"));
        let result = board.publish(CallContext::within(deadline), text, None).await;
        assert!(matches!(result, Ok(_) | Err(CallError::Unknown(_))), "{result:?}");
        ends.push(result.is_ok());
    }
    tokio::time::sleep(Duration::from_millis(100)).await; // what is still on its way
    relay.stop().unwrap();
    let all = served.board.last_with_text(CallContext::within(LONG), 0).await.unwrap();
    let count = |number| {
        let text = Text::from(&*format!("text {number}"));
        all.iter().filter(|message| message.text == text).count()
    };
    ends.into_iter().zip(0..).map(|(is_done, number)| (is_done, count(number))).collect()
}

#[tokio::test]
async fn at_most_once_each_text_stands_there_once() {
    for (number, end) in published(Semantics::AtMostOnce, 60, LONG).await.into_iter().enumerate() {
        assert_eq!(end, (true, 1), "text {number}");
    }
}

#[tokio::test]
async fn at_least_once_none_is_missing_and_some_are_there_again() {
    let ends = published(Semantics::AtLeastOnce, 40, LONG).await;
    assert!(ends.iter().all(|(is_done, count)| *is_done && *count >= 1), "{ends:?}");
    assert!(ends.iter().any(|(_, count)| *count > 1), "{ends:?}");
}

#[tokio::test]
async fn maybe_is_what_it_says() {
    let ends = published(Semantics::Maybe, 40, Duration::from_millis(200)).await;
    assert!(ends.iter().all(|(is_done, count)| !is_done || *count >= 1), "done is never a lie: {ends:?}");
    assert!(ends.iter().any(|(_, count)| *count == 0), "{ends:?}");
}

#[tokio::test]
async fn where_nobody_listens_there_is_no_server() {
    let nobody = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let board = stub(nobody, Semantics::AtMostOnce);
    let began = Instant::now();
    let refused = board.publish(CallContext::within(LONG), "x".into(), None).await;
    assert!(matches!(refused, Err(CallError::NoServer(_))), "{refused:?}");
    assert!(began.elapsed() < LONG / 2, "its machine has said so");
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let board = stub(silent.local_addr().unwrap(), Semantics::AtMostOnce);
    let soon = CallContext::within(Duration::from_millis(500));
    let unheard = board.publish(soon, "x".into(), None).await;
    assert!(matches!(unheard, Err(CallError::NoServer(_))), "nothing but the question was sent: {unheard:?}");
}

#[tokio::test]
async fn a_stop_answers_those_who_wait_and_refuses_the_others() {
    let served = serve(Limits::default()).await;
    let board = Arc::new(stub(served.address, Semantics::AtMostOnce));
    let seen = board.wait(CallContext::within(LONG), Seen::default()).await.unwrap().seen;
    let waiting = tokio::spawn({
        let board = Arc::clone(&board);
        async move { board.wait(CallContext::within(LONG), seen).await }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    served.stop.cancel();
    assert!(waiting.await.unwrap().unwrap().messages.is_empty());
    tokio::time::timeout(LONG, served.ended).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn an_address_has_so_many_calls_that_wait() {
    let served = serve(Limits { calls: 2, ..Limits::default() }).await;
    let boards: Vec<Arc<RemoteBoard>> =
        (0..3).map(|_| Arc::new(stub(served.address, Semantics::AtMostOnce))).collect();
    let seen = boards[0].wait(CallContext::within(LONG), Seen::default()).await.unwrap().seen;
    for board in &boards[..2] {
        let board = Arc::clone(board);
        tokio::spawn(async move { board.wait(CallContext::within(LONG), seen).await });
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let third = boards[2].wait(CallContext::within(LONG), seen).await;
    assert_eq!(third.unwrap_err(), CallError::NotBegun(NotBegun::Busy(2)));
    served.stop.cancel();
}

/// Sends a call that proves nothing about its sender, and takes the answer.
fn ask(socket: &UdpSocket, sequence: u64, request: BoardRpcRequest) -> (usize, Message) {
    let mut context = context::current();
    context.deadline = Instant::now() + LONG;
    let body = write_request(&ClientMessage::Request(Request { context, id: sequence, message: request }));
    let id = CallId { client: 1, sequence };
    let (handling, body) = (Handling::Plain, body.unwrap());
    let question = Question::Call { id, transmission: 1, handling, body }.encode();
    socket.send(&question).unwrap();
    let mut buffer = [0; 2000];
    let length = socket.recv(&mut buffer).unwrap();
    assert!(length <= 3 * question.len(), "{length} bytes for {}", question.len());
    (length, decode(&buffer[..length]).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_sender_gets_no_more_than_three_times_what_was_sent() {
    let served = serve(Limits::default()).await;
    served.board.publish(CallContext::within(LONG), vec![b'x'; 800].into(), None).await.unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(LONG)).unwrap();
    socket.connect(served.address).unwrap();
    let result = |answer| match answer {
        (_, Message::Answer(Answer::Done { body, .. })) => {
            read_response::<BoardRpcResponse>(&body).unwrap().message
        }
        other => panic!("{other:?}"),
    };
    let refused =
        result(ask(&socket, 1, BoardRpcRequest::Get { id: 0 })).map_err(|error| Refusal::from(&error));
    assert!(matches!(refused, Err(Refusal::AnswerTooLong(_))), "{refused:?}");
    let short = result(ask(&socket, 2, BoardRpcRequest::Last { count: 1 }));
    assert!(matches!(short, Ok(BoardRpcResponse::Last(Ok(ids))) if ids == [0]));
    // A client that has shown where it is gets the text.
    let board = stub(served.address, Semantics::AtMostOnce);
    let read = board.get(CallContext::within(LONG), 0).await.unwrap();
    assert_eq!(read.text.bytes().len(), 800);
    let missing = board.get(CallContext::within(LONG), 9).await;
    assert_eq!(missing, Err(CallError::Failed(BoardError::NoMessage(9))));
}
