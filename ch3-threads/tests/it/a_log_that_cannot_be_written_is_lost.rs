//! Standard error may be a full disk, or a pipe that nobody reads (`serve 2>&1 | head -1`). Lines are lost then, and nothing else:
//! clients are served, and the stop is an ordinary one.

use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use ch3_threads::model::Model;
use common::support::child_server::ChildServer;

fn serve(model: Model, stderr: Stdio) -> ChildServer {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ch3-threads"));
    command.args(["serve", "--model", &model.name(), "--service", "echo", "-p", "0", "--log", "debug"]);
    ChildServer::start(command.env("TZ", "<+0545>-5:45").stderr(stderr)).unwrap()
}

fn is_served_and_stopped(model: Model, stderr: Stdio) {
    println!("model {}", model.name());
    let server = serve(model, stderr);
    // A worker that died of its first line would not serve the next client.
    for _ in 0..if model == Model::OneClient { 1 } else { 3 } {
        let mut client = TcpStream::connect(server.address).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        client.write_all(b"hello").unwrap();
        let mut answer = [0; 5];
        client.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"hello");
    }
    assert_eq!(server.stop().code(), Some(0));
}

#[test]
fn on_a_full_disk() {
    for model in Model::ALL.into_iter().filter(|model| model.available().is_ok()) {
        is_served_and_stopped(model, File::create("/dev/full").unwrap().into());
    }
}

#[test]
fn in_a_pipe_that_nobody_reads() {
    for model in Model::ALL.into_iter().filter(|model| model.available().is_ok()) {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        is_served_and_stopped(model, writer.into());
    }
}

#[test]
fn and_a_line_that_can_be_written_has_the_local_time_with_its_zone() {
    let server = serve(Model::Epoll, Stdio::piped());
    let log = server.process.stderr.clone();
    assert_eq!(server.stop().code(), Some(0));
    let log = log.wait_for_end(Duration::from_secs(20)).unwrap();
    let (time, rest) = log.lines().next().unwrap().split_once(' ').unwrap();
    let digits = time.replace(|character: char| character.is_ascii_digit(), "0");
    assert_eq!(digits, "00:00:00.000+00:00", "{time}");
    assert!(time.ends_with("+05:45") && rest.starts_with("(main) INFO "), "{log}");
}
