//! The connection of a player breaks: the player connects and joins again by itself, also when its name is still held for the broken
//! connection, and says what it does not know.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::process::Stdio;
use std::time::{Duration, Instant};

use common::support::child_server::ChildProcess;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;

use crate::support::guessword::{PATIENCE, coded, join, notice, serve};
use crate::support::terminal::{ENTER, Terminal};
use crate::support::{Server, ch4, run, text};

const MINUTE: Duration = Duration::from_secs(60);

fn player(port: u16, args: &[&str]) -> ChildProcess {
    let port = port.to_string();
    let mut command = ch4(&[&["guessword-client", "-p", &port][..], args].concat());
    ChildProcess::spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped())).unwrap()
}

/// A server that a test plays: its listening socket.
fn listen() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// The next connection; it must begin with these bytes, which are answered.
#[track_caller]
fn accept(listener: &TcpListener, request: &str, answer: &str) -> TcpStream {
    let mut fds = [PollFd::new(listener.as_fd(), PollFlags::POLLIN)];
    let ready = poll(&mut fds, PollTimeout::try_from(PATIENCE).unwrap()).unwrap();
    assert!(ready > 0, "the player does not come back");
    let (mut stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    talk(&mut stream, request, answer);
    stream
}

#[track_caller]
fn talk(stream: &mut TcpStream, request: &str, answer: &str) {
    let mut got = vec![0; request.len()];
    stream.read_exact(&mut got).unwrap();
    assert_eq!(text(&got), request);
    stream.write_all(answer.as_bytes()).unwrap();
}

#[test]
fn a_server_that_was_started_again_is_played_on() {
    let server = serve("epoll");
    let port = server.address.port();
    let mut alice = join(&server, "Alice");
    let mut bob = player(port, &["--name", "Bob", "--until-round", "1"]);
    alice.expect(&[&notice("Bob joined")]);
    server.stop();
    assert!(bob.stderr.wait(MINUTE, |text| text.contains("joining again").then_some(())).is_ok());
    let server = Server::start_at(port, &["guessword-server"]);
    let joined = |text: &str| (text.matches("joined Bob\n").count() == 2).then_some(());
    assert!(bob.stdout.wait(MINUTE, joined).is_ok());
    let mut alice = join(&server, "Alice");
    alice.send(&(coded('C', "a") + "B:a;"));
    assert_eq!(bob.wait(MINUTE).unwrap().code(), Some(0), "{}", text(&bob.stderr.bytes()));
    assert!(bob.stdout.wait_for_end(MINUTE).unwrap().ends_with("score Bob 0\n"));
}

#[test]
fn a_name_that_is_held_for_the_broken_connection_is_tried_again() {
    let (listener, port) = listen();
    let hello = coded('D', "Bob");
    let mut bob = player(port, &["--name", "Bob", "--guess", "e"]);
    let mut first = accept(&listener, &hello, "d:1;");
    talk(&mut first, "A:;", &coded('a', "_"));
    talk(&mut first, "B:e;", "");
    drop(first); // without an answer to the guess
    for _ in 0..3 {
        accept(&listener, &hello, "d:0;");
    }
    let mut last = accept(&listener, &hello, &(notice("Bob joined") + "d:1;"));
    talk(&mut last, "A:;", &coded('a', "e")); // the guess is not sent again
    talk(&mut last, "S:;", &coded('s', "Bob 0"));
    assert_eq!(bob.wait(MINUTE).unwrap().code(), Some(0));
    let said = bob.stdout.wait_for_end(MINUTE).unwrap();
    assert_eq!(
        said,
        "joined Bob\nword _\nnotice Bob joined\njoined Bob\nguess e unknown\nword e\nscore Bob 0\n"
    );
}

#[test]
fn a_name_that_stays_in_use_has_its_status_and_so_has_a_server_that_stays_away() {
    for (answer, status) in [(Some("d:0;"), 3), (None, 4)] {
        let (listener, port) = listen();
        let args = ["--name", "Bob", "--until-round", "1", "--reconnect-for", "500ms"];
        let mut bob = player(port, &args);
        drop(accept(&listener, &coded('D', "Bob"), "d:1;"));
        let server = answer.map(|answer| {
            let hello = coded('D', "Bob");
            std::thread::spawn(move || {
                for stream in listener.incoming() {
                    let Ok(mut stream) = stream else { return };
                    let mut got = vec![0; hello.len()];
                    if stream.read_exact(&mut got).is_err() {
                        return; // the test's, at its end
                    }
                    let _ = stream.write_all(answer.as_bytes());
                }
            })
        });
        assert_eq!(bob.wait(MINUTE).unwrap().code(), Some(status), "{}", text(&bob.stderr.bytes()));
        if let Some(server) = server {
            drop(TcpStream::connect(("127.0.0.1", port)).unwrap());
            server.join().unwrap();
        }
    }
}

#[test]
fn ctrl_c_has_its_status() {
    let server = serve("epoll");
    let mut alice = join(&server, "Alice");
    let mut bob = player(server.address.port(), &["--name", "Bob", "--until-round", "1"]);
    alice.expect(&[&notice("Bob joined")]);
    bob.signal(Signal::SIGINT).unwrap();
    assert_eq!(bob.wait(MINUTE).unwrap().code(), Some(130));
    let output = run(&mut ch4(&["guessword-client", "--no-reconnect", "--reconnect-for", "1s"]));
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn at_a_terminal_what_is_typed_without_a_connection_is_sent_later() {
    let server = serve("epoll");
    let port = server.address.port();
    let mut terminal = Terminal::start(&["guessword-client", "-p", &port.to_string(), "--name", "Ann"]);
    terminal.shows("Ann 0\n>");
    server.stop();
    terminal.shows("* the connection is lost; joining again. What you type is sent then\n>");
    terminal.press(&format!("word eel{ENTER}"));
    terminal.shows("> word eel\n>");
    let _server = Server::start_at(port, &["guessword-server"]);
    terminal.shows("* back in the game as Ann");
    terminal.shows("* Ann proposed a word of 3 characters");
    terminal.press(&format!("e{ENTER}"));
    terminal.shows("│ e │ e │   │");
}

#[test]
fn at_a_terminal_a_guess_without_an_answer_is_told() {
    let (listener, port) = listen();
    let mut terminal = Terminal::start(&["guessword-client", "-p", &port.to_string(), "--name", "Ann"]);
    let mut first = accept(&listener, &coded('D', "Ann"), "d:1;");
    talk(&mut first, "S:;A:;", &(coded('s', "Ann 0") + &coded('a', "__")));
    terminal.shows("Ann 0\n>");
    terminal.press(&format!("e{ENTER}"));
    talk(&mut first, "B:e;", "");
    drop(first);
    terminal.shows("not known whether the server has got this, and not sent again: e");
    let mut second = accept(&listener, &coded('D', "Ann"), "d:1;");
    talk(&mut second, "S:;A:;", &(coded('s', "Ann 0") + &coded('a', "e_")));
    terminal.shows("│ e │   │");
}

#[test]
fn a_server_that_talks_and_lets_nobody_in_is_left() {
    let (listener, port) = listen();
    let hello = coded('D', "Bob");
    let _bob = player(port, &["--name", "Bob", "--until-round", "1"]);
    drop(accept(&listener, &hello, "d:1;"));
    let mut talker = accept(&listener, &hello, "");
    talker.set_write_timeout(Some(PATIENCE)).unwrap();
    let (talk, end) = (notice("Eve joined").repeat(100), Instant::now() + MINUTE);
    while talker.write_all(talk.as_bytes()).is_ok() {
        assert!(Instant::now() < end, "the player keeps all that is said");
    }
    accept(&listener, &hello, "");
}
