//! `board-server` and `board-client` from outside: output, statuses, transports, and chains of servers.

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use common::support::child_server::ChildProcess;
use nix::sys::signal::Signal;

use crate::probe::LONG;
use crate::remote;
use crate::support::{Server, ch5, run, text};

fn client(server: &Server, rest: &[&str]) -> Output {
    run(&mut client_command(server, rest))
}

fn client_command(server: &Server, rest: &[&str]) -> Command {
    let port = server.address.port().to_string();
    ch5(&[&["board-client", "-p", &port], rest].concat())
}

#[track_caller]
fn succeed(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    text(&output.stdout)
}

/// A line is `2026-11-21 12:36:54 [127.0.0.1:34234] -> text`; the texts.
#[track_caller]
fn texts(output: &str) -> Vec<&str> {
    let of_line = |line: &'_ str| -> usize {
        let head = line.split_once(" -> ").unwrap_or_else(|| panic!("{line:?}")).0;
        let shape: String = head.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect();
        assert!(shape.starts_with("9999-99-99 99:99:99 [") && shape.ends_with(']'), "{line:?}");
        head.len() + " -> ".len()
    };
    output.lines().filter(|line| *line != "Message published").map(|line| &line[of_line(line)..]).collect()
}

#[test]
fn it_publishes_and_then_reads() {
    for transport in ["tcp", "json", "udp"] {
        let server = Server::start(&["board-server", "-t", transport]);
        let client = |rest: &[&str]| client(&server, &[&["-t", transport], rest].concat());
        assert_eq!(succeed(&client(&[])), "", "an empty board");
        let said = succeed(&client(&["-m", "Hello: world!"]));
        assert!(said.starts_with("Message published\n"));
        assert_eq!(texts(&said), ["Hello: world!"]);
        succeed(&client(&["--message", "-dash", "--publish-only"]));
        assert_eq!(texts(&succeed(&client(&["-l", "1"]))), ["-dash"]);
        assert_eq!(texts(&succeed(&client(&["--chatty"]))), ["Hello: world!", "-dash"]);
        assert_eq!(server.stop().status.and_then(|status| status.code()), Some(0));
    }
}

#[test]
fn a_message_comes_from_standard_input_and_has_a_limit() {
    let server = Server::start(&["board-server", "--frame", "64KiB"]);
    let from_input = |bytes: &[u8]| {
        let mut file = tempfile::tempfile().unwrap();
        std::io::Write::write_all(&mut file, bytes).unwrap();
        std::io::Seek::rewind(&mut file).unwrap();
        run(client_command(&server, &["-m", "-", "-l", "1", "--frame", "64KiB"]).stdin(file))
    };
    let said = from_input(b"bytes \xff\x1b and\nlines");
    assert!(said.stdout.ends_with(b"-> bytes \xff\x1b and\nlines\n"), "{said:?}");
    let long = from_input(&vec![b'x'; 70_000]);
    assert_eq!(long.status.code(), Some(3));
    assert!(text(&long.stderr).contains("error: the message is not published: it is longer"), "{long:?}");
    let datagrams = Server::start(&["board-server", "-t", "udp"]);
    let long = client(&datagrams, &["-t", "udp", "-m", &"x".repeat(896)]);
    assert_eq!(long.status.code(), Some(3));
    assert!(text(&long.stderr).contains("895 bytes that a text may have over UDP"), "{long:?}");
    for _ in 0..3 {
        succeed(&client(&datagrams, &["-t", "udp", "--publish-only", "-m", &"x".repeat(895)]));
    }
    assert_eq!(succeed(&client(&datagrams, &["-t", "udp", "-l", "3"])).lines().count(), 3);
    // Many messages do not fit in an answer: they are asked for one by one.
    for _ in 0..3 {
        succeed(&client(&server, &["--publish-only", "-m", &"y".repeat(30_000)]));
    }
    assert_eq!(succeed(&client(&server, &["-l", "3", "--frame", "64KiB"])).lines().count(), 3);
}

#[test]
fn statuses_tell_certain_failures_from_unknown_ones() {
    let full = Server::start(&["board-server", "--board-messages", "0"]);
    let refused = client(&full, &["-m", "x"]);
    assert_eq!(refused.status.code(), Some(3));
    assert!(
        text(&refused.stderr).contains("error: the message is not published: the board is full"),
        "{refused:?}"
    );

    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let began = Instant::now();
    let absent = run(&mut ch5(&["board-client", "-p", &nobody, "-m", "x", "--deadline", "30s"]));
    assert_eq!((absent.status.code(), text(&absent.stdout)), (Some(1), String::new()));
    assert!(text(&absent.stderr).contains("error: no board at 127.0.0.1 port"), "{absent:?}");
    assert!(began.elapsed() < Duration::from_secs(15), "it has waited");

    // It accepts, and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port().to_string();
    let unknown = run(&mut ch5(&["board-client", "-p", &port, "-m", "x", "--deadline", "1s"]));
    assert_eq!(unknown.status.code(), Some(4));
    assert!(
        text(&unknown.stderr).contains("error: the message may have been published, and may not"),
        "{unknown:?}"
    );

    let front = Server::start(&["board-server", "--forward", &format!("127.0.0.1:{nobody}")]);
    let behind = client(&front, &["-m", "x", "--retries", "0"]);
    assert_eq!(behind.status.code(), Some(3), "certainly not published: {behind:?}");
    for wrong in [
        &["--calls", "0"][..],
        &["-t", "carrier-pigeon"],
        &["-t", "unix"],
        &["--frame", "1"],
        &["--forward", "nowhere"],
    ] {
        let wrong = run(&mut ch5(&[&["board-server"], wrong].concat()));
        assert_eq!(wrong.status.code(), Some(2), "{wrong:?}");
    }
    let range = run(&mut ch5(&["board-server", "--idle", "99d"]));
    assert!(text(&range.stderr).contains("a time from 10ms to 24h"), "{range:?}");
    let taken = run(&mut ch5(&["board-server", "-p", &port]));
    assert_eq!(taken.status.code(), Some(1));
    assert!(text(&taken.stderr).contains("cannot listen on 127.0.0.1:"), "{taken:?}");
}

#[test]
fn ctrl_c_ends_a_client_with_130_and_its_call_on_the_server() {
    let server = Server::with_log(&["board-server", "--log", "debug"]);
    let mut follower = ChildProcess::spawn(
        client_command(&server, &["--follow", "--deadline", "1h", "-m", "seen"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped()),
    )
    .unwrap();
    assert_eq!(follower.next_line(LONG).unwrap(), "Message published");
    assert!(follower.next_line(LONG).unwrap().ends_with("-> seen"));
    // It waits now, or does so before the signal reaches it.
    follower.signal(Signal::SIGINT).unwrap();
    assert_eq!(follower.wait(LONG).unwrap().status.unwrap().code(), Some(130));
    assert_eq!(server.stop().status.and_then(|status| status.code()), Some(0));
}

#[test]
fn a_follower_sees_each_message_once_and_finds_a_restarted_server() {
    let server = Server::start(&["board-server"]);
    let port = server.address.port();
    client(&server, &["--publish-only", "-m", "first"]);
    let mut follower = ChildProcess::spawn(
        client_command(&server, &["--follow", "--deadline", "500ms"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped()),
    )
    .unwrap();
    let mut next = || texts(&follower.next_line(LONG).expect("a message")).concat();
    assert_eq!(next(), "first");
    for number in ["1", "2", "3"] {
        client(&server, &["--publish-only", "-m", number]);
        assert_eq!(next(), number);
    }
    server.stop();
    let server = Server::start_at(port, &["board-server"]);
    client(&server, &["--publish-only", "-m", "after the restart"]);
    assert_eq!(next(), "after the restart");
}

#[test]
fn one_trace_id_is_in_the_logs_of_all_servers() {
    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    let back = Server::with_log(&["board-server", "--log", "debug"]);
    let front = Server::with_log(&["board-server", "--log", "debug", "--forward", &back.address.to_string()]);
    let said = succeed(&client(&front, &["-m", "through the front", "--trace", TRACE]));
    assert_eq!(texts(&said), ["through the front"]);
    for server in [&front, &back] {
        let line = format!("trace {TRACE}: done");
        let twice = |log: &str| (log.matches(&line).count() == 2).then_some(());
        server.process.stderr.wait(LONG, twice).expect("both calls are in the log");
    }
    // The author is who called the board: the front.
    assert_eq!(texts(&succeed(&client(&back, &[]))), ["through the front"]);
}

/// Both are told that the other speaks another format.
#[test]
fn a_server_says_that_it_has_not_understood_a_client() {
    for (served, spoken, why) in
        [("tcp", "json", "expected variant index"), ("json", "tcp", "expected value")]
    {
        let server = Server::with_log(&["board-server", "-t", served]);
        let said = client(&server, &["-t", spoken, "-m", "a text", "--retries", "0"]);
        assert_eq!(said.status.code(), Some(3), "{said:?}");
        let line = |log: &str| log.contains("is disconnected: ").then(|| log.to_owned());
        let log = server.process.stderr.wait(LONG, line).expect("the server has said it");
        assert!(log.contains(why), "{log}");
    }
}

#[test]
fn a_unix_socket_is_a_file_that_goes_with_its_server() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("board");
    let socket = path.to_str().unwrap();
    let start = || {
        let mut server = ChildProcess::spawn(
            ch5(&["board-server", "-t", "unix", "--socket", socket]).stdout(Stdio::piped()),
        )
        .unwrap();
        assert_eq!(server.next_line(LONG), Some(format!("LISTENING unix:{socket}")));
        server
    };
    let mut killed = start();
    killed.signal(Signal::SIGKILL).unwrap();
    killed.wait(LONG).unwrap();
    assert!(path.exists(), "a server that is killed leaves its file");
    let mut server = start();
    let args = ["board-client", "-t", "unix", "--socket", socket];
    assert_eq!(texts(&succeed(&run(&mut ch5(&[&args[..], &["-m", "no network"]].concat())))), ["no network"]);
    let second = run(&mut ch5(&["board-server", "-t", "unix", "--socket", socket]));
    assert_eq!(second.status.code(), Some(1));
    assert!(text(&second.stderr).contains("a server listens there"), "{second:?}");
    assert_eq!(server.stop().status.and_then(|status| status.code()), Some(0));
    assert!(!path.exists());
    std::fs::write(&path, "a file of somebody").unwrap();
    let refused = run(&mut ch5(&["board-server", "-t", "unix", "--socket", socket]));
    assert_eq!(refused.status.code(), Some(1));
    assert!(path.exists() && text(&refused.stderr).contains("is no socket"), "{refused:?}");
}

/// The second and the third advantage of the notes: any port will do, and the client knows only the name server.
#[test]
fn a_board_is_found_by_its_name() {
    let names = remote::names(&[]);
    let place = names.address.to_string();
    let by_name = |rest: &[&str]| run(&mut ch5(&[&["board-client", "--names", &place], rest].concat()));
    let port = names.address.port().to_string();
    let watch = remote::background(&["names", "watch", "-p", &port, "--log", "error"]);
    remote::wait_for(&watch, "there Pyro.NameServer");
    let board = Server::with_log(&["board-server", "--names", &place]);
    remote::wait_for(&watch, &format!("added board PYRO:rpc-board@{}", board.address));
    assert_eq!(texts(&succeed(&by_name(&["-m", "by name"]))), ["by name"]);
    assert!(board.stop().success());
    let output = by_name(&[]);
    let words = text(&output.stderr);
    assert!(output.status.code() == Some(1) && words.contains("unknown name: board"), "{words}");
}
