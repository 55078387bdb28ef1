//! `board-client` from a script, and `simulate`: what they print, and how they end.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::Stdio;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::guessword::{Raw, models};
use crate::support::notify::{say, serve};
use crate::support::{ch4, run, text};

/// What a client prints with these arguments, without times and ports; it must end well.
fn client(port: u16, args: &[&str]) -> Vec<String> {
    let output = run(ch4(&["board-client", "-p", &port.to_string()]).args(args));
    assert!(output.status.success(), "{args:?}: {output:?}");
    let texts = text(&output.stdout);
    texts.lines().map(|line| line.split_once(" -> ").map_or(line, |(_, text)| text).to_owned()).collect()
}

#[test]
fn it_publishes_and_prints_what_was_asked_for() {
    let server = serve("epoll", &[]);
    let port = server.address.port();
    assert_eq!(client(port, &["--last", "0"]), [""; 0]);
    assert_eq!(client(port, &["--publish", "one", "--publish", "two"]), ["Message published"]);
    assert_eq!(client(port, &["--last", "0"]), ["one", "two"]);
    assert_eq!(client(port, &["--last", "1"]), ["two"]);
    assert_eq!(client(port, &["--count", "1"]), ["one"]);
    assert_eq!(client(port, &["--last", "1", "--publish", "three", "--count", "2"]), ["two", "three"]);
    assert_eq!(client(port, &["--new", "--publish", "four", "--count", "1"]), ["four"]);
    let mut child = ch4(&["board-client", "-p", &port.to_string(), "--publish", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all("five\nlines: no; two\n".as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(client(port, &["--last", "1"]), ["five\\nlines: no; two"]);
    let line = text(&run(&mut ch4(&["board-client", "-p", &port.to_string(), "--count", "1"])).stdout);
    assert_eq!(line.split_once(" [127.0.0.1:").unwrap().0.len(), "2026-11-21 12:36:54".len(), "{line}");
}

#[test]
fn it_follows_until_it_is_interrupted_or_the_server_is_gone() {
    let server = serve("epoll", &[]);
    let port = server.address.port().to_string();
    let mut speaker = Raw::connect(&server);
    say(&mut speaker, "before");
    let start = || {
        let mut child = ch4(&["board-client", "-p", &port, "--follow", "--no-reconnect"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.next().unwrap().unwrap().ends_with(" -> before"));
        (child, lines)
    };
    let (mut first, mut lines) = start();
    let (mut second, _rest) = start();
    for number in 0..20 {
        say(&mut speaker, &number.to_string());
        assert!(lines.next().unwrap().unwrap().ends_with(&format!(" -> {number}")));
    }
    kill(Pid::from_raw(first.id() as i32), Signal::SIGINT).unwrap();
    assert_eq!(first.wait().unwrap().code(), Some(130));
    drop(server);
    assert_eq!(second.wait().unwrap().code(), Some(4));
}

#[test]
fn what_goes_wrong_is_said_in_a_sentence() {
    let server = serve("epoll", &["--max-bytes", "3"]);
    let port = server.address.port().to_string();
    let fails = |args: &[&str], code: i32, words: &str| {
        let output = run(ch4(&["board-client"]).args(args));
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        assert!(text(&output.stderr).contains(words), "{output:?}");
    };
    fails(&["-p", &port, "--publish", "four"], 3, "refuses");
    fails(&["-p", &port], 1, "no terminal");
    fails(&["-p", "1", "--follow"], 1, "no notification board");
    fails(&["-H", "no.such.host.invalid", "--follow"], 1, "no host");
    let refused = run(&mut ch4(&["board-server", "--model", "prefork", "-p", "0"]));
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("one memory"));
}

#[test]
fn a_simulated_crowd_finds_everything_right_and_a_board_that_is_not_empty_wrong() {
    for model in models() {
        let args =
            ["simulate", "--model", &model, "--subscribers", "20", "--publishers", "4", "--stalled", "1"];
        // A pool holds as many clients as it has threads.
        let fewer = ["--subscribers", "3", "--publishers", "2", "--stalled", "1"];
        let args = if model == "thread-pool" { &[&args[..3], &fewer].concat()[..] } else { &args };
        for load in [&["--window", "50"][..], &["--rate", "300"]] {
            let output =
                run(ch4(args).args(load).args(["--time", "200ms", "--warm-up", "50ms", "--seed", "1"]));
            assert!(output.status.success(), "{model}: {output:?}");
            assert!(text(&output.stdout).contains("0 missing"), "{output:?}");
        }
    }
    let server = serve("epoll", &[]);
    say(&mut Raw::connect(&server), "nobody of yours");
    let port = server.address.port().to_string();
    let output = run(&mut ch4(&["simulate", "-p", &port, "--time", "100ms"]));
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(text(&output.stderr).contains("is not empty"), "{output:?}");
}

#[test]
fn ctrl_c_ends_whoever_waits_for_a_server_that_says_nothing() {
    for args in [
        &["simulate"][..],
        &["simulate", "--players", "2"],
        &["verify", "--what", "game", "--clients", "1"],
        &["verify", "--what", "board"],
        &["verify", "--what", "notifications"],
    ] {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = silent.local_addr().unwrap().port().to_string();
        let child = ch4(args).args(["-p", &port]).stderr(Stdio::piped()).spawn().unwrap();
        let _connection = silent.accept().unwrap();
        kill(Pid::from_raw(child.id() as i32), Signal::SIGINT).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130), "{args:?}");
        assert!(text(&output.stderr).contains("interrupted"), "{args:?}: {}", text(&output.stderr));
    }
}

/// Not when all the work is done.
#[test]
fn a_file_that_cannot_be_written_is_told_before_anything_is_done() {
    let nowhere = "/nonexistent/file";
    for args in [
        &["simulate", "--json", nowhere][..],
        &["simulate", "--players", "2", "--report", nowhere],
        &["verify", "--picture", nowhere],
        &["connections", "--json", nowhere],
        &["download", "--report", nowhere],
        &["board-server", "-p", "0", "--trace", nowhere],
    ] {
        let output = run(&mut ch4(args));
        assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(1), ""), "{args:?}");
        assert!(text(&output.stderr).contains("cannot write /nonexistent/file"), "{args:?}: {output:?}");
    }
}
