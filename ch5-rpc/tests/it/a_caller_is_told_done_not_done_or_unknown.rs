//! `cargo ch5 semantics serve` and `call`, by hand: what a caller is told, and what is on the board then.

use std::net::UdpSocket;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use common::support::child_server::{ChildProcess, ChildServer};

use crate::support::{Server, ch5, run, text};

/// A call: its status and what it says.
fn call(port: u16, arguments: &[&str]) -> (Option<i32>, String) {
    let output = run(ch5(&["semantics", "call", "-p", &port.to_string()]).args(arguments));
    (output.status.code(), text(&output.stdout) + &text(&output.stderr))
}

fn serve(port: u16, store: &Path, arguments: &[&str]) -> Server {
    let store = store.to_str().unwrap();
    Server::start_at(port, &[&["semantics", "serve", "--store", store][..], arguments].concat())
}

#[test]
fn each_semantics_publishes_and_counts() {
    let server = Server::start(&["semantics", "serve"]);
    let port = server.address.port();
    for (number, semantics) in
        ["maybe", "at-least-once", "at-most-once", "conditional"].into_iter().enumerate()
    {
        let done = call(port, &["-m", "Hello", "--semantics", semantics]);
        assert_eq!(done, (Some(0), format!("done: {}\n", number + 1)), "{semantics}");
    }
    assert_eq!(call(port, &["--count", "Hello"]), (Some(0), "done: 4\n".into()));
    assert_eq!(call(port, &["--length"]), (Some(0), "done: 4\n".into()));
    assert!(server.stop().success());
}

#[test]
fn without_a_server_maybe_is_unknown_and_at_most_once_is_certainly_not_done() {
    // A socket that is bound and never answers: a port that nobody listens at could be taken by another test.
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let (status, said) = call(port, &["-m", "x", "--semantics", "maybe", "--give-up", "200ms"]);
    assert_eq!(status, Some(3), "{said}");
    assert!(said.starts_with("unknown: no sign of life"), "{said}");
    let (status, said) = call(port, &["-m", "x", "--give-up", "200ms"]);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.starts_with("not done: no server answers"), "{said}");
    let (status, said) = call(port, &["-m", &"x".repeat(2000)]);
    assert_eq!(status, Some(1), "{said}");
}

/// A server that is killed at this place in its first publish, by the call of a client that gives up; then a client that calls while
/// there is no server, and a server that is started then.
fn killed(remember: &str, crash: &str, semantics: &str) -> (Option<i32>, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let path = store.to_str().unwrap();
    let to_be_killed = [
        "--log",
        "warn",
        "semantics",
        "serve",
        "-p",
        "0",
        "--store",
        path,
        "--remember",
        remember,
        "--crash",
        crash,
    ];
    let mut first = ChildServer::start(&mut ch5(&to_be_killed)).unwrap();
    let port = first.address.port();
    let arguments = [
        "semantics",
        "call",
        "-p",
        &port.to_string(),
        "-m",
        "order",
        "--semantics",
        semantics,
        "--give-up",
        "30s",
    ];
    let mut client = ChildProcess::spawn(ch5(&arguments).stdout(Stdio::piped())).unwrap();
    let ended = first.process.wait(Duration::from_secs(30)).expect("it is killed in the publish");
    assert_eq!(ended.code(), None, "by a signal");
    let second = serve(port, &store, &["--remember", remember]);
    let ended = client.wait(Duration::from_secs(60)).expect("the call ends");
    let said = client.stdout.wait_for_end(Duration::from_secs(5)).unwrap_or_else(|so_far| so_far);
    let (_, count) = call(port, &["--count", "order"]);
    assert!(second.stop().success());
    (ended.code(), said, count)
}

#[test]
fn a_durable_table_answers_for_the_server_that_was_killed() {
    for crash in ["before-record:1", "before-answer:1"] {
        let (status, said, count) = killed("durable", crash, "at-most-once");
        assert_eq!((status, said.as_str(), count.as_str()), (Some(0), "done: 1\n", "done: 1\n"), "{crash}");
    }
}

#[test]
fn a_table_in_memory_says_that_it_has_forgotten() {
    let (status, said, count) = killed("volatile", "before-answer:1", "at-most-once");
    assert_eq!((status, count.as_str()), (Some(3), "done: 1\n"), "{said}");
    assert!(said.starts_with("unknown: the server was started again"), "{said}");
}

#[test]
fn at_least_once_and_a_naive_table_run_it_twice() {
    for (remember, semantics) in [("volatile", "at-least-once"), ("naive", "at-most-once")] {
        let (status, _, count) = killed(remember, "before-record:1", semantics);
        assert_eq!((status, count.as_str()), (Some(0), "done: 2\n"), "{semantics}");
    }
}

#[test]
fn a_conditional_publish_is_not_run_twice_and_its_caller_is_told_perhaps() {
    let (status, said, count) = killed("volatile", "before-record:1", "conditional");
    assert_eq!((status, count.as_str()), (Some(3), "done: 1\n"), "{said}");
    assert!(said.contains("perhaps by this very call"), "{said}");
}

#[test]
fn a_durable_table_needs_a_file_and_a_port_that_is_taken_is_said() {
    let output = run(&mut ch5(&["semantics", "serve", "-p", "0", "--remember", "durable"]));
    assert_eq!(output.status.code(), Some(2));
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = run(&mut ch5(&["semantics", "serve", "-p", &port]));
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("cannot bind 127.0.0.1"), "{}", text(&output.stderr));
}

#[test]
fn garbage_gets_no_answer_and_disturbs_nobody() {
    let server = Server::start(&["semantics", "serve"]);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(server.address).unwrap();
    for garbage in [&b""[..], b"2:0", &[1, 0, 0, 0, 0], &[0xff; 1400]] {
        socket.send(garbage).unwrap();
    }
    // The call that comes after them is answered, and nothing was answered before.
    assert_eq!(call(server.address.port(), &["-m", "x"]).1, "done: 1\n");
    socket.set_nonblocking(true).unwrap();
    assert!(socket.recv(&mut [0; 2000]).is_err());
    assert!(server.stop().success());
}
