//! Trap 10 and reports 4 and 7: a stop loses no answer, executes nothing that comes later, and waits for no idle client.

use std::time::{Duration, Instant};

use ch5_rpc::rpc::refusal::{NotBegun, Refusal};
use ch5_rpc::rpc::server::Limits;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::probe::{LONG, ProbeRequest, Raw, call, ours, until};
use crate::support::{Server, ch5, run, text};

#[tokio::test]
async fn what_is_in_flight_is_answered_and_what_comes_later_is_refused() {
    let server = ours(Limits { stop: LONG, ..Limits::default() }).await;
    let mut raw = Raw::connect(server.address).await;
    raw.send(&call(1, LONG, ProbeRequest::Hold {})).await;
    until("it runs", || server.prober.running() == 1).await;
    server.stop.cancel();
    until("nobody is accepted any more", || std::net::TcpStream::connect(server.address).is_err()).await;
    raw.send(&call(2, LONG, ProbeRequest::Nothing {})).await;
    let later = raw.answer().await.unwrap();
    assert_eq!(later.request_id, 2);
    assert_eq!(Refusal::from(&later.message.unwrap_err()), NotBegun::Stopping.into());
    server.prober.release();
    let first = raw.answer().await.unwrap();
    assert_eq!((first.request_id, first.message.is_ok()), (1, true));
    assert!(raw.answer().await.is_none(), "and then it closes");
    timeout(LONG, server.task).await.unwrap().unwrap().unwrap();
    assert_eq!(server.prober.begun(), 1, "what came later was not called");
}

#[tokio::test]
async fn neither_idle_nor_deaf_nor_endless_clients_hold_up_a_stop() {
    let server = ours(Limits { stop: Duration::from_millis(300), ..Limits::default() }).await;
    let idle = TcpStream::connect(server.address).await.unwrap();
    let mut used = Raw::connect(server.address).await;
    used.send(&call(1, LONG, ProbeRequest::Nothing {})).await;
    used.answer().await.unwrap();
    let mut endless = Raw::connect(server.address).await;
    endless.send(&call(1, 100 * LONG, ProbeRequest::Sleep { milliseconds: 3_600_000 })).await;
    let mut deaf = Raw::connect(server.address).await;
    for id in 0..20 {
        deaf.send(&call(id, LONG, ProbeRequest::Bytes { count: 4 << 20 })).await;
    }
    until("all are in service", || server.prober.begun() >= 3 && server.prober.running() >= 1).await;
    let began = Instant::now();
    server.stop.cancel();
    timeout(LONG, server.task).await.unwrap().unwrap().unwrap();
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert_eq!(server.prober.running(), 0);
    drop((idle, deaf));
}

/// Report 4 (tarpc 307, 196), with the program: exit 0, promptly, with an idle client and a subscriber connected.
#[test]
fn the_program_ends_with_status_0_while_clients_are_connected() {
    let server = Server::start(&["board-server"]);
    let idle = std::net::TcpStream::connect(server.address).unwrap();
    let port = server.address.port().to_string();
    let mut follower = common::support::child_server::ChildProcess::spawn(
        ch5(&["board-client", "--follow", "--no-reconnect", "--deadline", "60s", "-p", &port])
            .stdout(std::process::Stdio::piped()),
    )
    .unwrap();
    run(&mut ch5(&["board-client", "-m", "seen", "--publish-only", "-p", &port]));
    let line = follower.next_line(LONG).unwrap();
    assert!(line.ends_with("-> seen"), "{line}");
    let began = Instant::now();
    let ended = server.stop();
    assert_eq!(ended.status.and_then(|status| status.code()), Some(0));
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    assert_eq!(follower.wait(LONG).unwrap().status.unwrap().code(), Some(1), "it was told not to come again");
    drop(idle);
    let gone = run(&mut ch5(&["board-client", "-p", &port]));
    assert!(text(&gone.stderr).contains("no board at 127.0.0.1 port"), "{}", text(&gone.stderr));
}
